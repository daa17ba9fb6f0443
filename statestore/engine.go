package statestore

import (
	"context"
	"iter"
)

// An Engine keeps bytes durable, in key order. It knows nothing of tables. Two
// kinds are meant to exist: an embedded one for a single server (pebble), and
// one shared by several servers of which one leads (etcd).
//
// A Store calls Lead, then Load, then Commit, one at a time; Range and
// Checkpoint may run at any moment beside them. After Close or a failed Commit
// nothing but Close is called.
type Engine interface {
	// Lead blocks until this process alone may Commit, or ctx ends. The returned
	// channel is closed when leadership is lost; a Commit after that must fail
	// (in etcd: the transaction compares the leadership key). An embedded engine
	// leads from the moment it opened and returns a channel that never closes.
	Lead(ctx context.Context) (lost <-chan struct{}, err error)

	// Load calls fn with every record whose key has the prefix, in key order, and
	// returns the revision of the last batch committed, 0 if there was none. fn
	// must not keep key or value after it returns. An error of fn ends the load
	// and is returned as is.
	Load(ctx context.Context, prefix []byte, fn func(key, value []byte) error) (revision uint64, err error)

	// Commit applies a batch atomically and returns once it would survive a power
	// cut. It does not keep the batch's slices. An error means that the batch may
	// or may not be durable; a later Load tells.
	Commit(ctx context.Context, b Batch) error

	// Range yields the records with from <= key < to, in key order. What it yields
	// is valid until the next step. Records of a Commit that has not returned yet
	// may or may not be seen.
	Range(ctx context.Context, from, to []byte) iter.Seq2[Record, error]

	// Follow calls fn with every batch that others commit after the revision, in
	// order and without gaps, until ctx ends (it then returns ctx.Err()) or the
	// history needed is gone (ErrCompacted: Load again). Where nobody else can
	// commit it just waits for ctx.
	Follow(ctx context.Context, after uint64, fn func(Batch) error) error

	// Checkpoint writes a consistent copy of all that was committed before the
	// call into dir, which must not exist, while commits go on.
	Checkpoint(ctx context.Context, dir string) error

	// Close releases everything. It is safe to call twice.
	Close() error
}

// A Record is one key with its value.
type Record struct{ Key, Value []byte }

// A Batch is what one Commit makes durable: the changes of one or more
// transactions, in order.
type Batch struct {
	// Revision is the store's revision after the batch. The engine keeps it
	// atomically with the changes and returns it from Load.
	Revision uint64
	Ops      []Op
}

// Op is one change of a batch.
type Op struct {
	Kind       OpKind
	Key, Value []byte
}

// OpKind says what an Op does.
type OpKind uint8

// The kinds of Op. Later ops of a batch see the effect of earlier ones.
const (
	OpSet          OpKind = iota + 1 // Key becomes Value
	OpDelete                         // Key is gone
	OpDeletePrefix                   // every key that starts with Key is gone
)

// PrefixEnd returns the smallest key greater than all that start with prefix;
// nil if there is none (prefix is all 0xff).
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
