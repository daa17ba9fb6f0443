package statestore

import (
	"bytes"
	"context"
	"fmt"

	"github.com/hashicorp/go-memdb"
)

// batch is what gathers while the engine makes the one before durable.
type batch struct {
	ops  []Op
	snap *Snapshot     // the tree after its last transaction
	done chan struct{} // closed when it is durable and published, or failed
	err  error         // valid after done
}

// Write runs fn as one transaction. An error of fn aborts it and is returned as
// is; otherwise Write returns once the changes are durable and visible to
// Snapshot. Once fn has returned, ctx no longer matters: the answer says what
// became of the transaction. In a fork nothing is made durable.
//
// Errors besides fn's: *DuplicateError; ErrClosed; and if the engine failed, an
// error that leaves open whether the transaction was kept (the process is about
// to stop then).
func (s *Store) Write(ctx context.Context, fn func(tx *Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := s.apply(fn)
	if b != nil {
		<-b.done
		if b.err != nil {
			return b.err
		}
	}
	return err
}

// apply runs fn and adds its changes to the gathering batch. The batch it
// returns is the one to wait for before the answer, nil for none.
func (s *Store) apply(fn func(tx *Txn) error) (b *batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal != nil {
		return nil, s.fatal
	}
	if s.closed {
		return nil, ErrClosed
	}
	mtxn := s.db.Txn(true)
	mtxn.TrackChanges()
	defer mtxn.Abort() // nothing after a commit; after a panic of fn it frees the tree
	revision := s.applied.Load() + 1
	tx := &Txn{txn: mtxn, now: s.opt.Now().UTC().Round(0), v: view{store: s, txn: mtxn, revision: revision}}
	defer func() { tx.done = true }()
	// A refusal, too, may rest on what is not durable yet: it waits as well (I2).
	read := s.batch
	if read == nil {
		read = s.inFlight
	}
	if err := fn(tx); err != nil {
		return read, err
	}
	if tx.err != nil {
		return read, tx.err
	}
	changes := mtxn.Changes()
	for _, c := range changes {
		if c.After == nil {
			continue
		}
		if dup := s.tables[c.Table].duplicate(mtxn, c.After); dup != nil {
			return read, dup
		}
	}
	ops, err := s.encode(changes, tx.logs, revision)
	if err != nil {
		return read, err
	}
	s.warnings = append(s.warnings, tx.warnings...)
	if len(changes)+len(tx.logs) == 0 {
		return read, nil
	}
	s.applied.Store(revision) // before the commit, which wakes watchers
	mtxn.Commit()
	snap := s.snapshotOf(s.db.Snapshot(), revision)
	if s.base != nil {
		s.publish(snap)
		return nil, nil
	}
	if s.batch == nil {
		s.batch = &batch{done: make(chan struct{})}
		s.poke()
	}
	s.batch.ops = append(s.batch.ops, ops...)
	s.batch.snap = snap
	return s.batch, nil
}

// encode turns a transaction's changes into engine ops; none in a fork.
func (s *Store) encode(changes memdb.Changes, logs []logOp, revision uint64) ([]Op, error) {
	if s.base != nil && !s.opt.Check {
		return nil, nil
	}
	ops := make([]Op, 0, len(changes)+len(logs))
	for _, c := range changes {
		t := s.tables[c.Table]
		row := c.After
		if row == nil {
			row = c.Before
		}
		value, key, err := t.encode(row)
		if err != nil {
			return nil, &SchemaError{Table: c.Table, Key: key, Msg: "the row cannot be stored as JSON", Err: err}
		}
		if c.After == nil {
			ops = append(ops, Op{Kind: OpDelete, Key: rowKey(c.Table, key)})
			continue
		}
		if s.opt.Check {
			if err := checkRow(t, value, key); err != nil {
				return nil, err
			}
		}
		ops = append(ops, Op{Kind: OpSet, Key: rowKey(c.Table, key), Value: value})
	}
	for i, l := range logs {
		if l.value == nil {
			ops = append(ops, Op{Kind: OpDeletePrefix, Key: l.prefix})
		} else {
			ops = append(ops, Op{Kind: OpSet, Key: entryKey(l.prefix, revision, uint32(i)), Value: l.value})
		}
	}
	return ops, nil
}

// checkRow decodes a stored row and encodes it again.
func checkRow(t AnyTable, value []byte, key string) error {
	_, raw, err := splitValue(value)
	if err != nil {
		return err
	}
	row, k, err := t.decode(raw)
	if err == nil && k != key {
		err = fmt.Errorf("its key becomes %q", k)
	}
	if err == nil {
		var again []byte
		if again, _, err = t.encode(row); err == nil && !bytes.Equal(again, value) {
			err = fmt.Errorf("it becomes %s, was %s", again, value)
		}
	}
	if err != nil {
		return &SchemaError{Table: t.Name(), Key: key, Msg: "the row does not survive being stored", Err: err}
	}
	return nil
}

// poke wakes the committer.
func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// commitLoop is the one goroutine that talks to the engine, until Close or a
// failure.
func (s *Store) commitLoop(lost <-chan struct{}) {
	defer close(s.closing)
	for {
		select {
		case <-s.wake:
		case <-lost:
			s.failAll(nil, fmt.Errorf("statestore: another server leads now"))
			return
		}
		s.mu.Lock()
		b, closed := s.batch, s.closed
		s.batch, s.inFlight = nil, b
		s.mu.Unlock()
		if b == nil {
			if closed {
				return
			}
			continue
		}
		// Not a caller's context: whoever gathered here is entitled to an answer.
		err := s.eng.Commit(context.Background(), Batch{Revision: b.snap.v.revision, Ops: b.ops})
		if err != nil {
			s.failAll(b, fmt.Errorf("statestore: cannot keep changes: %w", err))
			return
		}
		s.publish(b.snap)
		s.mu.Lock()
		s.inFlight = nil
		s.mu.Unlock()
		close(b.done)
		if closed {
			s.poke() // look again: nothing gathers after closed is set
		}
	}
}

// failAll answers everybody who waits with the error and lets nobody in again.
func (s *Store) failAll(b *batch, err error) {
	s.mu.Lock()
	s.fatal = err
	gathering := s.batch
	s.batch, s.inFlight = nil, nil
	s.mu.Unlock()
	for _, b := range []*batch{b, gathering} {
		if b != nil {
			b.err = err
			close(b.done)
		}
	}
	s.opt.OnFatal(err)
}
