package statestore

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/go-memdb"
)

// TableDef declares a table: a typed set of rows. Rows are plain struct values,
// stored as JSON with the table's schema number.
type TableDef[T any] struct {
	Name    string          // "network", "port"; unique in a store
	Version int             // schema number, from 1
	Key     func(*T) string // primary key, not empty and UTF-8
	Indexes []Index[T]      // secondary
	// Migrate holds, for each older schema number N, the step from N to N+1. It
	// gets and returns the row's JSON.
	Migrate map[int]func(json.RawMessage) (json.RawMessage, error)
}

// Index declares a secondary index.
type Index[T any] struct {
	Name   string
	Unique bool // no two rows share a value at the end of a transaction
	// Keys returns zero or more values under which the row is found; composite
	// ones are made by Key. It must depend on the row alone.
	Keys func(*T) []string
}

// Table is a declared table. Its methods read and write it in a given snapshot
// or transaction; it holds no rows itself.
type Table[T any] struct {
	def    TableDef[T]
	schema *memdb.TableSchema
	byName map[string]string // index name → memdb's
}

// AnyTable is a Table of any row type, as listed in Options.Tables.
type AnyTable interface {
	Name() string
	version() int
	memdbSchema() *memdb.TableSchema
	migrate(from int, raw []byte) ([]byte, error)
	decode(raw []byte) (row any, key string, err error)
	encode(row any) (raw []byte, key string, err error)
	duplicate(txn *memdb.Txn, row any) *DuplicateError
}

// NewTable declares a table. It panics on a declaration that cannot work, since
// it runs while the program starts.
func NewTable[T any](def TableDef[T]) *Table[T] {
	if def.Name == "" || strings.ContainsRune(def.Name, 0) || def.Version < 1 || def.Key == nil {
		panic(fmt.Sprintf("statestore: table %q needs a name, a version from 1 and a key", def.Name))
	}
	t := &Table[T]{def: def, byName: make(map[string]string, len(def.Indexes))}
	t.schema = &memdb.TableSchema{Name: def.Name, Indexes: map[string]*memdb.IndexSchema{
		primary: {Name: primary, Unique: true, Indexer: keyIndexer[T]{def.Key}},
	}}
	for _, ix := range def.Indexes {
		name := "by." + ix.Name
		if ix.Name == "" || ix.Keys == nil || t.byName[ix.Name] != "" {
			panic(fmt.Sprintf("statestore: table %s: index %q needs a name of its own and a Keys function", def.Name, ix.Name))
		}
		t.byName[ix.Name] = name
		// Never unique in memdb: it would overwrite silently. See duplicate.
		t.schema.Indexes[name] = &memdb.IndexSchema{Name: name, AllowMissing: true, Indexer: valuesIndexer[T]{ix.Keys}}
	}
	return t
}

// Name returns the table's name.
func (t *Table[T]) Name() string { return t.def.Name }

// Get returns the row with the primary key.
func (t *Table[T]) Get(r Reader, key string) (T, bool) {
	var zero T
	if key == "" {
		return zero, false
	}
	v := r.view()
	ch, row, err := v.txn.FirstWatch(t.def.Name, primary, key)
	if err != nil {
		panic(t.misuse(err))
	}
	if v.watch != nil {
		v.watch.add(ch, func() <-chan struct{} { return t.root(v, primary) })
	}
	if row == nil {
		return zero, false
	}
	return *row.(*T), true
}

// All yields every row, in key order.
func (t *Table[T]) All(r Reader) iter.Seq[T] { return t.seq(r, primary) }

// By yields the rows whose index has exactly the value, in key order.
func (t *Table[T]) By(r Reader, index, value string) iter.Seq[T] {
	return t.seq(r, t.index(index), exact(value))
}

// ByPrefix yields the rows with an index value that starts with prefix, in the
// order of the values; a row with several such values comes several times.
func (t *Table[T]) ByPrefix(r Reader, index, prefix string) iter.Seq[T] {
	return t.seq(r, t.index(index), within(prefix))
}

// First returns the row that By would yield first.
func (t *Table[T]) First(r Reader, index, value string) (T, bool) {
	for row := range t.By(r, index, value) {
		return row, true
	}
	var zero T
	return zero, false
}

// Count returns how many rows By would yield. It costs as much as walking them.
func (t *Table[T]) Count(r Reader, index, value string) int {
	return count(t.iterate(r, t.index(index), exact(value)))
}

// Len returns the number of rows. It costs as much as walking them.
func (t *Table[T]) Len(r Reader) int { return count(t.iterate(r, primary)) }

func count(it memdb.ResultIterator) (n int) {
	for it.Next() != nil {
		n++
	}
	return n
}

func (t *Table[T]) seq(r Reader, index string, args ...any) iter.Seq[T] {
	return func(yield func(T) bool) {
		it := t.iterate(r, index, args...)
		for row := it.Next(); row != nil; row = it.Next() {
			if !yield(*row.(*T)) {
				return
			}
		}
	}
}

func (t *Table[T]) iterate(r Reader, index string, args ...any) memdb.ResultIterator {
	v := r.view()
	it, err := v.txn.Get(t.def.Name, index, args...)
	if err != nil {
		panic(t.misuse(err))
	}
	if v.watch != nil {
		v.watch.add(it.WatchCh(), func() <-chan struct{} { return t.root(v, index) })
	}
	return it
}

// root returns a channel that closes when anything in the index changes.
func (t *Table[T]) root(v *view, index string) <-chan struct{} {
	it, err := v.txn.Get(t.def.Name, index)
	if err != nil {
		panic(t.misuse(err))
	}
	return it.WatchCh()
}

func (t *Table[T]) index(name string) string {
	if m, ok := t.byName[name]; ok {
		return m
	}
	panic(fmt.Sprintf("statestore: table %s has no index %q", t.def.Name, name))
}

func (t *Table[T]) misuse(err error) string {
	return fmt.Sprintf("statestore: table %s is not among the store's Options.Tables: %v", t.def.Name, err)
}

// Put inserts the row, or replaces the one with its key. The row, with its
// slices and maps, belongs to the store from then on. A bad key or a value
// that a unique index already holds makes the whole Write fail.
func (t *Table[T]) Put(tx *Txn, row T) {
	tx.writable()
	switch key := t.def.Key(&row); {
	case key == "":
		tx.fail(fmt.Errorf("statestore: table %s: a row with an empty key", t.def.Name))
		return
	case !utf8.ValidString(key): // JSON could not keep it, and the row would not be found again
		tx.fail(fmt.Errorf("statestore: table %s: the key %q is not UTF-8", t.def.Name, key))
		return
	}
	if err := tx.txn.Insert(t.def.Name, &row); err != nil {
		panic(t.misuse(err))
	}
}

// Delete removes the row with the key and reports whether there was one.
func (t *Table[T]) Delete(tx *Txn, key string) bool {
	tx.writable()
	if key == "" {
		return false
	}
	row, err := tx.txn.First(t.def.Name, primary, key)
	if err != nil {
		panic(t.misuse(err))
	}
	if row == nil {
		return false
	}
	if err := tx.txn.Delete(t.def.Name, row); err != nil {
		panic(t.misuse(err))
	}
	return true
}
