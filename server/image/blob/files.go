package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Files is a Store in a directory, which exists: a blob is a file of its name.
// Other files in it are listed like blobs; what is in directories is not looked at.
// Files that are given to Put should lie in the same file system.
type Files string

func (d Files) path(name string) string { return filepath.Join(string(d), name) }

// Put implements Store by a rename.
func (d Files) Put(_ context.Context, name, file string) error {
	if err := os.Rename(file, d.path(name)); err != nil {
		return full(errors.Join(fmt.Errorf("keeping %s: %w", name, err), os.Remove(file)))
	}
	return full(SyncDir(string(d)))
}

// Open implements Store. A file that is open is read to its end also if it is
// removed meanwhile.
func (d Files) Open(_ context.Context, name string) (io.ReadSeekCloser, int64, error) {
	f, err := os.Open(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, cloud.Errorf(cloud.NotFound, "content", "There is nothing called %.64q.", name)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// Remove implements Store.
func (d Files) Remove(_ context.Context, name string) error {
	if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Names implements Store.
func (d Files) Names(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := os.ReadDir(string(d))
		if err != nil {
			yield("", err)
			return
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !yield(e.Name(), nil) {
				return
			}
		}
	}
}

// Tidy implements Store: a rename leaves nothing.
func (Files) Tidy(context.Context) error { return nil }

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// full tells a disk without room from other errors.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return cloud.Errorf(cloud.TooLarge, "content", "There is no room for it.").Because(err)
	}
	return err
}
