package inspect

import "math"

// vdi inspects a VirtualBox disk and returns its virtual size.
func (s source) vdi() (int64, error) {
	h, err := s.at(0, 0x1c8)
	if err != nil {
		return 0, err
	}
	if v := le.Uint32(h[0x44:]); v != 0x00010001 {
		return 0, s.refuse("is VDI version %d.%d; version 1.1 is supported", v>>16, v&0xffff)
	}
	if kind := le.Uint32(h[0x4c:]); kind != 1 && kind != 2 {
		return 0, s.refuse("is a VDI of kind %d, which depends on another one; only dynamic and fixed ones are supported", kind)
	}
	if !zero(h[0x1a8:0x1c8]) {
		return 0, s.refuse("has a parent; an image must stand alone")
	}
	if n := le.Uint32(h[0x168:]); n != sector {
		return 0, s.refuse("is damaged: its sectors would have %d bytes", n)
	}
	blocks, bmap, data := uint64(le.Uint32(h[0x180:])), uint64(le.Uint32(h[0x154:])), uint64(le.Uint32(h[0x158:]))
	if !s.holds(bmap, blocks*4) || !s.holds(data, 0) {
		return 0, s.refuse("is cut short: its tables lie beyond its end at byte %d", s.size)
	}
	size := le.Uint64(h[0x170:])
	if block := uint64(le.Uint32(h[0x178:])); size <= MaxVirtualSize && blocks*block < size {
		return 0, s.refuse("is damaged: its tables are too small for its disk of %d bytes", size)
	}
	return clamp(size), nil
}

// vhd inspects a fixed or dynamic Virtual PC disk, which ends with a footer, and
// returns its virtual size.
func (s source) vhd() (int64, error) {
	f, err := s.at(s.size-sector, sector)
	if err != nil {
		return 0, err
	}
	if string(f[:8]) != "conectix" {
		return 0, s.refuse("is not a VHD, or is cut short: it has no footer")
	}
	sum := uint32(0)
	for i, b := range f {
		if i < 64 || i >= 68 {
			sum += uint32(b)
		}
	}
	if ^sum != be.Uint32(f[64:]) {
		return 0, s.refuse("is damaged: the sum of its footer is wrong")
	}
	size := be.Uint64(f[48:])
	switch kind := be.Uint32(f[60:]); kind {
	case 2:
		if size > uint64(s.size-sector) {
			return 0, s.refuse("is cut short: its disk has %d bytes, but it has %d", size, s.size-sector)
		}
	case 3:
		if err := s.vhdDynamic(be.Uint64(f[16:]), size); err != nil {
			return 0, err
		}
	case 4:
		return 0, s.refuse("names a parent file; an image must stand alone")
	default:
		return 0, s.refuse("is a VHD of kind %d, which is not supported", kind)
	}
	return clamp(size), nil
}

// vhdDynamic checks the header that a dynamic VHD's footer leads to.
func (s source) vhdDynamic(offset, size uint64) error {
	h, err := s.at(clamp(offset), 1024)
	if err != nil {
		return err
	}
	if string(h[:8]) != "cxsparse" {
		return s.refuse("is damaged: its header is missing")
	}
	if !zero(h[40:56]) {
		return s.refuse("has a parent; an image must stand alone")
	}
	entries, block := uint64(be.Uint32(h[28:])), uint64(be.Uint32(h[32:]))
	if !s.holds(be.Uint64(h[16:]), entries*4) {
		return s.refuse("is cut short: its tables lie beyond its end at byte %d", s.size)
	}
	if size <= MaxVirtualSize && entries*block < size {
		return s.refuse("is damaged: its tables are too small for its disk of %d bytes", size)
	}
	return nil
}

// GUIDs of [MS-VHDX], as they lie in a file.
const (
	vhdxMetadata   = "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"
	vhdxParameters = "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"
	vhdxDiskSize   = "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8"
	vhdxHasParent  = 1 << 1
)

// vhdx inspects a Hyper-V disk and returns its virtual size.
func (s source) vhdx() (int64, error) {
	const tableSize = 64 << 10
	regions, err := s.at(192<<10, tableSize)
	if err != nil {
		return 0, err
	}
	if string(regions[:4]) != "regi" {
		return 0, s.refuse("is damaged: its region table is missing")
	}
	var base uint64
	for i := range min(le.Uint32(regions[8:]), (tableSize-16)/32) {
		if e := regions[16+32*i:]; string(e[:16]) == vhdxMetadata {
			base = le.Uint64(e[16:])
		}
	}
	if base == 0 || base > math.MaxInt64-tableSize {
		return 0, s.refuse("is damaged: it has no metadata")
	}
	table, err := s.at(int64(base), tableSize)
	if err != nil {
		return 0, err
	}
	if string(table[:8]) != "metadata" {
		return 0, s.refuse("is damaged: its metadata table is missing")
	}
	params, err := s.vhdxItem(table, base, vhdxParameters)
	if err != nil {
		return 0, err
	}
	if le.Uint32(params[4:])&vhdxHasParent != 0 {
		return 0, s.refuse("names a parent file; an image must stand alone")
	}
	size, err := s.vhdxItem(table, base, vhdxDiskSize)
	if err != nil {
		return 0, err
	}
	return clamp(le.Uint64(size)), nil
}

// vhdxItem returns the 8 bytes of a metadata item. It is refused if it is there
// twice: readers may differ about which one counts.
func (s source) vhdxItem(table []byte, base uint64, guid string) ([]byte, error) {
	found := uint64(0)
	for i := range min(int(le.Uint16(table[10:])), 2047) {
		e := table[32+32*i:]
		if len(e) < 32 || string(e[:16]) != guid {
			continue
		}
		if found != 0 {
			return nil, s.refuse("is damaged: a metadata item is there twice")
		}
		if found = base + uint64(le.Uint32(e[16:])); le.Uint32(e[20:]) < 8 {
			return nil, s.refuse("is damaged: a metadata item is too short")
		}
	}
	if found == 0 {
		return nil, s.refuse("is damaged: a metadata item is missing")
	}
	return s.at(clamp(found), 8)
}

// clamp makes a size or offset of a header a signed one; what does not fit is
// refused by who uses it.
func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// ploop returns the size of the disk in a Parallels image (QEMU,
// docs/interop/parallels.txt). The older of its two kinds counts sectors in 32 bits.
func (s source) ploop() (int64, error) {
	h, err := s.at(0, 64)
	if err != nil {
		return 0, err
	}
	if v := le.Uint32(h[16:]); v != 2 {
		return 0, s.refuse("is Parallels version %d; version 2 is supported", v)
	}
	tracks, entries := uint64(le.Uint32(h[28:])), uint64(le.Uint32(h[32:])) // sectors of a cluster; clusters
	if !s.holds(64, entries*4) {
		return 0, s.refuse("is cut short: its tables lie beyond its end at byte %d", s.size)
	}
	sectors := le.Uint64(h[36:])
	if string(h[:16]) == "WithoutFreeSpace" {
		sectors &= 1<<32 - 1
	}
	if sectors > MaxVirtualSize/512 {
		return 0, s.refuse("claims to hold a disk of %d sectors", sectors)
	}
	if entries*tracks < sectors {
		return 0, s.refuse("is damaged: its tables are too small for its disk of %d sectors", sectors)
	}
	return int64(sectors) * 512, nil
}
