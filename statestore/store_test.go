package statestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

type row struct {
	ID, Owner, Name string
	N               int
}

var rows = statestore.NewTable(statestore.TableDef[row]{
	Name: "row", Version: 1, Key: func(r *row) string { return r.ID },
	Indexes: []statestore.Index[row]{
		{Name: "owner", Keys: func(r *row) []string { return []string{r.Owner} }},
		{Name: "name", Unique: true, Keys: func(r *row) []string {
			if r.Name == "" {
				return nil
			}
			return []string{r.Name}
		}},
	},
})

var events = statestore.NewLog[string]("event", 1)

var tables = []statestore.AnyTable{rows}

func newStore(t testing.TB) *statestore.Store { return storetest.NewStore(t, tables, events) }

func put(t testing.TB, s *statestore.Store, rs ...row) {
	t.Helper()
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error {
		for _, r := range rs {
			rows.Put(tx, r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestKey(t *testing.T) {
	parts := [][]string{{"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"a\x00", "b"}, {"a", "\x00b"}, {"a\x01"}, {"a\x00\x01"}, {}}
	seen := map[string][]string{}
	for _, p := range parts {
		k := statestore.Key(p...)
		if o, dup := seen[k]; dup {
			t.Errorf("%q and %q have one key", p, o)
		}
		seen[k] = p
	}
	if !strings.HasPrefix(statestore.Key("a", "b"), statestore.Key("a")) || strings.HasPrefix(statestore.Key("ab"), statestore.Key("a")) {
		t.Error("Key(a) is to be a prefix of Key(a, b) and not of Key(ab)")
	}
}

func TestTxnIsIsolatedAndTold(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("x", 3600))
	n := 0
	s := storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{
		Tables: tables, Logs: []statestore.AnyLog{events},
		Now:   func() time.Time { return now },
		NewID: func() string { n++; return fmt.Sprint("id", n) },
	})
	err := s.Write(t.Context(), func(tx *statestore.Txn) error {
		if tx.Now() != now.UTC() || tx.NewID() != "id1" || tx.Base() != nil {
			t.Error("now, id or base are not what was handed in")
		}
		tx.Warn("nobody hears this")
		rows.Put(tx, row{ID: tx.NewID()})
		if _, ok := rows.Get(tx, "id2"); !ok {
			t.Error("a transaction does not read its own write")
		}
		if rows.Len(s.Snapshot()) != 0 {
			t.Error("others see a transaction that has not ended")
		}
		return nil
	})
	if err != nil || rows.Len(s.Snapshot()) != 1 || s.Warnings() != nil {
		t.Fatal(err, rows.Len(s.Snapshot()), s.Warnings())
	}
}

func TestWriteErrors(t *testing.T) {
	s := newStore(t)
	put(t, s, row{ID: "a", Name: "n"})
	rev := s.Snapshot().Revision()
	refuse := errors.New("no")
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Delete(tx, "a"); return refuse }); err != refuse {
		t.Errorf("got %v, want the function's own error", err)
	}
	var dup *statestore.DuplicateError
	err := s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Put(tx, row{ID: "b", Name: "n"}); return nil })
	if !errors.As(err, &dup) || *dup != (statestore.DuplicateError{Table: "row", Index: "name", Value: "n", Key: "b", Other: "a"}) {
		t.Errorf("duplicate: %v", err)
	}
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Put(tx, row{}); return nil }); err == nil {
		t.Error("a row with an empty key was kept")
	}
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Put(tx, row{ID: "\xff", Name: "m"}); return nil }); err == nil {
		t.Error("a row was kept whose key would not be read back")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Delete(tx, "a"); panic("bug") })
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ctx, func(tx *statestore.Txn) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if s.Snapshot().Revision() != rev || rows.Len(s.Snapshot()) != 1 {
		t.Error("a failed write left something")
	}
	// Within a transaction, names may be swapped.
	put(t, s, row{ID: "b", Name: "m"})
	put(t, s, row{ID: "a", Name: "m"}, row{ID: "b", Name: "n"})
	if r, _ := rows.First(s.Snapshot(), "name", "m"); r.ID != "a" {
		t.Errorf("after the swap m is %q", r.ID)
	}
}

