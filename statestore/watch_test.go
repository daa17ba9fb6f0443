package statestore_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// wakes reports whether a waiter on what read reads wakes when change is made.
func wakes(t *testing.T, s *statestore.Store, read func(r statestore.Reader), change func()) bool {
	t.Helper()
	snap, w := s.Watch()
	read(snap)
	change()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	switch err := w.Wait(ctx); {
	case err == nil:
		return true
	case !errors.Is(err, context.DeadlineExceeded):
		t.Fatal(err)
	}
	return false
}

func TestWatch(t *testing.T) {
	get := func(id string) func(statestore.Reader) {
		return func(r statestore.Reader) { rows.Get(r, id) }
	}
	by := func(owner string) func(statestore.Reader) {
		return func(r statestore.Reader) {
			for range rows.By(r, "owner", owner) {
			}
		}
	}
	all := func(r statestore.Reader) {
		for range rows.All(r) {
		}
	}
	for _, c := range []struct {
		name string
		read func(statestore.Reader)
		put  row
		del  string
		want bool
	}{
		{"row changes", get("a"), row{ID: "a", N: 9}, "", true},
		{"row goes", get("a"), row{}, "a", true},
		{"other row changes", get("a"), row{ID: "ab", N: 9}, "", false},
		{"other row comes next to it", get("a"), row{ID: "aa"}, "", false},
		{"other row goes", get("a"), row{}, "ab", false},
		{"absent row comes", get("new"), row{ID: "new"}, "", true},
		{"absent row comes between", get("abb"), row{ID: "abb"}, "", true},
		{"list changes", by("o"), row{ID: "a", Owner: "o", N: 9}, "", true},
		{"list grows", by("o"), row{ID: "x", Owner: "o"}, "", true},
		{"list shrinks", by("o"), row{}, "a", true},
		{"row leaves list", by("o"), row{ID: "a", Owner: "p"}, "", true},
		{"other list", by("o"), row{ID: "x", Owner: "p"}, "", false},
		{"longer value", by("o"), row{ID: "x", Owner: "oo"}, "", false},
		{"empty list grows", by("q"), row{ID: "x", Owner: "q"}, "", true},
		{"first", func(r statestore.Reader) { rows.First(r, "owner", "o") }, row{ID: "a", Owner: "o", N: 9}, "", true},
		{"count", func(r statestore.Reader) { rows.Count(r, "owner", "o") }, row{ID: "y", Owner: "o"}, "", true},
		{"len", func(r statestore.Reader) { rows.Len(r) }, row{ID: "y"}, "", true},
		{"all", all, row{ID: "c", N: 9}, "", true},
		{"prefix", func(r statestore.Reader) {
			for range rows.ByPrefix(r, "owner", "o") {
			}
		}, row{ID: "y", Owner: "ox"}, "", true},
		{"nothing read", func(statestore.Reader) {}, row{ID: "a", N: 9}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			filled := func() *statestore.Store {
				s := newStore(t)
				put(t, s, row{ID: "a", Owner: "o"}, row{ID: "ab", Owner: "p"}, row{ID: "abc", Owner: "p"}, row{ID: "c", Owner: "o"}, row{ID: "d", Owner: "oo"})
				return s
			}
			change := func(s *statestore.Store) {
				if c.del == "" {
					put(t, s, c.put)
					return
				}
				if err := s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Delete(tx, c.del); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			s := filled()
			if got := wakes(t, s, c.read, func() { change(s) }); got != c.want {
				t.Errorf("wakes: %v, want %v", got, c.want)
			}
			if c.want { // also while it already waits
				s := filled()
				snap, w := s.Watch()
				c.read(snap)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- w.Wait(ctx) }()
				runtime.Gosched()
				change(s)
				if err := <-done; err != nil {
					t.Error("while it waits:", err)
				}
			}
		})
	}
}

