package statestore

import (
	"errors"
	"strings"

	"github.com/hashicorp/go-memdb"
)

// primary is memdb's name for the primary index.
const primary = "id"

// Values are ended by term, so that no value is a prefix of another; a NUL
// inside one is written as nul. Both are valid UTF-8 and keep the order.
const (
	term = "\x00\x01"
	nul  = "\x00\x02"
)

// Key makes one value of several parts: unambiguous (no two lists of parts give
// the same value), ordered part by part, and such that Key("a") is a prefix of
// Key("a", "b") but not of Key("ab").
func Key(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += len(p) + len(term)
	}
	var b strings.Builder
	b.Grow(n)
	for _, p := range parts {
		b.WriteString(escape(p))
		b.WriteString(term)
	}
	return b.String()
}

func escape(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", nul)
}

// exact and within are arguments to a valuesIndexer: rows with the value, rows
// with a value of that prefix.
func exact(value string) []byte {
	s := escape(value)
	b := make([]byte, 0, len(s)+len(term))
	return append(append(b, s...), term...)
}

func within(prefix string) []byte { return []byte(escape(prefix)) }

var errArg = errors.New("one string argument is wanted")

// keyIndexer is the primary index: the key's bytes as they are.
type keyIndexer[T any] struct{ key func(*T) string }

func (x keyIndexer[T]) FromArgs(args ...any) ([]byte, error) {
	if len(args) == 1 {
		if s, ok := args[0].(string); ok {
			return []byte(s), nil
		}
	}
	return nil, errArg
}

func (x keyIndexer[T]) FromObject(row any) (bool, []byte, error) {
	k := x.key(row.(*T))
	return k != "", []byte(k), nil
}

// valuesIndexer is a secondary index; memdb adds the primary key to each value.
type valuesIndexer[T any] struct{ keys func(*T) []string }

func (x valuesIndexer[T]) FromArgs(args ...any) ([]byte, error) {
	if len(args) == 1 {
		if b, ok := args[0].([]byte); ok {
			return b, nil
		}
	}
	return nil, errArg
}

func (x valuesIndexer[T]) FromObject(row any) (bool, [][]byte, error) {
	keys := x.keys(row.(*T))
	if len(keys) == 0 {
		return false, nil, nil
	}
	vals := make([][]byte, len(keys))
	for i, k := range keys {
		vals[i] = exact(k)
	}
	return true, vals, nil
}

var (
	_ memdb.SingleIndexer = keyIndexer[int]{}
	_ memdb.MultiIndexer  = valuesIndexer[int]{}
)
