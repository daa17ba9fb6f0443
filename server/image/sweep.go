package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloudlet/cloudlet/statestore"
)

// Sweep removes what a process that died has left: images that it was saving are
// queued again, and so are those whose staging was not whole; uploads that were
// not whole, what is staged for no import, and contents that no image names are
// deleted. It is called once, before the first upload, delete or task; a second
// call finds nothing to do. Files that are neither are left alone.
func (c *Content) Sweep(ctx context.Context, s *statestore.Store) error {
	err := s.Write(ctx, func(tx *statestore.Txn) error {
		for _, i := range slices.Collect(Images.All(tx)) {
			if i.Status == Saving || i.Status == Uploading && i.UploadID != "" {
				uploadFailed(tx, i, Interrupted)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	now := s.Snapshot()
	for _, sh := range c.shelves {
		err = errors.Join(err, removeFiles(sh.incoming, func(string) bool { return true }))
		err = errors.Join(err, removeFiles(sh.Dir, func(name string) bool {
			return isSHA256(name) && !slices.Contains(c.namedBy(now, name), sh.ID)
		}))
	}
	staged := map[string]bool{}
	for i := range Images.All(now) {
		staged[i.Staged] = true
	}
	return errors.Join(err, removeFiles(c.staging, func(name string) bool { return !staged[name] }))
}

// removeFiles removes the plain files of a directory of which drop says so.
func removeFiles(dir string, drop func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && drop(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