func TestClosed(t *testing.T) {
	s := newStore(t)
	put(t, s, row{ID: "a"})
	snap, w := s.Watch()
	rows.Get(snap, "a")
	waited := make(chan error, 1)
	go func() { waited <- w.Wait(context.Background()) }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, statestore.ErrClosed) {
		t.Errorf("a waiter got %v", err)
	}
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { return nil }); !errors.Is(err, statestore.ErrClosed) {
		t.Errorf("a writer got %v", err)
	}
	if rows.Len(snap) != 1 {
		t.Error("an old snapshot is gone")
	}
}

// slowEngine lets a test hold a commit and counts them.
type slowEngine struct {
	statestore.Engine
	commits atomic.Int32
	gate    chan struct{}
}

func (e *slowEngine) Commit(ctx context.Context, b statestore.Batch) error {
	e.commits.Add(1)
	<-e.gate
	return e.Engine.Commit(ctx, b)
}

// TestGroupCommit holds the first commit until 64 writers have queued up: they
// must share the second one, and nobody sees anything before it is durable.
func TestGroupCommit(t *testing.T) {
	eng := &slowEngine{Engine: storetest.NewDisk().MustOpen(t), gate: make(chan struct{})}
	s := storetest.OpenStore(t, eng, statestore.Options{Tables: tables})
	var wg sync.WaitGroup
	applied := make(chan struct{}, 65)
	for i := range 65 {
		wg.Go(func() {
			err := s.Write(context.Background(), func(tx *statestore.Txn) error {
				rows.Put(tx, row{ID: fmt.Sprint(i)})
				applied <- struct{}{}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if _, ok := rows.Get(s.Snapshot(), fmt.Sprint(i)); !ok {
				t.Error("acknowledged, but not to be seen")
			}
		})
	}
	for range 65 {
		<-applied
	}
	if n := rows.Len(s.Snapshot()); n != 0 {
		t.Errorf("%d rows are seen before they are durable", n)
	}
	close(eng.gate)
	wg.Wait()
	if n := eng.commits.Load(); n > 8 {
		t.Errorf("%d commits for 65 writes", n)
	}
	if n := rows.Len(s.Snapshot()); n != 65 {
		t.Errorf("%d rows", n)
	}
}

// TestRefusalWaits: an answer that rests on what another wrote must not be
// given before that is durable.
func TestRefusalWaits(t *testing.T) {
	eng := &slowEngine{Engine: storetest.NewDisk().MustOpen(t), gate: make(chan struct{})}
	s := storetest.OpenStore(t, eng, statestore.Options{Tables: tables})
	applied, wrote, refused := make(chan struct{}), make(chan error, 1), make(chan error, 1)
	go func() {
		wrote <- s.Write(context.Background(), func(tx *statestore.Txn) error {
			rows.Put(tx, row{ID: "a"})
			close(applied)
			return nil
		})
	}()
	<-applied
	taken := errors.New("taken")
	go func() {
		refused <- s.Write(context.Background(), func(tx *statestore.Txn) error {
			if _, ok := rows.Get(tx, "a"); ok {
				return taken
			}
			return nil
		})
	}()
	select {
	case err := <-refused:
		t.Fatalf("answered %v before the row was durable", err)
	case <-time.After(30 * time.Millisecond):
	}
	close(eng.gate)
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if err := <-refused; err != taken {
		t.Fatal(err)
	}
}

// TestFatal: after a failed commit nothing is written, OnFatal is told once,
// and nothing of the failed batch is seen.
func TestFatal(t *testing.T) {
	for _, side := range []storetest.Side{storetest.BeforeDurable, storetest.AfterDurable} {
		disk := storetest.NewDisk()
		cut := storetest.NewCrashy(disk.MustOpen(t), 2, side)
		var told atomic.Int32
		s := storetest.OpenStore(t, cut, statestore.Options{Tables: tables, OnFatal: func(error) { told.Add(1) }})
		put(t, s, row{ID: "a"})
		snap, w := s.Watch()
		rows.Get(snap, "b")
		err := s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Put(tx, row{ID: "b"}); return nil })
		if !errors.Is(err, storetest.ErrCut) {
			t.Fatalf("the write gave %v", err)
		}
		if err := w.Wait(t.Context()); !errors.Is(err, statestore.ErrClosed) {
			t.Errorf("a waiter got %v", err)
		}
		if err := s.Write(t.Context(), func(tx *statestore.Txn) error { t.Error("ran"); return nil }); !errors.Is(err, storetest.ErrCut) {
			t.Errorf("a later write gave %v", err)
		}
		if _, ok := rows.Get(s.Snapshot(), "b"); ok {
			t.Error("what was not kept is seen")
		}
		if err := s.Close(); err != nil || told.Load() != 1 {
			t.Errorf("close %v, OnFatal called %d times", err, told.Load())
		}
		disk.PowerCycle()
		again := storetest.OpenStore(t, disk.MustOpen(t), statestore.Options{Tables: tables})
		if _, ok := rows.Get(again.Snapshot(), "b"); ok != (side == storetest.AfterDurable) {
			t.Errorf("%v: after the restart b is there: %v", side, ok)
		}
	}
}

