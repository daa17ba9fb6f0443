package image

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// use is who needs a content just now.
type use struct {
	naming   int      // transactions that are about to name it
	reading  int      // downloads from remote stores; a file that is open needs none
	removing bool     // nobody may begin to need it
	stores   []string // remote ones that are to be looked at when naming ends
}

// needed waits until nobody removes a content, and changes who needs it.
func (c *Content) needed(sha256 string, change func(u *use)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.await(sha256)
	change(c.uses[sha256])
	c.settle(sha256)
}

// await returns with c.mu held and the content not being removed.
func (c *Content) await(sha256 string) {
	for c.uses[sha256] != nil && c.uses[sha256].removing {
		c.removed.Wait()
	}
	if c.uses[sha256] == nil {
		c.uses[sha256] = &use{}
	}
}

// settle forgets a content that nobody needs.
func (c *Content) settle(sha256 string) {
	if u := c.uses[sha256]; u.naming+u.reading == 0 && !u.removing {
		delete(c.uses, sha256)
	}
}

// hold keeps a content from being dropped before a row names it.
func (c *Content) hold(sha256 string) { c.needed(sha256, func(u *use) { u.naming++ }) }

// release undoes a hold, and drops the content from local stores and that store if
// no row came to name it.
func (c *Content) release(ctx context.Context, w Write, sha256, store string) error {
	last, stores := false, []string{}
	c.needed(sha256, func(u *use) {
		u.naming--
		u.stores = append(u.stores, store)
		if last = u.naming == 0; last {
			stores, u.stores = u.stores, nil
		}
	})
	if !last {
		return nil
	}
	return c.drop(ctx, w, sha256, stores, false)
}

// Drop removes a content from stores where no image names it: from local ones now,
// from the remote ones among those given by a task, so that nobody waits for them.
// It is called after the transaction that took the content's name from a row.
func (c *Content) Drop(ctx context.Context, w Write, sha256 string, stores []string) error {
	if !isSHA256(sha256) {
		return nil
	}
	return c.drop(ctx, w, sha256, stores, false)
}

// errRead says that a content cannot be removed yet.
var errRead = errors.New("the content is being read")

// drop is Drop; with now it removes from remote stores itself. It asks who names
// the content in a transaction, since a snapshot may be older than the row of an
// upload that let go of the content a moment ago.
func (c *Content) drop(ctx context.Context, w Write, sha256 string, stores []string, now bool) error {
	if ok, err := c.seize(sha256, stores, now); !ok {
		return err
	}
	defer c.letGo(sha256)
	var left []*shelf
	err := w(func(tx *statestore.Txn) error {
		left = nil
		named, remote := c.namedBy(tx, sha256), []string{}
		for _, s := range c.shelves {
			switch {
			case slices.Contains(named, s.ID):
			case !s.Remote() || now && slices.Contains(stores, s.ID):
				left = append(left, s)
			case slices.Contains(stores, s.ID):
				remote = append(remote, s.ID)
			}
		}
		if len(remote) > 0 {
			clean(tx, Image{ID: sha256, SHA256: sha256, Stores: remote}, 0)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range left {
		e := error(nil)
		if s.Remote() {
			e = c.claim(ctx, s)
		}
		if e == nil {
			e = s.fault(s.Blobs.Remove(ctx, sha256))
		}
		err = errors.Join(err, e)
	}
	return err
}

// seize begins to remove a content, unless it is about to be named: then release
// will look again. Removal from remote stores is an error while somebody reads.
func (c *Content) seize(sha256 string, stores []string, now bool) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.await(sha256)
	u := c.uses[sha256]
	switch {
	case u.naming > 0:
		u.stores = append(u.stores, stores...)
		return false, nil
	case now && u.reading > 0:
		return false, errRead
	}
	u.removing = true
	return true, nil
}

// letGo ends a removal that seize began.
func (c *Content) letGo(sha256 string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses[sha256].removing = false
	c.settle(sha256)
	c.removed.Broadcast()
}

// namedBy returns the stores in which a row says that a content is.
func (c *Content) namedBy(r statestore.Reader, sha256 string) (stores []string) {
	for i := range Images.By(r, "content", sha256) {
		stores = append(stores, i.InStores()...)
	}
	return stores
}

// CleanTask is the kind of the tasks that remove what nobody names any more: what a
// failed import has left, what lies in remote stores, and images whose deletion was
// delayed.
const CleanTask = "image_clean"

// stubborn is the patience of who cleans up: a store may be away for long.
const stubborn = 365 * 24 * time.Hour

// leftover is the input of a CleanTask.
type leftover struct {
	SHA256, Staged string
	Stores         []string // remote ones are among them
}

// clean has the bytes of an image removed that no row names any more.
func clean(tx *statestore.Txn, i Image, after time.Duration) {
	l := leftover{i.SHA256, i.Staged, append(slices.Clone(i.InStores()), i.ImportLeft...)}
	// A task's input that cannot be encoded does not exist.
	_, _ = task.Create(tx, cloud.Caller{}, task.Spec{Kind: CleanTask, Subject: i.ID, Owner: i.ProjectID, Input: l, Step: stepClean, After: after})
}

// readersTime is how long readers are given before it is tried again to remove what
// they read.
const readersTime = 30 * time.Second

// scrub removes bytes that are not wanted any more.
func (m importer) scrub(ctx context.Context, r *task.Run) (task.Outcome, error) {
	var l leftover
	if err := r.Decode(&l, nil); err != nil {
		return task.Fail(err), nil
	}
	if err := m.unstage(l.Staged); err != nil {
		return task.Outcome{}, err
	}
	err := r.Store.Write(ctx, func(tx *statestore.Txn) error {
		if i, ok := Images.Get(tx, r.Subject); ok && i.Status == PendingDelete {
			remove(tx, i)
		}
		return nil
	})
	if err != nil {
		return task.Outcome{}, err
	}
	if isSHA256(l.SHA256) {
		err = m.drop(ctx, writing(ctx, r), l.SHA256, l.Stores, true)
	}
	if errors.Is(err, errRead) {
		return task.Wait(stepClean, readersTime), nil
	}
	if err != nil {
		return task.Outcome{}, err
	}
	return task.Done(), nil
}

// writing is a Write of a task, which ends also when the task's own context has.
func writing(ctx context.Context, r *task.Run) Write {
	return func(fn func(*statestore.Txn) error) error { return r.Store.Write(context.WithoutCancel(ctx), fn) }
}
