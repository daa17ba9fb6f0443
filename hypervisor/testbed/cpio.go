package testbed

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
)

// An archive is a file tree in the kernel's initramfs format (cpio "newc"). All
// its entries belong to root and bear no time, so that the same tree makes the
// same bytes.
type archive struct {
	buf  bytes.Buffer
	seen map[string]bool
	ino  int
}

const (
	modeDir     = 0o040000
	modeRegular = 0o100000
	modeSymlink = 0o120000
)

func (a *archive) dir(name string, perm fs.FileMode) { a.add(name, modeDir|uint32(perm), nil) }

func (a *archive) file(name string, perm fs.FileMode, data []byte) {
	a.add(name, modeRegular|uint32(perm), data)
}

func (a *archive) symlink(name, target string) { a.add(name, modeSymlink|0o777, []byte(target)) }

// add adds an entry after the directories above it. The first of a name counts.
func (a *archive) add(name string, mode uint32, data []byte) {
	if a.seen == nil {
		a.seen = map[string]bool{".": true}
	}
	if a.seen[name] {
		return
	}
	if up := path.Dir(name); !a.seen[up] {
		a.dir(up, 0o755)
	}
	a.seen[name] = true
	a.entry(name, mode, data)
}

func (a *archive) entry(name string, mode uint32, data []byte) {
	a.ino++
	fmt.Fprintf(&a.buf, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.buf.WriteString(name)
	a.buf.WriteByte(0)
	a.pad()
	a.buf.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.buf.Len()%4 != 0 {
		a.buf.WriteByte(0)
	}
}

// bytes ends the archive.
func (a *archive) bytes() []byte {
	a.entry("TRAILER!!!", 0, nil)
	return a.buf.Bytes()
}
