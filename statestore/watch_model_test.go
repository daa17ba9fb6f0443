package statestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// Keys that are prefixes of each other, so that the tree's nodes split, merge
// and become leaves.
var watchedKeys = []string{"a", "ab", "aba", "abb", "abba", "b", "ba", "c", "a\x00", "a\x00b"}

// question is something one can read, and its answer as text.
type question struct {
	name string
	ask  func(r statestore.Reader) string
}

func (q question) String() string { return q.name }

func list(seq func(yield func(row) bool)) (s string) {
	for r := range seq {
		s += fmt.Sprintf("%+v;", r)
	}
	return s
}

func genQuestion(t *rapid.T) question {
	key := rapid.SampledFrom(watchedKeys).Draw(t, "key")
	switch rapid.IntRange(0, 6).Draw(t, "question") {
	case 0, 1:
		return question{"get " + key, func(r statestore.Reader) string { v, ok := rows.Get(r, key); return fmt.Sprint(v, ok) }}
	case 2:
		return question{"by " + key, func(r statestore.Reader) string { return list(rows.By(r, "owner", key)) }}
	case 3:
		return question{"prefix " + key, func(r statestore.Reader) string { return list(rows.ByPrefix(r, "owner", key)) }}
	case 4:
		return question{"first " + key, func(r statestore.Reader) string { v, ok := rows.First(r, "owner", key); return fmt.Sprint(v, ok) }}
	case 5:
		return question{"count " + key, func(r statestore.Reader) string { return fmt.Sprint(rows.Count(r, "owner", key)) }}
	default:
		return question{"all", func(r statestore.Reader) string { return list(rows.All(r)) }}
	}
}

// padding reads more rows, which never change, than a watch follows one by one.
var padding = question{"padding", func(r statestore.Reader) string {
	for i := range paddingRows {
		rows.Get(r, fmt.Sprintf("pad%02d", i))
	}
	return ""
}}

const paddingRows = 40

// watched is a watch with what was asked and answered when it began.
type watched struct {
	asked    []question
	answered []string
	watch    *statestore.Watch
}

func ask(r statestore.Reader, qs []question) (a []string) {
	for _, q := range qs {
		a = append(a, q.ask(r))
	}
	return a
}

func writeRandom(t *rapid.T, s *statestore.Store) {
	err := s.Write(context.Background(), func(tx *statestore.Txn) error {
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			key := rapid.SampledFrom(watchedKeys).Draw(t, "row")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				rows.Delete(tx, key)
			case 1: // reading makes memdb clone its transaction
				list(rows.By(tx, "owner", key))
			default:
				rows.Put(tx, row{ID: key, Owner: rapid.SampledFrom(watchedKeys).Draw(t, "owner"), N: rapid.IntRange(0, 9).Draw(t, "n")})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWatchMissesNothing: whoever would now get another answer wakes, whatever
// the transactions between were and however much was asked; also in forks.
func TestWatchMissesNothing(t *testing.T) {
	s := newStore(t)
	for i := range paddingRows {
		put(t, s, row{ID: fmt.Sprintf("pad%02d", i), Owner: "pad"})
	}
	rapid.Check(t, func(t *rapid.T) {
		s := s
		if rapid.IntRange(0, 4).Draw(t, "fork") == 0 {
			s = s.Fork()
		}
		var watches []watched
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			snap, w := s.Watch()
			qs := rapid.SliceOfN(rapid.Custom(genQuestion), 1, 4).Draw(t, "questions")
			if rapid.IntRange(0, 4).Draw(t, "many") == 0 {
				qs = append([]question{padding}, qs...)
			}
			watches = append(watches, watched{qs, ask(snap, qs), w})
			writeRandom(t, s)
		}
		for _, w := range watches {
			now := ask(s.Snapshot(), w.asked)
			if slices.Equal(now, w.answered) {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if err := w.watch.Wait(ctx); err != nil {
				t.Errorf("%v: the answer %q became %q, the waiter: %v", w.asked, w.answered, now, err)
			}
			cancel()
		}
	})
}

// TestWatchHugeTransaction changes more in one transaction than the tree tracks
// node by node.
func TestWatchHugeTransaction(t *testing.T) {
	s := storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Tables: tables})
	const n = 12_000
	id := func(i int) string { return fmt.Sprintf("%05d", i) }
	rs := make([]row, n)
	for i := range rs {
		rs[i] = row{ID: id(2 * i), Owner: "o"}
	}
	put(t, s, rs...)
	type waiting struct {
		what string
		want bool
		*statestore.Watch
	}
	var ws []waiting
	watch := func(what string, want bool, key string) {
		snap, w := s.Watch()
		rows.Get(snap, key)
		ws = append(ws, waiting{what + " " + key, want, w})
	}
	for i := 0; i < n; i += 997 {
		watch("changed", true, id(2*(i-i%3)))
		watch("deleted", true, id(2*(i-i%3+1)))
		watch("untouched", false, id(2*(i-i%3+2)))
		watch("absent", true, id(2*(i-i%3)+1))
	}
	if err := s.Write(t.Context(), func(tx *statestore.Txn) error {
		for i := 0; i < n; i += 3 {
			rows.Put(tx, row{ID: id(2 * i), Owner: "p"})
			rows.Delete(tx, id(2*(i+1)))
			rows.Put(tx, row{ID: id(2*i + 1), Owner: "q"})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, w := range ws {
		limit := 5 * time.Second
		if !w.want {
			limit = 5 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		if woke := w.Wait(ctx) == nil; woke != w.want {
			t.Errorf("%s: woke %v, want %v", w.what, woke, w.want)
		}
		cancel()
	}
}

// TestWatchUnderLoad has readers that follow rows to their last value while
// writers change them and the engine is slower than they: the tree that
// transactions run on is always ahead of the state that is watched.
func TestWatchUnderLoad(t *testing.T) {
	s := newStore(t)
	const keys, writers, each = 8, 4, 150
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	follow := func(i int, read func(r statestore.Reader) (sum int)) {
		wg.Go(func() {
			for last := -1; ; {
				snap, w := s.Watch()
				sum := read(snap)
				if sum >= 0 && sum < last {
					t.Errorf("follower %d: %d after %d", i, sum, last)
				}
				if last = sum; sum < 0 {
					return
				}
				if err := w.Wait(ctx); err != nil {
					t.Errorf("follower %d is stuck at %d: %v", i, sum, err)
					return
				}
			}
		})
	}
	const end = -1 // tells a reader to go
	for i := range 3 * keys {
		key := fmt.Sprint(i % keys)
		follow(i, func(r statestore.Reader) int {
			switch i / keys {
			case 0:
				v, _ := rows.Get(r, key)
				return v.N
			case 1:
				v, _ := rows.First(r, "owner", "o"+key)
				return v.N
			default: // more than is followed one by one
				for j := range 30 {
					rows.Get(r, fmt.Sprint("x", j))
				}
				v, _ := rows.Get(r, key)
				return v.N
			}
		})
	}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for range each {
				key := fmt.Sprint(rng.IntN(keys))
				if err := s.Write(ctx, func(tx *statestore.Txn) error {
					v, _ := rows.Get(tx, key)
					rows.Put(tx, row{ID: key, Owner: "o" + key, N: v.N + 1})
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	for i := range keys {
		put(t, s, row{ID: fmt.Sprint(i), Owner: fmt.Sprint("o", i), N: end})
	}
	wg.Wait()
}
