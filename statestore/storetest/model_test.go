package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/statestore"
)

// thing is the row of the model test: unique, plain, composite and multi-valued
// indexes.
type thing struct {
	ID, Name, Owner string
	Tags            []string
	N               int
}

var things = statestore.NewTable(statestore.TableDef[thing]{
	Name: "thing", Version: 1, Key: func(r *thing) string { return r.ID },
	Indexes: []statestore.Index[thing]{
		{Name: "name", Unique: true, Keys: func(r *thing) []string {
			if r.Name == "" {
				return nil
			}
			return []string{r.Name}
		}},
		{Name: "owner", Keys: func(r *thing) []string { return []string{r.Owner} }},
		{Name: "owner-name", Keys: func(r *thing) []string { return []string{statestore.Key(r.Owner, r.Name)} }},
		{Name: "tag", Keys: func(r *thing) []string { return r.Tags }},
	},
})

var history = statestore.NewLog[string]("history", 1)

// model is what the store should be: a map, and lists of log entries.
type model struct {
	rows map[string]thing
	logs map[string][]string
}

func (m model) clone() model {
	logs := map[string][]string{}
	for k, v := range m.logs {
		logs[k] = slices.Clone(v)
	}
	return model{maps.Clone(m.rows), logs}
}

func (m model) duplicate() bool {
	seen := map[string]bool{}
	for _, r := range m.rows {
		if r.Name != "" && seen[r.Name] {
			return true
		}
		seen[r.Name] = true
	}
	return false
}

// Small alphabets with the awkward cases: empty, NUL, prefixes of each other.
var (
	genID    = rapid.SampledFrom([]string{"a", "b", "ab", "a\x00", "a\x00b", "abc", "\x01", "ü"})
	genName  = rapid.SampledFrom([]string{"", "n", "nn", "n\x00", "m", "n\x00\x01"})
	genOwner = rapid.SampledFrom([]string{"", "o", "oo", "o\x00p"})
	genTags  = rapid.SliceOfN(rapid.SampledFrom([]string{"x", "xy", "y", ""}), 0, 3)
)

// change is one random change, applied to the store and to the model alike.
type change struct {
	do    func(tx *statestore.Txn) error
	model func(m model)
}

func genChange(t *rapid.T) change {
	switch rapid.IntRange(0, 9).Draw(t, "change") {
	case 0, 1, 2, 3, 4:
		r := thing{genID.Draw(t, "id"), genName.Draw(t, "name"), genOwner.Draw(t, "owner"), genTags.Draw(t, "tags"), rapid.IntRange(0, 3).Draw(t, "n")}
		return change{
			func(tx *statestore.Txn) error { things.Put(tx, r); return nil },
			func(m model) { m.rows[r.ID] = r },
		}
	case 5, 6:
		id := genID.Draw(t, "id")
		var had bool
		return change{
			func(tx *statestore.Txn) error {
				_, had = things.Get(tx, id)
				if had != things.Delete(tx, id) {
					return errors.New("Delete and Get disagree")
				}
				return nil
			},
			func(m model) {
				if _, ok := m.rows[id]; ok != had {
					panic(fmt.Sprintf("the transaction saw %q: %v, the model %v", id, had, ok))
				}
				delete(m.rows, id)
			},
		}
	case 7, 8:
		stream, entry := genID.Draw(t, "stream"), genName.Draw(t, "entry")
		return change{
			func(tx *statestore.Txn) error { history.Append(tx, stream, entry); return nil },
			func(m model) { m.logs[stream] = append(m.logs[stream], entry) },
		}
	default:
		stream := genID.Draw(t, "stream")
		return change{
			func(tx *statestore.Txn) error { history.DeleteStream(tx, stream); return nil },
			func(m model) { delete(m.logs, stream) },
		}
	}
}

