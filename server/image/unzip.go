package image

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// zipDirectory is how many bytes of an archive are read to find its one file.
const zipDirectory = 1 << 20

func notOneFile() error {
	return cloud.Errorf(cloud.Invalid, "image", "The archive holds several files or none; it must hold the image and nothing else.")
}

// openZip opens the one file of an archive.
func openZip(f *io.SectionReader) (io.Reader, error) {
	if err := checkZip(f, f.Size()); err != nil {
		return nil, err
	}
	bounded := &boundedAt{f, zipDirectory} // an archive's directory is kept in memory whole
	z, err := zip.NewReader(bounded, f.Size())
	if bounded.left < 0 {
		return nil, notOneFile()
	}
	if err != nil {
		return nil, err
	}
	if len(z.File) != 1 {
		return nil, notOneFile()
	}
	bounded.left = math.MaxInt64
	return z.File[0].Open()
}

// checkZip refuses an archive that claims to hold many files: archive/zip makes room
// for all of them before it looks. It looks at every place where the claim could be
// (APPNOTE.TXT, 4.3.14 to 4.3.16).
func checkZip(f io.ReaderAt, size int64) error {
	const end, locator, record = "PK\x05\x06", "PK\x06\x07", "PK\x06\x06"
	from := max(0, size-(22+math.MaxUint16+20))
	tail := make([]byte, size-from)
	if n, err := f.ReadAt(tail, from); n < len(tail) {
		return err
	}
	le := binary.LittleEndian
	for b := tail; len(b) >= 20; b = b[1:] {
		switch {
		case bytes.HasPrefix(b, []byte(end)):
			if n := le.Uint16(b[10:]); n != 1 && n != math.MaxUint16 {
				return notOneFile()
			}
		case bytes.HasPrefix(b, []byte(locator)):
			at, r := le.Uint64(b[8:]), make([]byte, 40)
			if at > uint64(size) {
				continue
			}
			n, err := f.ReadAt(r, int64(at))
			if err != nil && err != io.EOF {
				return err
			}
			if n == len(r) && bytes.HasPrefix(r, []byte(record)) && le.Uint64(r[32:]) > 1 {
				return notOneFile()
			}
		}
	}
	return nil
}

// boundedAt fails when more was read than is left.
type boundedAt struct {
	io.ReaderAt
	left int64
}

func (b *boundedAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, io.ErrNoProgress
	}
	return b.ReaderAt.ReadAt(p, off)
}
