package statestore

import (
	"time"

	"github.com/hashicorp/go-memdb"
)

// A Reader is what rows are read from: a *Snapshot, or the *Txn of a Write.
type Reader interface {
	// Revision is the number of the state that is read. It rises with every
	// transaction that changes something.
	Revision() uint64
	view() *view
}

// view is one state of the tree, and who wants to know what is read of it.
type view struct {
	store    *Store
	txn      *memdb.Txn
	db       *memdb.MemDB // what txn reads; nil in a transaction
	watch    *Watch       // nil: nobody
	revision uint64
}

// A Snapshot is one durable state. It never changes and never blocks. It may be
// used by many goroutines, unless it came from Watch.
type Snapshot struct{ v view }

// Revision returns the state's number.
func (s *Snapshot) Revision() uint64 { return s.v.revision }

func (s *Snapshot) view() *view { return &s.v }

// A Txn is one write transaction: it reads its own writes. It is valid only
// within the function it was handed to, and only in that goroutine.
type Txn struct {
	v        view
	txn      *memdb.Txn
	now      time.Time
	logs     []logOp
	warnings []string
	err      error // the first misuse; makes the Write fail
	done     bool
}

// Revision returns the number that the state will have if the transaction
// changes something.
func (tx *Txn) Revision() uint64 { return tx.v.revision }

func (tx *Txn) view() *view { return &tx.v }

// Now returns the transaction's time: the same at every call, in UTC.
func (tx *Txn) Now() time.Time { return tx.now }

// NewID returns a fresh random UUID.
func (tx *Txn) NewID() string { return tx.v.store.opt.NewID() }

// Base returns, in a fork, the real state that the fork started from; nil
// outside of forks.
func (tx *Txn) Base() *Snapshot { return tx.v.store.base }

// Warn adds a warning for Store.Warnings if the transaction commits. It does
// nothing outside of forks.
func (tx *Txn) Warn(msg string) {
	if tx.v.store.base != nil {
		tx.warnings = append(tx.warnings, msg)
	}
}

func (tx *Txn) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

func (tx *Txn) writable() {
	if tx.done {
		panic("statestore: a Txn was used after its function returned")
	}
}