// TestCrashEverywhere writes from several goroutines and cuts at every commit,
// on both sides: what was acknowledged must be there, transactions whole, and
// the order of each writer kept.
func TestCrashEverywhere(t *testing.T) {
	const writers, each = 4, 6
	for at := 1; ; at++ {
		reached := false
		for _, side := range []storetest.Side{storetest.BeforeDurable, storetest.AfterDurable} {
			disk := storetest.NewDisk()
			cut := storetest.NewCrashy(disk.MustOpen(t), at, side)
			s, err := statestore.Open(t.Context(), cut, statestore.Options{Tables: tables, Logs: []statestore.AnyLog{events}, OnFatal: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			var acked [writers]int
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := 1; i <= each; i++ {
						err := s.Write(context.Background(), func(tx *statestore.Txn) error {
							rows.Put(tx, row{ID: fmt.Sprint("a", w), N: i})
							rows.Put(tx, row{ID: fmt.Sprint("b", w), N: i})
							events.Append(tx, fmt.Sprint(w), fmt.Sprint(i))
							return nil
						})
						if err != nil {
							return
						}
						acked[w] = i
					}
				})
			}
			wg.Wait()
			select {
			case <-cut.Down():
				reached = true
			default:
			}
			disk.PowerCycle()
			s.Close()
			again := storetest.OpenStore(t, disk.MustOpen(t), statestore.Options{Tables: tables, Logs: []statestore.AnyLog{events}})
			for w := range writers {
				a, _ := rows.Get(again.Snapshot(), fmt.Sprint("a", w))
				b, _ := rows.Get(again.Snapshot(), fmt.Sprint("b", w))
				if a.N != b.N || a.N < acked[w] || a.N > acked[w]+1 {
					t.Fatalf("cut %v commit %d: writer %d had %d acknowledged, kept %d and %d", side, at, w, acked[w], a.N, b.N)
				}
				if got := logged(t, again.Snapshot(), fmt.Sprint(w)); len(got) != a.N {
					t.Fatalf("cut %v commit %d: %d rows but log %q", side, at, a.N, got)
				}
			}
		}
		if !reached {
			return
		}
	}
}

func logged(t testing.TB, r statestore.Reader, stream string) (got []string) {
	t.Helper()
	for e, err := range events.Range(t.Context(), r, stream) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	return got
}

