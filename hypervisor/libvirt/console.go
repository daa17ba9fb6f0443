package libvirt

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// A guest may write to its console for ever. Of a log that takes more than
// consoleMost on disk, all but the last consoleKept bytes are given back.
const (
	consoleMost = 8 << 20
	consoleKept = 1 << 20
)

// readConsole returns the end of a console log, at most most bytes (0: all that
// is kept). A log that is not there is empty.
func readConsole(path string, most int64) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	from := max(0, size-consoleMost)
	if most > 0 {
		from = max(from, size-most)
	}
	// What was given back reads as a hole.
	if data, err := unix.Seek(int(f.Fd()), from, unix.SEEK_DATA); err == nil {
		from = data
	}
	return io.ReadAll(io.NewSectionReader(f, from, size-from))
}

// trimConsole gives back the disk space of what a console log need not keep. QEMU
// goes on appending: the file's size stays, its beginning becomes a hole.
func trimConsole(path string) error {
	var s unix.Stat_t
	if path == "" || unix.Stat(path, &s) != nil || s.Blocks*512 <= consoleMost {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	const block = 4096 // whole blocks, so that no zeros are read
	return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, (s.Size-consoleKept)/block*block)
}
