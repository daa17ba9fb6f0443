package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// Sweep removes what a process that died has left: images that it was saving are
// queued again, and so are those whose staging was not whole; uploads that were
// not whole, what is staged for no import, and contents that no image names are
// deleted. It is called once, before the first upload, delete or task; a second
// call finds nothing to do. Files that are neither are left alone.
//
// Remote stores, which may be away, are swept by a task each, as soon as it can.
func (c *Content) Sweep(ctx context.Context, s *statestore.Store) error {
	us := ""
	err := s.Write(ctx, func(tx *statestore.Txn) error {
		us = owner(tx)
		for _, i := range slices.Collect(Images.All(tx)) {
			if i.Status == Saving || i.Status == Uploading && i.UploadID != "" {
				uploadFailed(tx, i, Interrupted)
			}
		}
		for _, sh := range c.shelves {
			if sh.Remote() {
				sweepLater(tx, sh.ID)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.owner = us
	if err := c.adopt(ctx, s); err != nil {
		return err
	}
	now := s.Snapshot()
	for _, sh := range c.shelves {
		if sh.Remote() {
			continue
		}
		err = errors.Join(err, removeFiles(sh.incoming, func(string) bool { return true }))
		err = errors.Join(err, c.unnamed(ctx, sh, func() statestore.Reader { return now }, func(name string) error { return sh.Blobs.Remove(ctx, name) }))
	}
	staged := map[string]bool{}
	for i := range Images.All(now) {
		staged[i.Staged] = true
	}
	return errors.Join(err, removeFiles(c.staging, func(name string) bool { return !staged[name] }))
}

// adopt finds contents that lie in none of the stores that their images say but in
// another local one, as after a restore, which brings all into the first: from then
// on they are there.
func (c *Content) adopt(ctx context.Context, s *statestore.Store) error {
	moved := map[string]string{} // images, to which store
	for i := range Images.All(s.Snapshot()) {
		if !i.HasData() || slices.ContainsFunc(i.InStores(), func(id string) bool {
			at, err := c.shelf(id)
			return err == nil && (at.Remote() || c.has(ctx, at, i.SHA256))
		}) {
			continue
		}
		for _, to := range c.shelves {
			if !to.Remote() && c.has(ctx, to, i.SHA256) {
				moved[i.ID] = to.ID
			}
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return s.Write(ctx, func(tx *statestore.Txn) error {
		for id, to := range moved {
			i, _ := Images.Get(tx, id)
			i.Stores = []string{to}
			touch(tx, i)
		}
		return nil
	})
}

// has reports whether a content is in a local store.
func (c *Content) has(ctx context.Context, s *shelf, sha256 string) bool {
	f, _, err := s.Blobs.Open(ctx, sha256)
	if err == nil {
		_ = f.Close()
	}
	return err == nil
}

// unnamed calls remove with each content in a store that no image names there.
func (c *Content) unnamed(ctx context.Context, s *shelf, now func() statestore.Reader, remove func(name string) error) error {
	var failed error
	for name, err := range s.Blobs.Names(ctx) {
		if err != nil {
			return errors.Join(failed, s.fault(err))
		}
		if isSHA256(name) && !slices.Contains(c.namedBy(now(), name), s.ID) {
			failed = errors.Join(failed, remove(name))
		}
	}
	return failed
}

// SweepTask is the kind of the tasks that sweep remote stores; their subject is the
// store.
const SweepTask = "image_sweep"

const stepSweep = "sweep"

// sweepLater has a store swept: by the task that already is to, at once.
func sweepLater(tx *statestore.Txn, store string) {
	for t := range task.Tasks.By(tx, "subject", store) {
		if t.Kind == SweepTask && t.State.Open() {
			t.NotBefore, t.Tries, t.FailingSince = tx.Now(), 0, time.Time{}
			task.Tasks.Put(tx, t)
			return
		}
	}
	_, _ = task.Create(tx, cloud.Caller{}, task.Spec{Kind: SweepTask, Subject: store, Step: stepSweep}) // there is no input to be encoded
}

// sweep removes what no image names from a remote store, and what uploads have left
// there that did not end. Uploads may be under way: they hold what they will name.
func (m importer) sweep(ctx context.Context, r *task.Run) (task.Outcome, error) {
	s, err := m.shelf(r.Subject)
	if err != nil {
		return task.Fail(err), nil // it was taken from the configuration
	}
	if err := m.claim(ctx, s); err != nil {
		return task.Outcome{}, err
	}
	err = m.unnamed(ctx, s, func() statestore.Reader { return r.Store.Snapshot() }, func(name string) error {
		return m.drop(ctx, writing(ctx, r), name, []string{s.ID}, true)
	})
	if err == nil {
		err = s.fault(s.Blobs.Tidy(ctx))
	}
	return task.Done(), err
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
