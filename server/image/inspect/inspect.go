package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The formats, by Glance's names, that Check knows.
const (
	Raw   = "raw"
	QCOW2 = "qcow2"
	VMDK  = "vmdk"
	VDI   = "vdi"
	VHD   = "vhd"
	VHDX  = "vhdx"
	ISO   = "iso"
	Ploop = "ploop"
)

// MaxVirtualSize is the largest disk that is taken seriously, in bytes.
const MaxVirtualSize = 64 << 40

// HeadSize is how many bytes from the start of an image Format looks at.
const HeadSize = 0x8006

// Info is what an image is.
type Info struct {
	Format      string
	VirtualSize int64 // of the disk a guest sees, in bytes
}

// Error says why an image is refused. It is for who made the image.
type Error struct {
	Format string // told from the bytes
	Reason string // "is …", "names …": what follows the image as subject
}

func (e *Error) Error() string { return e.Reason }

func refuse(format, reason string, args ...any) *Error {
	return &Error{format, fmt.Sprintf(reason, args...)}
}

// magics tell formats apart, in the order in which they are tried.
var magics = []struct {
	format string
	offset int
	magic  string
}{
	{QCOW2, 0, "QFI\xfb"},
	{VMDK, 0, "KDMV"},
	{VMDK, 0, "COWD"}, // ESX hosts' own
	{VMDK, 0, "# Disk DescriptorFile"},
	{VHDX, 0, "vhdxfile"},
	{VHD, 0, "conectix"},
	{"qed", 0, "QED\x00"},
	{Ploop, 0, "WithoutFreeSpace"},
	{Ploop, 0, "WithouFreSpacExt"},
	{VDI, 0x40, "\x7f\x10\xda\xbe"},
	{ISO, 0x8001, "CD001"},
}

// Format tells a format from an image's first HeadSize bytes, or from all it has
// if it is shorter: raw if it is no other. Partition tables are raw.
func Format(head []byte) string {
	for _, m := range magics {
		if len(head) >= m.offset+len(m.magic) && string(head[m.offset:m.offset+len(m.magic)]) == m.magic {
			return m.format
		}
	}
	return Raw
}

// bare says which declared formats are bytes that have no format of their own.
func bare(declared string) bool {
	return declared == Raw || declared == "ami" || declared == "ari" || declared == "aki"
}

// Mismatch returns the error for an image that was declared as one format and
// starts as another; nil if the two agree. A fixed VHD starts as raw.
func Mismatch(declared string, head []byte) *Error {
	told := Format(head)
	switch {
	case told == declared, bare(declared) && told == Raw, declared == VHD && told == Raw:
		return nil
	}
	return refuse(told, "is declared as %s, but its bytes are %s", declared, told)
}

// Check inspects a whole image of size bytes that was declared as a format. Its
// errors are *Error for an image that is refused, and those of r.
func Check(r io.ReaderAt, size int64, declared string) (Info, error) {
	s := source{r: r, size: size}
	head, err := s.at(0, min(size, HeadSize))
	if err != nil {
		return Info{}, err
	}
	if err := Mismatch(declared, head); err != nil {
		return Info{}, err
	}
	told := Format(head)
	if declared == VHD {
		told = VHD
	}
	s.format = told
	info := Info{Format: told}
	switch told {
	case Raw, ISO:
		info.VirtualSize = size
		if size == 0 {
			return info, nil
		}
	case QCOW2:
		info.VirtualSize, err = s.qcow2()
	case VMDK:
		info.VirtualSize, err = s.vmdk()
	case VDI:
		info.VirtualSize, err = s.vdi()
	case VHD:
		info.VirtualSize, err = s.vhd()
	case VHDX:
		info.VirtualSize, err = s.vhdx()
	case Ploop:
		info.VirtualSize, err = s.ploop()
	default:
		err = refuse(told, "has the format %s, which is not supported", told)
	}
	if err != nil {
		return Info{}, err
	}
	if info.VirtualSize <= 0 || info.VirtualSize > MaxVirtualSize {
		return Info{}, refuse(told, "claims to hold a disk of %d bytes; 1 to %d are possible", uint64(info.VirtualSize), int64(MaxVirtualSize))
	}
	return info, nil
}

// source is an image that is looked at.
type source struct {
	r      io.ReaderAt
	size   int64
	format string
}

// maxPiece bounds what at reads at once.
const maxPiece = 64 << 10

// at returns n bytes from an offset. An image that is too short for them is
// refused.
func (s source) at(offset, n int64) ([]byte, error) {
	if n > maxPiece || !s.holds(uint64(offset), uint64(n)) {
		return nil, refuse(s.format, "is cut short or damaged: its header leads to byte %d, but it has %d", uint64(offset), s.size)
	}
	b := make([]byte, n)
	if got, err := s.r.ReadAt(b, offset); got < len(b) {
		return nil, err
	}
	return b, nil
}

// holds reports whether n bytes from an offset lie within the image.
func (s source) holds(offset, n uint64) bool {
	size := uint64(s.size)
	return offset <= size && n <= size-offset
}

func (s source) refuse(reason string, args ...any) *Error { return refuse(s.format, reason, args...) }

var (
	be = binary.BigEndian
	le = binary.LittleEndian
)

// zero reports whether all bytes are zero.
func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
