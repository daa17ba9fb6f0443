package statestore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/go-memdb"
)

// Keys in the engine: one byte of space, then
//
//	row: table NUL primary-key      → uvarint schema number, JSON
//	log: name NUL stream revision(8) number(4)  → uvarint schema number, JSON
//
// where stream is written as Key(stream), so that no stream is a prefix of
// another, and the numbers are big-endian, so that entries lie in the order of
// their commits.
const (
	spaceRow = 'r'
	spaceLog = 'l'
)

func rowKey(table, key string) []byte {
	b := make([]byte, 0, 2+len(table)+len(key))
	b = append(b, spaceRow)
	b = append(b, table...)
	b = append(b, 0)
	return append(b, key...)
}

func streamKey(log, stream string) []byte {
	s := Key(stream)
	b := make([]byte, 0, 2+len(log)+len(s)+12)
	b = append(b, spaceLog)
	b = append(b, log...)
	b = append(b, 0)
	return append(b, s...)
}

func entryKey(prefix []byte, revision uint64, number uint32) []byte {
	b := append([]byte(nil), prefix...)
	b = binary.BigEndian.AppendUint64(b, revision)
	return binary.BigEndian.AppendUint32(b, number)
}

// entryRevision returns the revision in a log entry's key; prefix is its stream's.
func entryRevision(key []byte, prefix int) (uint64, bool) {
	if len(key) != prefix+12 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[prefix:]), true
}

// encodeValue returns the JSON of v behind its schema number.
func encodeValue(version int, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	b := binary.AppendUvarint(make([]byte, 0, len(raw)+2), uint64(version))
	return append(b, raw...), nil
}

func splitValue(b []byte) (version int, raw []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v == 0 || v > 1<<30 {
		return 0, nil, fmt.Errorf("no schema number")
	}
	return int(v), b[n:], nil
}

func (t *Table[T]) version() int                    { return t.def.Version }
func (t *Table[T]) memdbSchema() *memdb.TableSchema { return t.schema }

func (t *Table[T]) encode(row any) ([]byte, string, error) {
	p := row.(*T)
	b, err := encodeValue(t.def.Version, p)
	return b, t.def.Key(p), err
}

// decode reads the JSON of a row of the current schema.
func (t *Table[T]) decode(raw []byte) (any, string, error) {
	p := new(T)
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, "", err
	}
	return p, t.def.Key(p), nil
}

func (t *Table[T]) migrate(from int, raw []byte) ([]byte, error) {
	for v := from; v < t.def.Version; v++ {
		step := t.def.Migrate[v]
		if step == nil {
			return nil, fmt.Errorf("no migration from schema %d to %d", v, v+1)
		}
		next, err := step(raw)
		if err != nil {
			return nil, fmt.Errorf("migration from schema %d to %d: %w", v, v+1, err)
		}
		raw = next
	}
	return raw, nil
}

// duplicate looks for another row that shares a unique value with row.
func (t *Table[T]) duplicate(txn *memdb.Txn, row any) *DuplicateError {
	p := row.(*T)
	for _, ix := range t.def.Indexes {
		if !ix.Unique {
			continue
		}
		for _, val := range ix.Keys(p) {
			it, err := txn.Get(t.def.Name, t.byName[ix.Name], exact(val))
			if err != nil {
				panic(t.misuse(err))
			}
			for o := it.Next(); o != nil; o = it.Next() {
				if key := t.def.Key(o.(*T)); key != t.def.Key(p) {
					return &DuplicateError{Table: t.def.Name, Index: ix.Name, Value: val, Key: t.def.Key(p), Other: key}
				}
			}
		}
	}
	return nil
}
