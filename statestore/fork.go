package statestore

import (
	"context"
	"errors"
)

// Fork returns a store over the newest durable state whose writes stay in
// memory and are thrown away with it. It costs next to nothing, has no engine,
// never touches its parent and does not see what the parent writes later. Close
// it only to wake who waits on it.
//
// Watch works, but wakes for any write to the fork. A fork of a fork has the
// same base.
func (s *Store) Fork() *Store {
	snap := s.Snapshot()
	f := &Store{opt: s.opt, tables: s.tables, logs: s.logs, base: s.base, closing: make(chan struct{}), wake: make(chan struct{}, 1)}
	if f.base == nil {
		f.base = snap
	}
	f.db = snap.v.db.Snapshot()
	f.applied.Store(snap.v.revision)
	f.publish(f.snapshotOf(f.db.Snapshot(), snap.v.revision))
	return f
}

// Base returns, in a fork, the real state it was made from; nil otherwise.
func (s *Store) Base() *Snapshot { return s.base }

// Warnings returns what Txn.Warn collected since the last call.
func (s *Store) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.warnings
	s.warnings = nil
	return w
}

// Backup writes a consistent copy of the durable state into dir, which must not
// exist, while writes go on.
func (s *Store) Backup(ctx context.Context, dir string) error {
	if s.eng == nil {
		return errors.New("statestore: a fork has nothing to back up")
	}
	return s.eng.Checkpoint(ctx, dir)
}
