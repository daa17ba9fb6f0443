package image

import (
	"io/fs"
	"os"
	"syscall"
)

// spared is how many bytes of a disk uploads and imports leave free, or a sixteenth of
// a small disk: as a rule the state lies on the same one, and without room for that the
// server stops.
const spared = 256 << 20

// sparing is a file whose writes fail for want of room before the disk is full.
type sparing struct {
	*os.File
	free func(*os.File) (free, size int64, err error) // bytes
}

// spare makes a file sparing.
func spare(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return sparing{f, freeOf}, nil
}

// WriteAt implements io.WriterAt.
func (f sparing) WriteAt(b []byte, at int64) (int, error) {
	if free, size, err := f.free(f.File); err == nil && free-int64(len(b)) < min(spared, size/16) {
		return 0, &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.WriteAt(b, at)
}

// freeOf tells how much of a file's disk is free for ordinary users, and its size.
func freeOf(f *os.File) (free, size int64, err error) {
	var st syscall.Statfs_t
	c, err := f.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	if e := c.Control(func(fd uintptr) { err = syscall.Fstatfs(int(fd), &st) }); e != nil {
		err = e
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize, err
}
