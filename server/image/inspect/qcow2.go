package inspect

// The bits of a qcow2 header's incompatible features.
const (
	qcow2Corrupt      = 1 << 1
	qcow2ExternalData = 1 << 2
	qcow2Known        = 1<<5 - 1 // dirty, corrupt, external data file, compression type, extended L2
)

// qcow2 inspects a QCOW2 image of version 2 or 3 and returns its virtual size.
func (s source) qcow2() (int64, error) {
	h, err := s.at(0, 72)
	if err != nil {
		return 0, err
	}
	version := be.Uint32(h[4:])
	switch version {
	case 2:
	case 3:
		if err := s.qcow2Features(); err != nil {
			return 0, err
		}
	default:
		return 0, s.refuse("is qcow version %d; versions 2 and 3 are supported", version)
	}
	if be.Uint64(h[8:]) != 0 || be.Uint32(h[16:]) != 0 {
		return 0, s.refuse("names a backing file; an image must stand alone (qemu-img convert makes one that does)")
	}
	if be.Uint32(h[32:]) != 0 {
		return 0, s.refuse("is encrypted, which is not supported")
	}
	bits := be.Uint32(h[20:])
	if bits < 9 || bits > 21 {
		return 0, s.refuse("is damaged: its clusters would have 2^%d bytes", bits)
	}
	size := be.Uint64(h[24:])
	if size > MaxVirtualSize {
		return int64(min(size, 1<<63-1)), nil // refused by Check
	}
	return int64(size), s.qcow2Tables(h, size, bits)
}

// qcow2Features inspects what version 3 adds to the header.
func (s source) qcow2Features() error {
	h, err := s.at(0, 104)
	if err != nil {
		return err
	}
	f := be.Uint64(h[72:])
	switch {
	case f&qcow2ExternalData != 0:
		return s.refuse("keeps its data in another file; an image must stand alone (qemu-img convert makes one that does)")
	case f&qcow2Corrupt != 0:
		return s.refuse("is marked as corrupt (qemu-img check -r all may repair it)")
	case f&^qcow2Known != 0:
		return s.refuse("needs features that are not supported (bits %#x)", f&^qcow2Known)
	}
	if n := be.Uint32(h[100:]); n < 104 || !s.holds(0, uint64(n)) {
		return s.refuse("is damaged: its header would have %d bytes", n)
	}
	return nil
}

// qcow2Tables checks that the tables which the header names lie in the file and
// can map the whole disk.
func (s source) qcow2Tables(h []byte, size uint64, bits uint32) error {
	l1, l1At := uint64(be.Uint32(h[36:])), be.Uint64(h[40:])
	refs, refsAt := uint64(be.Uint32(h[56:]))<<bits, be.Uint64(h[48:])
	// An L2 table is one cluster of entries of 8 bytes or more, each for one
	// cluster: the most that one entry of L1 can map.
	perL1 := uint64(1) << (2*bits - 3)
	if size > 0 && l1 < (size+perL1-1)/perL1 {
		return s.refuse("is damaged: its tables are too small for its disk of %d bytes", size)
	}
	if !s.holds(l1At, l1*8) || !s.holds(refsAt, refs) {
		return s.refuse("is cut short: its tables lie beyond its end at byte %d", s.size)
	}
	return nil
}
