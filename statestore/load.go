package statestore

import (
	"bytes"
	"context"
	"fmt"
)

// load fills the tree from the engine. Rows of older schemas are migrated, and
// written back in one batch, so that all of a table is of one schema.
func (s *Store) load(ctx context.Context) (uint64, error) {
	txn := s.db.Txn(true)
	defer txn.Abort()
	var migrated []Op
	revision, err := s.eng.Load(ctx, []byte{spaceRow}, func(key, value []byte) error {
		table, pk, ok := bytes.Cut(key[1:], []byte{0})
		if !ok {
			return fmt.Errorf("statestore: the key %q is not one of a row; is this data of Cloudlet?", key)
		}
		t := s.tables[string(table)]
		if t == nil {
			return &SchemaError{Table: string(table), Msg: "this program does not know the table; the data were written by a newer Cloudlet"}
		}
		row, current, err := decodeRow(t, string(pk), value)
		if err != nil {
			return err
		}
		if current != nil {
			migrated = append(migrated, Op{Kind: OpSet, Key: bytes.Clone(key), Value: current})
		}
		return txn.Insert(t.Name(), row)
	})
	if err != nil {
		return 0, err
	}
	txn.Commit()
	if len(migrated) > 0 {
		revision++
		if err := s.eng.Commit(ctx, Batch{Revision: revision, Ops: migrated}); err != nil {
			return 0, fmt.Errorf("statestore: cannot keep migrated rows: %w", err)
		}
	}
	return revision, nil
}

// decodeRow returns the row, and its stored form in the current schema if it
// was of an older one.
func decodeRow(t AnyTable, key string, value []byte) (row any, current []byte, err error) {
	fail := func(msg string, err error) (any, []byte, error) {
		return nil, nil, &SchemaError{Table: t.Name(), Key: key, Msg: msg, Err: err}
	}
	version, raw, err := splitValue(value)
	if err != nil {
		return fail("it is damaged", err)
	}
	if version > t.version() {
		return fail(fmt.Sprintf("it has schema %d, newer than %d, the newest this program knows; the data were written by a newer Cloudlet", version, t.version()), nil)
	}
	raw, err = t.migrate(version, raw)
	if err != nil {
		return fail("it cannot be brought to the current schema", err)
	}
	row, got, err := t.decode(raw)
	if err != nil {
		return fail("it cannot be read", err)
	}
	if got != key {
		return fail(fmt.Sprintf("it holds the key %q", got), nil)
	}
	if version < t.version() {
		if current, _, err = t.encode(row); err != nil {
			return fail("it cannot be stored again", err)
		}
	}
	return row, current, nil
}
