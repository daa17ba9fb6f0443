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
// queued again, uploads that were not whole and contents that no image names
// are deleted. It is called once, before the first upload or delete; a second
// call finds nothing to do. Files that are neither are left alone.
func (c *Content) Sweep(ctx context.Context, s *statestore.Store) error {
	err := s.Write(ctx, func(tx *statestore.Txn) error {
		for _, i := range slices.Collect(Images.All(tx)) {
			if i.Status == Saving {
				uploadFailed(tx, i, Interrupted)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	uploads, err := os.ReadDir(c.incoming)
	if err != nil {
		return err
	}
	for _, e := range uploads {
		err = errors.Join(err, os.Remove(filepath.Join(c.incoming, e.Name())))
	}
	contents, more := os.ReadDir(c.dir)
	if err = errors.Join(err, more); err != nil {
		return err
	}
	now := s.Snapshot()
	for _, e := range contents {
		if !isSHA256(e.Name()) {
			continue
		}
		if _, named := Images.First(now, "content", e.Name()); !named {
			err = errors.Join(err, os.Remove(c.path(e.Name())))
		}
	}
	return err
}
