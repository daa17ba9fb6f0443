package pebble

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	pdb "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/statestore"
)

// Checkpoint implements statestore.Engine. The copy shares unchanged files with
// the data directory by hard links where it can. It is opened and read through
// before it gets its name.
func (e *Engine) Checkpoint(ctx context.Context, dir string) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return statestore.ErrClosed
	}
	if _, err := e.fs.Stat(dir); err == nil {
		return fmt.Errorf("backup to %s: %w; name a directory that does not exist yet", dir, fs.ErrExist)
	}
	partial := dir + ".partial"
	if err := e.fs.RemoveAll(partial); err != nil {
		return fmt.Errorf("backup to %s: %w", dir, err)
	}
	err := e.db.Checkpoint(partial, pdb.WithFlushedWAL())
	if err == nil {
		var c contents
		if c, err = readAll(ctx, partial, e.fs); err == nil {
			err = writeLabel(e.fs, partial, c)
		}
	}
	if err == nil {
		err = e.fs.Rename(partial, dir)
	}
	if err == nil {
		err = syncDir(e.fs, e.fs.PathDir(dir))
	}
	if err != nil {
		return fmt.Errorf("backup to %s: %w", dir, errors.Join(err, e.fs.RemoveAll(partial)))
	}
	return nil
}

// label is the file in a backup that says what must be found in it. Without it
// a log cut short would look like one that ended there.
const label = "BACKUP"

// contents sums up all that a copy holds.
type contents struct {
	Revision uint64 `json:"revision"`
	Records  int    `json:"records"`
	SHA256   string `json:"sha256"` // of all keys and values
}

// readAll opens a copy without changing it and reads it to its end.
func readAll(ctx context.Context, dir string, fs vfs.FS) (c contents, err error) {
	e, err := Open(dir, Options{FS: fs, ReadOnly: true})
	if err != nil {
		return c, err
	}
	defer e.Close()
	sum := sha256.New()
	var size [8]byte
	c.Revision, err = e.Load(ctx, nil, func(key, value []byte) error {
		c.Records++
		for _, b := range [][]byte{key, value} {
			binary.BigEndian.PutUint64(size[:], uint64(len(b)))
			sum.Write(size[:])
			sum.Write(b)
		}
		return nil
	})
	c.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return c, err
}

func writeLabel(fs vfs.FS, dir string, c contents) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := fs.Create(fs.PathJoin(dir, label), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Sync(), f.Close(), syncDir(fs, dir))
}

// verify reads a backup to its end and compares it with its label.
func verify(ctx context.Context, dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, label))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not a whole backup: it has no file %s", dir, label)
	}
	if err != nil {
		return err
	}
	var want contents
	if err := json.Unmarshal(b, &want); err != nil {
		return fmt.Errorf("the backup's file %s is damaged: %w", label, err)
	}
	got, err := readAll(ctx, dir, vfs.Default)
	if err != nil {
		return fmt.Errorf("the backup cannot be read: %w", err)
	}
	if got != want {
		return fmt.Errorf("the backup is damaged: it holds %d records of revision %d, should hold %d of %d with sum %s", got.Records, got.Revision, want.Records, want.Revision, want.SHA256)
	}
	return nil
}

// Restore replaces the data directory with a copy of a backup. The copy is made
// beside the data directory, opened and read through, and checked by check (nil
// for none: a caller that knows the tables opens a Store on the engine it is
// given) before the two directories trade places in one step; until that step
// the old data are untouched. The backup itself is not changed.
//
// Errors: statestore.ErrInUse if a server has the data directory open.
func Restore(ctx context.Context, backupDir, dataDir string, check func(context.Context, *Engine) error) (err error) {
	dataDir, err = filepath.Abs(dataDir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore of %s to %s: %w", backupDir, dataDir, err)
		}
	}()
	if err := verify(ctx, backupDir); err != nil {
		return err
	}
	old := ""
	if _, err := os.Lstat(dataDir); err == nil {
		lock, err := lockDir(dataDir, vfs.Default)
		if err != nil {
			return err
		}
		defer lock.Close()
		old = dataDir
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dataDir), 0o700); err != nil {
		return err
	}
	fresh := dataDir + ".restoring"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	defer os.RemoveAll(fresh) // after the exchange, the old data
	if err := copyDir(ctx, backupDir, fresh); err != nil {
		return err
	}
	e, err := Open(fresh, Options{})
	if err != nil {
		return err
	}
	if check != nil {
		err = check(ctx, e)
	}
	if err = errors.Join(err, e.Close()); err != nil {
		return err
	}
	if old == "" {
		err = os.Rename(fresh, dataDir)
	} else {
		err = exchange(fresh, dataDir)
	}
	if err != nil {
		return err
	}
	return syncDir(vfs.Default, filepath.Dir(dataDir))
}

// exchange swaps two directories atomically, so that a crash never leaves the
// data directory empty for a server to start afresh in.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if err != nil {
		return fmt.Errorf("exchange of %s and %s (the file system must support it): %w", a, b, err)
	}
	return nil
}

// copyDir copies the flat directory of a backup and makes the copy durable.
func copyDir(ctx context.Context, from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !entry.Type().IsRegular() || entry.Name() == "LOCK" || entry.Name() == label {
			continue
		}
		if err := vfs.Copy(vfs.Default, filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return syncDir(vfs.Default, to)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
