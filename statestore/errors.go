package statestore

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by a Store that was closed.
var ErrClosed = errors.New("statestore: closed")

// ErrCompacted is returned by Engine.Follow when the history asked for is gone.
var ErrCompacted = errors.New("statestore: history is gone, load again")

// ErrInUse is the cause when a data directory is open in another process.
var ErrInUse = errors.New("already in use by another Cloudlet server")

// DuplicateError says that a transaction would have given two rows the same
// value in a unique index. Nothing of the transaction was kept.
type DuplicateError struct {
	Table, Index, Value string
	Key                 string // primary key of the row that was put
	Other               string // primary key of the row that has the value
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("statestore: table %s: rows %q and %q both have %q in unique index %s", e.Table, e.Key, e.Other, e.Value, e.Index)
}

// SchemaError says that stored rows do not fit the tables of this program.
type SchemaError struct {
	Table string
	Key   string // empty if all of the table is meant
	Msg   string
	Err   error
}

func (e *SchemaError) Error() string {
	s := "statestore: table " + e.Table
	if e.Key != "" {
		s += fmt.Sprintf(": row %q", e.Key)
	}
	s += ": " + e.Msg
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *SchemaError) Unwrap() error { return e.Err }
