package metadata

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A writer of ISO 9660 (ECMA-119) with Rock Ridge names (IEEE P1282), just
// enough for a config drive. It is our own because drives must be the same bytes
// for the same content, and the libraries write the clock, inode numbers and
// times of a temporary directory into the image.
//
// Layout, in sectors of 2048 bytes: 16 of system area, primary volume
// descriptor, terminator, path tables (little, big endian), one sector with the
// root's Rock Ridge announcement (its continuation area), directories, files.

const (
	sector       = 2048
	pvdSector    = 16
	pathLSector  = 18
	maxDirEntry  = 255
	ridgeVersion = 1
)

type isoDir struct {
	name     string // on the parent's listing
	parent   int    // index in image.dirs; the root is its own
	children []isoEntry
	extent   uint32
	size     uint32
}

type isoEntry struct {
	name string
	dir  int // index in image.dirs, or -1
	file int // index in image.files
}

type isoImage struct {
	label  string
	dirs   []isoDir // breadth first, as path tables want them
	files  [][]byte // distinct contents
	extent []uint32 // of files
	total  uint32   // sectors
	ce     uint32   // sector of the continuation area
	pathM  uint32   // sector of the big-endian path table
	path   uint32   // bytes of a path table
}

// writeISO writes the tree as an image labelled label.
func writeISO(w io.Writer, label string, root *dir) error {
	img := &isoImage{label: label}
	if err := img.collect(root); err != nil {
		return err
	}
	img.place()
	return img.write(w)
}

// collect gathers directories breadth first, names in order, equal contents
// once.
func (m *isoImage) collect(root *dir) error {
	contents := map[string]int{}
	queue := []*dir{root}
	m.dirs = []isoDir{{}}
	for at := 0; at < len(queue); at++ {
		d := queue[at]
		for _, name := range slices.Sorted(slices.Values(d.names)) {
			if len(name) == 0 || len(isoName(name))+len(name) > 150 || strings.ContainsAny(name, "/\x00") {
				return fmt.Errorf("metadata: config drive: name %q does not fit", name)
			}
			switch e := d.entries[name].(type) {
			case *dir:
				m.dirs = append(m.dirs, isoDir{name: name, parent: at})
				queue = append(queue, e)
				m.dirs[at].children = append(m.dirs[at].children, isoEntry{name: name, dir: len(m.dirs) - 1})
			case file:
				n, seen := contents[string(e.data)]
				if !seen {
					n = len(m.files)
					contents[string(e.data)] = n
					m.files = append(m.files, e.data)
				}
				m.dirs[at].children = append(m.dirs[at].children, isoEntry{name: name, dir: -1, file: n})
			}
		}
	}
	return nil
}

// place decides where everything lies.
func (m *isoImage) place() {
	m.path = uint32(len(m.pathTable(binary.LittleEndian)))
	next := uint32(pathLSector) + sectors(m.path)
	m.pathM = next
	next += sectors(m.path)
	m.ce = next
	next++
	for i := range m.dirs {
		m.dirs[i].extent = next
		m.dirs[i].size = uint32(len(m.listing(i)))
		next += sectors(m.dirs[i].size)
	}
	for _, f := range m.files {
		m.extent = append(m.extent, next)
		next += sectors(uint32(len(f)))
	}
	m.total = next
}

func (m *isoImage) write(w io.Writer) error {
	out := &sectorWriter{w: w}
	out.pad(pvdSector)
	out.put(m.volumeDescriptor())
	out.put(append([]byte{255}, "CD001\x01"...))
	out.put(m.pathTable(binary.LittleEndian))
	out.put(m.pathTable(binary.BigEndian))
	out.put(announcement())
	for i := range m.dirs {
		out.put(m.listing(i))
	}
	for _, f := range m.files {
		out.put(f)
	}
	return out.err
}

func (m *isoImage) volumeDescriptor() []byte {
	b := append([]byte{1}, "CD001\x01\x00"...)
	b = append(b, spaces("LINUX", 32)...)
	b = append(b, spaces(m.label, 32)...)
	b = append(b, make([]byte, 8)...)
	b = both32(b, m.total)
	b = append(b, make([]byte, 32)...)
	b = both16(b, 1) // volumes in the set
	b = both16(b, 1) // this one's number
	b = both16(b, sector)
	b = both32(b, m.path)
	b = binary.LittleEndian.AppendUint32(b, pathLSector)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.pathM)
	b = append(b, 0, 0, 0, 0)
	b = append(b, record("\x00", m.dirs[0].extent, m.dirs[0].size, true, nil)...)
	b = append(b, spaces("", 128+128+128)...) // volume set, publisher, preparer
	b = append(b, spaces("CLOUDLET CONFIG DRIVE", 128)...)
	b = append(b, spaces("", 37*3)...) // copyright, abstract, bibliography
	for range 4 {                      // created, modified, expires, effective: not told
		b = append(b, "0000000000000000\x00"...)
	}
	return append(b, 1)
}

