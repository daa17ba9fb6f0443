package statestore

import (
	"context"
	"sync"

	"github.com/hashicorp/go-memdb"
)

// maxWatched is how many reads are watched one by one. Reads beyond it are
// watched by index, which may wake for rows that were not read. Below 32
// channels memdb waits without goroutines.
const maxWatched = 24

// A Watch knows what was read through its snapshot and waits for a change of
// it. It costs a few channels and no goroutine until Wait; there is nothing to
// close.
type Watch struct {
	store    *Store
	revision uint64
	mu       sync.Mutex
	set      memdb.WatchSet
}

// Watch returns the newest durable state as a snapshot that records what is
// read through it. A row that was looked for in vain is watched too.
//
// Usual use: read, decide whether it is what you wait for, Wait, start again
// with a new Watch.
func (s *Store) Watch() (*Snapshot, *Watch) {
	cur := s.published.Load()
	w := &Watch{store: s, revision: cur.v.revision, set: memdb.NewWatchSet()}
	return &Snapshot{view{store: s, txn: cur.v.txn, watch: w, revision: cur.v.revision}}, w
}

// add records one read. index is asked for the channel of the whole index when
// too much is watched already.
func (w *Watch) add(ch <-chan struct{}, index func() <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.set) >= maxWatched {
		ch = index()
	}
	w.set.Add(ch)
}

// Wait returns nil as soon as anything that was read has changed, durably,
// since the snapshot was taken, also if it already had; rarely it returns nil
// without such a change. It returns ctx's error when ctx ends first and
// ErrClosed when the store closes.
func (w *Watch) Wait(ctx context.Context) error {
	w.mu.Lock()
	set := make(memdb.WatchSet, len(w.set)+1)
	for ch := range w.set {
		set.Add(ch)
	}
	w.mu.Unlock()
	if w.store.base != nil {
		return w.waitFork(ctx, len(set) > 0)
	}
	set.Add(w.store.closing)
	if err := set.WatchCtx(ctx); err != nil {
		return err
	}
	// The tree's channels close when a transaction has run; what it did may be
	// seen only once it is durable.
	return w.store.waitPublished(ctx, w.store.applied.Load())
}

// waitFork waits for any write to a fork. Clones of a memdb do not fire
// channels, and a fork's few readers do not mind to wake too often.
func (w *Watch) waitFork(ctx context.Context, any bool) error {
	for {
		changed := *w.store.changed.Load()
		if any && w.store.published.Load().v.revision > w.revision {
			return nil
		}
		select {
		case <-changed:
		case <-w.store.closing:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitPublished waits until the state with the revision is durable and seen.
func (s *Store) waitPublished(ctx context.Context, revision uint64) error {
	for {
		changed := *s.changed.Load()
		if s.published.Load().v.revision >= revision {
			select {
			case <-s.closing:
				return ErrClosed
			default:
				return nil
			}
		}
		select {
		case <-changed:
		case <-s.closing:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