func TestWatchAbortedWrite(t *testing.T) {
	s := newStore(t)
	put(t, s, row{ID: "a"})
	if wakes(t, s, func(r statestore.Reader) { rows.Get(r, "a") }, func() {
		s.Write(t.Context(), func(tx *statestore.Txn) error { rows.Put(tx, row{ID: "a", N: 1}); return errors.New("no") })
	}) {
		t.Error("an aborted write woke a waiter")
	}
}

// TestWatchWaitsForDurable: a waiter that wakes must find the change.
func TestWatchWaitsForDurable(t *testing.T) {
	eng := &slowEngine{Engine: storetest.NewDisk().MustOpen(t), gate: make(chan struct{}, 1)}
	s := storetest.OpenStore(t, eng, statestore.Options{Tables: tables})
	snap, w := s.Watch()
	rows.Get(snap, "a")
	applied := make(chan struct{})
	go s.Write(context.Background(), func(tx *statestore.Txn) error {
		rows.Put(tx, row{ID: "a"})
		close(applied)
		return nil
	})
	<-applied
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := w.Wait(ctx); err == nil {
		t.Fatal("woke before the change was durable")
	}
	// A watch that starts now, when the tree has changed but nothing is durable.
	snap2, w2 := s.Watch()
	if _, ok := rows.Get(snap2, "a"); ok {
		t.Fatal("seen before it is durable")
	}
	eng.gate <- struct{}{}
	for _, w := range []*statestore.Watch{w, w2} {
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := rows.Get(s.Snapshot(), "a"); !ok {
		t.Fatal("woke, but the change is not there")
	}
	close(eng.gate)
}

// TestWatchMany reads far more than a watch follows one by one: it may wake too
// often, but must not miss anything, nor keep goroutines.
func TestWatchMany(t *testing.T) {
	s := newStore(t)
	var rs []row
	for i := range 500 {
		rs = append(rs, row{ID: fmt.Sprint(i), Owner: fmt.Sprint("o", i)})
	}
	put(t, s, rs...)
	for _, i := range []int{0, 23, 24, 25, 300, 499} {
		if !wakes(t, s, func(r statestore.Reader) {
			for i := range 500 {
				rows.Get(r, fmt.Sprint(i))
				rows.Count(r, "owner", fmt.Sprint("o", i))
			}
		}, func() { put(t, s, row{ID: fmt.Sprint(i), Owner: fmt.Sprint("o", i), N: 5}) }) {
			t.Errorf("a change of row %d is missed", i)
		}
	}
}

// TestWatchThousands has thousands of waiters, each on a row of its own, and
// wakes one of them, then lets all go.
func TestWatchThousands(t *testing.T) {
	s := newStore(t)
	const n = 3000
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	woke := make(chan int, n)
	ready := make(chan struct{}, n)
	var rs []row
	for i := range n {
		rs = append(rs, row{ID: fmt.Sprintf("%05d", i)})
	}
	put(t, s, rs...)
	for i := range n {
		wg.Go(func() {
			snap, w := s.Watch()
			rows.Get(snap, rs[i].ID)
			ready <- struct{}{}
			if w.Wait(ctx) == nil {
				woke <- i
			}
		})
	}
	for range n {
		<-ready
	}
	put(t, s, row{ID: rs[77].ID, N: 1})
	if i := <-woke; i != 77 {
		t.Errorf("%d woke", i)
	}
	cancel()
	wg.Wait()
	select {
	case i := <-woke:
		t.Errorf("%d woke too", i)
	default:
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestWatchFork(t *testing.T) {
	s := newStore(t)
	f := s.Fork()
	if !wakes(t, f, func(r statestore.Reader) { rows.Get(r, "a") }, func() { put(t, f, row{ID: "a"}) }) {
		t.Error("a write to the fork did not wake its waiter")
	}
	if wakes(t, f, func(r statestore.Reader) { rows.Get(r, "b") }, func() { put(t, s, row{ID: "b"}) }) {
		t.Error("a write to the parent woke a waiter on the fork")
	}
	snap, w := s.Watch()
	rows.Get(snap, "a")
	put(t, s.Fork(), row{ID: "a"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if w.Wait(ctx) == nil {
		t.Error("a write to a fork woke a waiter on the parent")
	}
}
