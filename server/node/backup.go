package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
)

// backup copies the cloud into a new directory while it runs: DIR/state and
// DIR/images. Image files never change, so they are linked where the file system
// allows it.
func (s *Server) backup(ctx context.Context, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir) // it was made here
		}
	}()
	images := filepath.Join(s.o.DataDir, "images")
	// What the copied state names was there before the copy, or came meanwhile.
	if err := linkFiles(ctx, images, filepath.Join(dir, "images")); err != nil {
		return err
	}
	if err := s.store.Backup(ctx, filepath.Join(dir, "state")); err != nil {
		return err
	}
	return linkFiles(ctx, images, filepath.Join(dir, "images"))
}

// Restore replaces the state of a stopped server's data directory by a backup's,
// and adds the backup's images. It checks the backup first: a broken one changes
// nothing.
func Restore(ctx context.Context, backupDir, dataDir string) error {
	for _, sub := range []string{"state", "images"} {
		if fi, err := os.Stat(filepath.Join(backupDir, sub)); err != nil || !fi.IsDir() {
			return fmt.Errorf("%s is no backup: it has no directory %s", backupDir, sub)
		}
	}
	if err := os.MkdirAll(dataDir, 0o711); err != nil {
		return err
	}
	check := func(ctx context.Context, e *pebble.Engine) error {
		tables, logs := Tables()
		store, err := statestore.Open(ctx, e, statestore.Options{Tables: tables, Logs: logs, OnFatal: func(error) {}})
		if err != nil {
			return err
		}
		return store.Close()
	}
	// Images that no row names do no harm: the server sweeps them.
	if err := linkFiles(ctx, filepath.Join(backupDir, "images"), filepath.Join(dataDir, "images")); err != nil {
		return err
	}
	return pebble.Restore(ctx, filepath.Join(backupDir, "state"), filepath.Join(dataDir, "state"), check)
}

// linkFiles makes the plain files of a directory be in another too.
func linkFiles(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !e.Type().IsRegular() {
			continue
		}
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		err := os.Link(src, dst)
		switch {
		case err == nil, errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist): // the last: deleted meanwhile
		default:
			if err := copyFile(src, dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func copyFile(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(dst), ".copy-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), dst)
	}
	if err != nil {
		os.Remove(out.Name())
	}
	return err
}