func TestLogIsOfTheSnapshot(t *testing.T) {
	s := newStore(t)
	add := func(s *statestore.Store, e ...string) {
		if err := s.Write(t.Context(), func(tx *statestore.Txn) error {
			for _, e := range e {
				events.Append(tx, "s", e)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	add(s, "1", "2")
	snap, f := s.Snapshot(), s.Fork()
	add(s, "3")
	add(f, "not kept")
	if got := logged(t, snap, "s"); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("an old snapshot ranges %q", got)
	}
	if got := logged(t, f.Snapshot(), "s"); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("a fork ranges %q", got)
	}
	if got := logged(t, s.Snapshot(), "s"); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("ranges %q", got)
	}
}

func TestForkIsApart(t *testing.T) {
	s := newStore(t)
	put(t, s, row{ID: "a", N: 1})
	f := s.Fork()
	if f.Base().Revision() != s.Snapshot().Revision() || s.Base() != nil {
		t.Error("base is not the state the fork started from")
	}
	err := f.Write(t.Context(), func(tx *statestore.Txn) error {
		if r, _ := rows.Get(tx.Base(), "a"); r.N != 1 {
			t.Error("the base is not what was")
		}
		rows.Put(tx, row{ID: "a", N: 2})
		tx.Warn("careful")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(t.Context(), func(tx *statestore.Txn) error { tx.Warn("lost"); return errors.New("x") }); err == nil {
		t.Fatal("no error")
	}
	put(t, s, row{ID: "b"})
	ff := f.Fork()
	put(t, ff, row{ID: "c"})
	if r, _ := rows.Get(f.Snapshot(), "a"); r.N != 2 || rows.Len(f.Snapshot()) != 1 || rows.Len(ff.Snapshot()) != 2 {
		t.Error("the fork does not hold its own")
	}
	if r, _ := rows.Get(s.Snapshot(), "a"); r.N != 1 || rows.Len(s.Snapshot()) != 2 {
		t.Error("a fork touched its parent")
	}
	if w := f.Warnings(); !slices.Equal(w, []string{"careful"}) || len(f.Warnings()) != 0 {
		t.Errorf("warnings %q", w)
	}
	if err := f.Backup(t.Context(), filepath.Join(t.TempDir(), "x")); err == nil {
		t.Error("a fork was backed up")
	}
}

type rowV2 struct{ ID, FullName string }

func v2(migrate bool) *statestore.Table[rowV2] {
	def := statestore.TableDef[rowV2]{Name: "row", Version: 3, Key: func(r *rowV2) string { return r.ID }}
	if migrate {
		def.Migrate = map[int]func(json.RawMessage) (json.RawMessage, error){
			1: func(b json.RawMessage) (json.RawMessage, error) {
				var r row
				if err := json.Unmarshal(b, &r); err != nil {
					return nil, err
				}
				if r.Name == "bad" {
					return nil, errors.New("what is bad?")
				}
				return json.Marshal(map[string]string{"ID": r.ID, "Full": r.Name})
			},
			2: func(b json.RawMessage) (json.RawMessage, error) {
				return json.RawMessage(strings.Replace(string(b), `"Full"`, `"FullName"`, 1)), nil
			},
		}
	}
	return statestore.NewTable(def)
}

func TestMigration(t *testing.T) {
	disk := storetest.NewDisk()
	open := func(tabs ...statestore.AnyTable) (*statestore.Store, error) {
		eng := disk.MustOpen(t)
		return statestore.Open(t.Context(), eng, statestore.Options{Tables: tabs, OnFatal: func(error) {}})
	}
	s, err := open(rows)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, row{ID: "a", Name: "ann"}, row{ID: "b", Name: "bob"})
	s.Close()
	if _, err := open(v2(false)); err == nil || !strings.Contains(err.Error(), "no migration from schema 1 to 2") {
		t.Fatalf("without migrations: %v", err)
	}
	current := v2(true)
	for range 2 { // the second start finds migrated rows
		if s, err = open(current); err != nil {
			t.Fatal(err)
		}
		if r, ok := current.Get(s.Snapshot(), "b"); !ok || r.FullName != "bob" || current.Len(s.Snapshot()) != 2 {
			t.Fatalf("migrated row: %+v", r)
		}
		s.Close()
	}
	var schema *statestore.SchemaError
	if _, err := open(rows); !errors.As(err, &schema) || !strings.Contains(err.Error(), "newer Cloudlet") {
		t.Fatalf("an older program on newer rows: %v", err)
	}
	other := statestore.NewTable(statestore.TableDef[row]{Name: "other", Version: 1, Key: func(r *row) string { return r.ID }})
	if _, err := open(other); !errors.As(err, &schema) || schema.Table != "row" {
		t.Fatalf("a program without the table: %v", err)
	}
}

func TestMigrationFailure(t *testing.T) {
	disk := storetest.NewDisk()
	s, err := statestore.Open(t.Context(), disk.MustOpen(t), statestore.Options{Tables: tables})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, row{ID: "a", Name: "ann"}, row{ID: "z", Name: "bad"})
	s.Close()
	if _, err := statestore.Open(t.Context(), disk.MustOpen(t), statestore.Options{Tables: []statestore.AnyTable{v2(true)}}); err == nil || !strings.Contains(err.Error(), `row "z"`) {
		t.Fatalf("a migration that fails: %v", err)
	}
	s = storetest.OpenStore(t, disk.MustOpen(t), statestore.Options{Tables: tables})
	if r, _ := rows.Get(s.Snapshot(), "a"); r.Name != "ann" {
		t.Error("a failed migration changed rows")
	}
}

func TestDamage(t *testing.T) {
	for name, op := range map[string]statestore.Op{
		"no number":   {Key: []byte("rrow\x00a"), Value: nil},
		"no json":     {Key: []byte("rrow\x00a"), Value: []byte("\x01{")},
		"wrong key":   {Key: []byte("rrow\x00a"), Value: []byte("\x01{\"ID\":\"b\"}")},
		"foreign key": {Key: []byte("r-what"), Value: []byte("\x01{}")},
	} {
		eng := storetest.NewDisk().MustOpen(t)
		op.Kind = statestore.OpSet
		if err := eng.Commit(t.Context(), statestore.Batch{Revision: 1, Ops: []statestore.Op{op}}); err != nil {
			t.Fatal(err)
		}
		if s, err := statestore.Open(t.Context(), eng, statestore.Options{Tables: tables}); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestCheckFindsRowsThatDoNotSurvive(t *testing.T) {
	type lossy struct {
		ID   string
		Lost map[string]int `json:",omitempty"`
		ptr  *int
		When time.Time
	}
	type broken struct {
		ID string
		C  chan int
	}
	l := statestore.NewTable(statestore.TableDef[lossy]{Name: "lossy", Version: 1, Key: func(r *lossy) string { return r.ID }})
	b := statestore.NewTable(statestore.TableDef[broken]{Name: "broken", Version: 1, Key: func(r *broken) string { return r.ID }})
	s := storetest.NewStore(t, []statestore.AnyTable{l, b})
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { b.Put(tx, broken{ID: "x", C: make(chan int)}); return nil }); err == nil {
		t.Error("a row that is not JSON was kept")
	}
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { l.Put(tx, lossy{ID: "x\xff"}); return nil }); err == nil {
		t.Error("a key that JSON changes was kept")
	}
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error { l.Put(tx, lossy{ID: "x", ptr: nil}); return nil }); err != nil {
		t.Error(err)
	}
}

func TestBackupAndRestoreOfARunningStore(t *testing.T) {
	root := t.TempDir()
	data, backup := filepath.Join(root, "data"), filepath.Join(root, "backup")
	open := func(dir string) *statestore.Store {
		eng, err := pebble.Open(dir, pebble.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return storetest.OpenStore(t, eng, statestore.Options{Tables: tables})
	}
	s := open(data)
	put(t, s, row{ID: "a", N: 1})
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	put(t, s, row{ID: "a", N: 2})
	s.Close()
	err := pebble.Restore(t.Context(), backup, data, func(ctx context.Context, e *pebble.Engine) error {
		s, err := statestore.Open(ctx, e, statestore.Options{Tables: tables})
		if err != nil {
			return err
		}
		return s.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := rows.Get(open(data).Snapshot(), "a"); r.N != 1 {
		t.Errorf("restored %+v", r)
	}
}
