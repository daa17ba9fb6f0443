package inspect

import (
	"bytes"
	"strings"
)

const (
	sector = 512
	// vmdkAtEnd is the grain directory's offset in a stream: the footer says where it is.
	vmdkAtEnd = 1<<64 - 1
)

// vmdk inspects a sparse VMDK, the only kind that is one file, and returns its
// virtual size.
func (s source) vmdk() (int64, error) {
	magic, err := s.at(0, 4)
	if err != nil {
		return 0, err
	}
	if string(magic) != "KDMV" {
		return 0, s.refuse("is a VMDK of several files or of an ESX host's own kind; only monolithicSparse and streamOptimized are supported")
	}
	h, err := s.at(0, sector)
	if err != nil {
		return 0, err
	}
	if v := le.Uint32(h[4:]); v < 1 || v > 3 {
		return 0, s.refuse("is VMDK version %d; versions 1 to 3 are supported", v)
	}
	capacity := le.Uint64(h[12:])
	if capacity == 0 || capacity > MaxVirtualSize/sector {
		return 0, s.refuse("claims to hold a disk of %d sectors", capacity)
	}
	if le.Uint64(h[56:]) == vmdkAtEnd {
		if err := s.vmdkFooter(h); err != nil {
			return 0, err
		}
	} else if !s.holds(le.Uint64(h[56:])*sector, 4) || le.Uint64(h[56:]) > MaxVirtualSize/sector {
		return 0, s.refuse("is cut short: its grain directory lies beyond its end at byte %d", s.size)
	}
	at, n := le.Uint64(h[28:]), le.Uint64(h[36:])
	if at == 0 || n == 0 || at > MaxVirtualSize/sector || n > maxPiece/sector {
		return 0, s.refuse("is a VMDK without a readable descriptor")
	}
	d, err := s.at(int64(at*sector), int64(n*sector))
	if err != nil {
		return 0, err
	}
	return int64(capacity * sector), s.vmdkDescriptor(d)
}

// vmdkFooter checks the copy of the header that ends a stream: a reader takes
// it for the header.
func (s source) vmdkFooter(h []byte) error {
	f, err := s.at(s.size-2*sector, sector)
	if err != nil {
		return err
	}
	if string(f[:4]) != "KDMV" {
		return s.refuse("is cut short: the footer of its stream is missing")
	}
	if !bytes.Equal(f[4:44], h[4:44]) || le.Uint64(f[56:]) == vmdkAtEnd || !s.holds(le.Uint64(f[56:])*sector, 4) || le.Uint64(f[56:]) > MaxVirtualSize/sector {
		return s.refuse("is damaged: header and footer of its stream differ")
	}
	return nil
}

// vmdkDescriptor refuses a descriptor that names anything but its own file.
func (s source) vmdkDescriptor(d []byte) error {
	d, _, _ = bytes.Cut(d, []byte{0})
	kind, extents := "", 0
	for line := range strings.Lines(string(d)) {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "RW" || f[0] == "RDONLY" || f[0] == "NOACCESS") {
			if extents++; extents > 1 || len(f) < 4 || f[2] != "SPARSE" {
				return s.refuse("is a VMDK of several files; only monolithicSparse and streamOptimized are supported")
			}
			if strings.ContainsAny(line, `/\`) {
				return s.refuse("names another file by its path; an image must stand alone")
			}
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "createtype":
			if kind != "" && kind != value {
				return s.refuse("has a VMDK descriptor of two kinds")
			}
			kind = value
		case "parentfilenamehint":
			return s.refuse("names a parent file; an image must stand alone")
		case "parentcid":
			if !strings.EqualFold(value, "ffffffff") {
				return s.refuse("has a parent; an image must stand alone")
			}
		}
	}
	if kind != "monolithicSparse" && kind != "streamOptimized" {
		return s.refuse("is a VMDK of the kind %.40q; only monolithicSparse and streamOptimized are supported", kind)
	}
	if extents != 1 {
		return s.refuse("is a VMDK whose descriptor names no extent")
	}
	return nil
}