func (m *isoImage) pathTable(order binary.AppendByteOrder) []byte {
	var b []byte
	for i, d := range m.dirs {
		name := isoName(d.name)
		if i == 0 {
			name = "\x00"
		}
		b = append(b, byte(len(name)), 0)
		b = order.AppendUint32(b, d.extent)
		b = order.AppendUint16(b, uint16(d.parent+1))
		b = append(b, name...)
		if len(name)%2 == 1 {
			b = append(b, 0)
		}
	}
	return b
}

// listing is a directory's records; none crosses a sector's end, and the last
// sector is filled up, as its size tells.
func (m *isoImage) listing(i int) []byte {
	d := m.dirs[i]
	var b []byte
	add := func(rec []byte) {
		if left := sector - len(b)%sector; len(rec) > left {
			b = append(b, make([]byte, left)...)
		}
		b = append(b, rec...)
	}
	parent := m.dirs[d.parent]
	add(record("\x00", d.extent, d.size, true, m.selfRidge(i)))
	add(record("\x01", parent.extent, parent.size, true, posix(true)))
	for _, c := range d.children {
		ridge := append(posix(c.dir >= 0), alternateName(c.name)...)
		if c.dir >= 0 {
			sub := m.dirs[c.dir]
			add(record(isoName(c.name), sub.extent, sub.size, true, ridge))
			continue
		}
		var extent uint32
		if m.extent != nil {
			extent = m.extent[c.file]
		}
		add(record(isoName(c.name)+";1", extent, uint32(len(m.files[c.file])), false, ridge))
	}
	return append(b, make([]byte, (sector-len(b)%sector)%sector)...)
}

// selfRidge is the Rock Ridge part of a directory's "." record; the root's
// announces that the extension is in use (SP), told in full in the continuation
// area (CE, ER).
func (m *isoImage) selfRidge(i int) []byte {
	if i != 0 {
		return posix(true)
	}
	b := []byte{'S', 'P', 7, ridgeVersion, 0xbe, 0xef, 0}
	b = append(b, posix(true)...)
	b = append(b, 'C', 'E', 28, ridgeVersion)
	b = both32(b, m.ce)
	b = both32(b, 0)
	return both32(b, uint32(len(announcement())))
}

func announcement() []byte {
	const id, text, source = "RRIP_1991A", "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
		"PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION."
	b := []byte{'E', 'R', byte(8 + len(id) + len(text) + len(source)), ridgeVersion, byte(len(id)), byte(len(text)), byte(len(source)), 1}
	return append(b, id+text+source...)
}

// posix is the mode: all of it is root's and read only, and only root reads it.
func posix(isDir bool) []byte {
	mode, links := uint32(0o100400), uint32(1)
	if isDir {
		mode, links = 0o040500, 2
	}
	b := []byte{'P', 'X', 36, ridgeVersion}
	b = both32(b, mode)
	b = both32(b, links)
	b = both32(b, 0)
	return both32(b, 0)
}

func alternateName(name string) []byte {
	return append([]byte{'N', 'M', byte(5 + len(name)), ridgeVersion, 0}, name...)
}

// record is a directory record. Its date is the first of the year 2000: it has
// to be one.
func record(name string, extent, size uint32, isDir bool, ridge []byte) []byte {
	n := 33 + len(name)
	n += n % 2
	total := n + len(ridge)
	total += total % 2
	if total > maxDirEntry {
		panic(fmt.Sprintf("metadata: directory record of %d bytes", total))
	}
	b := []byte{byte(total), 0}
	b = both32(b, extent)
	b = both32(b, size)
	b = append(b, 100, 1, 1, 0, 0, 0, 0)
	flags := byte(0)
	if isDir {
		flags = 2
	}
	b = append(b, flags, 0, 0)
	b = both16(b, 1)
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = append(b, make([]byte, n-len(b))...)
	b = append(b, ridge...)
	return append(b, make([]byte, total-len(b))...)
}

// isoName is the name for readers without Rock Ridge (Windows): capitals.
func isoName(name string) string { return strings.ToUpper(name) }

func sectors(bytes uint32) uint32 { return (bytes + sector - 1) / sector }

func spaces(s string, n int) string { return (s + strings.Repeat(" ", n))[:n] }

func both16(b []byte, v uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, v), v)
}

func both32(b []byte, v uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, v), v)
}

// sectorWriter writes whole sectors and remembers the first error.
type sectorWriter struct {
	w   io.Writer
	err error
}

func (s *sectorWriter) put(b []byte) {
	s.bytes(b)
	if rest := len(b) % sector; rest != 0 {
		s.bytes(make([]byte, sector-rest))
	}
}

func (s *sectorWriter) pad(n int) { s.bytes(bytes.Repeat([]byte{0}, n*sector)) }

func (s *sectorWriter) bytes(b []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(b)
	}
}