// TestModel runs random transactions on a store and on a map, with restarts,
// power cuts and forks in between, and asks both the same questions.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := NewDisk()
		m := model{map[string]thing{}, map[string][]string{}}
		s := openModel(t, disk)
		defer func() { s.Close() }()
		write := func(t *rapid.T, s *statestore.Store, m *model, logs bool) {
			changes := rapid.SliceOfN(rapid.Custom(genChange), 1, 6).Draw(t, "changes")
			fail := rapid.IntRange(0, 9).Draw(t, "fail") == 0
			refuse := errors.New("refused")
			next := m.clone()
			before := s.Snapshot().Revision()
			err := s.Write(context.Background(), func(tx *statestore.Txn) error {
				for _, c := range changes {
					if err := c.do(tx); err != nil {
						return err
					}
					c.model(next)
					compareRows(t, tx, next)
				}
				if fail {
					return refuse
				}
				return nil
			})
			var dup *statestore.DuplicateError
			switch {
			case fail:
				if err != refuse {
					t.Fatalf("an aborted transaction gave %v", err)
				}
			case next.duplicate():
				if !errors.As(err, &dup) || dup.Table != "thing" || dup.Index != "name" {
					t.Fatalf("a duplicate gave %v", err)
				}
			case err != nil:
				t.Fatalf("write: %v", err)
			default:
				if !logs {
					next.logs = m.logs
				}
				*m = next
			}
			if after := s.Snapshot().Revision(); after < before || err != nil && after != before {
				t.Fatalf("revision %d became %d, error %v", before, after, err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) { write(t, s, &m, true) },
			"fork": func(t *rapid.T) {
				f, fm := s.Fork(), m.clone()
				for range rapid.IntRange(1, 3).Draw(t, "writes") {
					write(t, f, &fm, false)
					compareAll(t, f.Snapshot(), fm)
				}
				if rapid.Bool().Draw(t, "parent moves on") {
					write(t, s, &m, true)
				}
				compareRows(t, f.Snapshot(), fm)
			},
			"old snapshot": func(t *rapid.T) {
				snap, old := s.Snapshot(), m.clone()
				write(t, s, &m, true)
				compareRows(t, snap, old)
			},
			"restart": func(t *rapid.T) {
				rev := s.Snapshot().Revision()
				if rapid.Bool().Draw(t, "power cut") {
					disk.PowerCycle()
				}
				if err := s.Close(); err != nil {
					t.Fatalf("close: %v", err)
				}
				s = openModel(t, disk)
				if got := s.Snapshot().Revision(); got != rev {
					t.Fatalf("revision %d became %d over a restart", rev, got)
				}
			},
			"": func(t *rapid.T) { compareAll(t, s.Snapshot(), m) },
		})
	})
}

func openModel(t *rapid.T, disk *Disk) *statestore.Store {
	eng, err := disk.Open()
	if err != nil {
		t.Fatalf("engine: %v", err)
	}
	s, err := statestore.Open(context.Background(), eng, statestore.Options{
		Tables: []statestore.AnyTable{things}, Logs: []statestore.AnyLog{history}, Check: true,
		OnFatal: func(err error) { panic(err) },
	})
	if err != nil {
		t.Fatalf("store: %v", err)
	}
	return s
}

func compareAll(t *rapid.T, r statestore.Reader, m model) {
	compareRows(t, r, m)
	for _, stream := range []string{"a", "b", "ab", "a\x00", "a\x00b", "abc", "\x01", "ü"} {
		var got []string
		for e, err := range history.Range(context.Background(), r, stream) {
			if err != nil {
				t.Fatalf("range %q: %v", stream, err)
			}
			got = append(got, e)
		}
		if !slices.Equal(got, m.logs[stream]) {
			t.Fatalf("log %q holds %q, want %q", stream, got, m.logs[stream])
		}
	}
}

// compareRows asks every question about rows of r and of the model.
func compareRows(t *rapid.T, r statestore.Reader, m model) {
	ids := slices.Sorted(maps.Keys(m.rows))
	list := func(what string, got func(yield func(thing) bool), want func(thing) bool) int {
		var g, w []string
		for r := range got {
			g = append(g, fmt.Sprintf("%+v", r))
		}
		for _, id := range ids {
			if want(m.rows[id]) {
				w = append(w, fmt.Sprintf("%+v", m.rows[id]))
			}
		}
		if !slices.Equal(g, w) {
			t.Fatalf("%s gave %s, want %s", what, g, w)
		}
		return len(w)
	}
	list("All", things.All(r), func(thing) bool { return true })
	if n := things.Len(r); n != len(ids) {
		t.Fatalf("Len %d, want %d", n, len(ids))
	}
	for _, id := range []string{"a", "b", "ab", "a\x00", "abc", "", "absent"} {
		got, ok := things.Get(r, id)
		if want, has := m.rows[id]; ok != has || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("Get(%q) = %v, %v; want %v, %v", id, got, ok, want, has)
		}
	}
	for _, v := range []string{"", "o", "oo", "o\x00p", "none"} {
		n := list("By owner "+v, things.By(r, "owner", v), func(r thing) bool { return r.Owner == v })
		if c := things.Count(r, "owner", v); c != n {
			t.Fatalf("Count(owner, %q) = %d, want %d", v, c, n)
		}
		if _, ok := things.First(r, "owner", v); ok != (n > 0) {
			t.Fatalf("First(owner, %q) = %v with %d rows", v, ok, n)
		}
		got := map[string]bool{}
		for r := range things.ByPrefix(r, "owner-name", statestore.Key(v)) {
			got[r.ID] = true
		}
		if len(got) != n {
			t.Fatalf("ByPrefix(owner-name, Key(%q)) gave %d rows, want %d", v, len(got), n)
		}
	}
	for _, v := range []string{"x", "xy", "y", ""} {
		list("By tag "+v, things.By(r, "tag", v), func(r thing) bool { return slices.Contains(r.Tags, v) })
		got := map[string]bool{}
		for r := range things.ByPrefix(r, "tag", v) {
			got[r.ID] = true
		}
		for id, r := range m.rows {
			has := slices.ContainsFunc(r.Tags, func(tag string) bool { return strings.HasPrefix(tag, v) })
			if has != got[id] {
				t.Fatalf("ByPrefix(tag, %q): row %q %v, want %v", v, id, got[id], has)
			}
		}
	}
}
