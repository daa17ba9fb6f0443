package statestore

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
)

// Log is append-only history that stays on disk: instance actions, audit. It is
// read by range and never loaded into the snapshot. Entries belong to a stream
// (the id of what they are about) and lie in the order of their commits.
type Log[T any] struct {
	name string
	ver  int
}

// AnyLog is a Log of any entry type, as listed in Options.Logs.
type AnyLog interface {
	Name() string
	version() int
}

// logOp is one change of a log, to be turned into engine ops at the end of the
// transaction.
type logOp struct {
	prefix []byte
	value  []byte // nil: delete the stream
}

// NewLog declares a log. Entries of older versions are read as they are: fields
// may be added, not renamed.
func NewLog[T any](name string, version int) *Log[T] {
	if name == "" || strings.ContainsRune(name, 0) || version < 1 {
		panic(fmt.Sprintf("statestore: log %q needs a name and a version from 1", name))
	}
	return &Log[T]{name: name, ver: version}
}

// Name returns the log's name.
func (l *Log[T]) Name() string { return l.name }

func (l *Log[T]) version() int { return l.ver }

// Append adds an entry to the end of the stream, durable with the transaction.
// In a fork it does nothing.
func (l *Log[T]) Append(tx *Txn, stream string, entry T) {
	tx.writable()
	if !tx.v.store.logs[l.name] {
		panic(fmt.Sprintf("statestore: log %s is not among the store's Options.Logs", l.name))
	}
	if tx.v.store.base != nil {
		return
	}
	value, err := encodeValue(l.ver, entry)
	if err != nil {
		tx.fail(fmt.Errorf("statestore: log %s: %w", l.name, err))
		return
	}
	tx.logs = append(tx.logs, logOp{streamKey(l.name, stream), value})
}

// DeleteStream removes all of the stream, and at once: also older snapshots no
// longer find it. In a fork it does nothing.
func (l *Log[T]) DeleteStream(tx *Txn, stream string) {
	tx.writable()
	if tx.v.store.base == nil {
		tx.logs = append(tx.logs, logOp{prefix: streamKey(l.name, stream)})
	}
}

// Range yields the entries that were committed up to the reader's state, oldest
// first. A fork reads what its base had; a transaction does not see what it
// appended itself. It reads from disk: do not call it in a transaction.
func (l *Log[T]) Range(ctx context.Context, r Reader, stream string) iter.Seq2[T, error] {
	s, revision := r.view().store, r.Revision()
	if s.base != nil {
		s, revision = s.base.v.store, s.base.v.revision
	}
	prefix := streamKey(l.name, stream)
	return func(yield func(T, error) bool) {
		var zero T
		for rec, err := range s.eng.Range(ctx, prefix, PrefixEnd(prefix)) {
			if err != nil {
				yield(zero, fmt.Errorf("statestore: log %s: %w", l.name, err))
				return
			}
			if at, ok := entryRevision(rec.Key, len(prefix)); !ok || at > revision {
				continue
			}
			entry, err := l.decode(rec.Value)
			if !yield(entry, err) {
				return
			}
		}
	}
}

func (l *Log[T]) decode(b []byte) (entry T, err error) {
	v, raw, err := splitValue(b)
	if err == nil && v > l.ver {
		err = fmt.Errorf("an entry has schema %d, newer than %d, the newest this program knows", v, l.ver)
	}
	if err == nil {
		err = json.Unmarshal(raw, &entry)
	}
	if err != nil {
		err = &SchemaError{Table: l.name, Msg: "a log entry cannot be read", Err: err}
	}
	return entry, err
}
