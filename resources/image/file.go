package image

import (
	"bytes"
	"cmp"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// content is what is known of an image's bytes.
type content struct {
	SHA512    string // hex; "" if it is not known
	Size      int64  // bytes
	Format    string // a file's is told from its first bytes: qcow2, iso, …; raw if nothing else
	Container string // "": bare
	Disk      int64  // size in bytes of the disk that a guest sees; 0 if it is not told
}

// minDisk returns the least size in GiB of a disk that takes it in.
func (c content) minDisk() int64 { return (c.Disk + 1<<30 - 1) >> 30 }

func (c content) container() string { return cmp.Or(c.Container, "bare") }

// examine reads a whole file.
func examine(file string) (content, error) {
	f, err := os.Open(file)
	if err != nil {
		return content{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	if !info.Mode().IsRegular() {
		return content{}, errors.New(file + " is not a regular file")
	}
	head := make([]byte, 0x8006)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return content{}, err
	}
	if n == 0 {
		return content{}, errors.New(file + " is empty")
	}
	h := sha512.New()
	h.Write(head[:n])
	size, err := io.Copy(h, f)
	c := content{SHA512: hex.EncodeToString(h.Sum(nil)), Size: size + int64(n), Format: format(head[:n])}
	switch {
	case c.Format == "qcow2" && n >= 32:
		c.Disk = int64(min(binary.BigEndian.Uint64(head[24:]), 1<<62))
	case c.Format == "raw":
		c.Disk = c.Size
	}
	return c, err
}

// format tells a disk format, by the image API's name, from a file's first
// bytes (QEMU's docs/interop/qcow2.txt and the formats' own specifications).
func format(head []byte) string {
	at := func(offset int, magic string) bool {
		return len(head) >= offset+len(magic) && string(head[offset:offset+len(magic)]) == magic
	}
	switch {
	case at(0, "QFI\xfb") && len(head) >= 8 && binary.BigEndian.Uint32(head[4:]) >= 2:
		return "qcow2"
	case at(0, "KDMV"), bytes.HasPrefix(head, []byte("# Disk DescriptorFile")):
		return "vmdk"
	case at(0, "vhdxfile"):
		return "vhdx"
	case at(0, "conectix"):
		return "vhd"
	case at(0x40, "\x7f\x10\xda\xbe"):
		return "vdi"
	case at(0x8001, "CD001"):
		return "iso"
	}
	return "raw"
}
