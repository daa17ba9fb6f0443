package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bubbleClock is the clock of a synctest bubble.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time                         { return time.Now() }
func (bubbleClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func TestQueueRunsOneKeyOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		at, runs, most, all := map[string]int{}, map[string]int{}, 0, 0
		q := newQueue(ctx, bubbleClock{}, 3, func(_ context.Context, key string) error {
			mu.Lock()
			at[key]++
			all++
			runs[key]++
			most = max(most, all)
			if at[key] > 1 {
				t.Errorf("key %s runs twice at a time", key)
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			at[key]--
			all--
			mu.Unlock()
			return nil
		})
		for _, key := range []string{"a", "b", "c", "d"} {
			q.add(key)
		}
		synctest.Wait()
		for range 5 {
			q.add("a") // five reasons while it runs are one more run
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if runs["a"] != 2 || runs["b"] != 1 || runs["d"] != 1 || most != 3 {
			t.Errorf("runs %v, at most %d at a time", runs, most)
		}
		if len(q.keys) > 0 {
			t.Errorf("the queue remembers %v", q.keys)
		}
		cancel()
		q.add("e")
		q.wait()
		if runs["e"] != 0 {
			t.Error("it ran after its end")
		}
	})
}

func TestQueueRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		runs := func() []time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(at)
		}
		var fail atomic.Bool
		fail.Store(true)
		q := newQueue(ctx, bubbleClock{}, 3, func(context.Context, string) error {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(began))
			if fail.Load() {
				return errors.New("no")
			}
			return nil
		})
		q.add("a")
		time.Sleep(100 * time.Second)
		synctest.Wait()
		ms := time.Millisecond
		want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 15500 * ms, 31500 * ms, 61500 * ms, 91500 * ms}
		if got := runs(); !slices.Equal(got, want) {
			t.Errorf("it ran at %v, want %v", got, want)
		}
		if n := q.failures("a"); n != len(want) {
			t.Errorf("%d failures, want %d", n, len(want))
		}
		q.add("a") // needs no waiting
		synctest.Wait()
		if len(runs()) != len(want)+1 {
			t.Error("a key that waits for its retry is not run when it is added")
		}
		fail.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		n := len(runs())
		if q.failures("a") != 0 || len(q.keys) != 0 || n != len(want)+2 {
			t.Errorf("after success: %d failures, keys %v, %d runs", q.failures("a"), q.keys, n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(runs()) != n {
			t.Error("it runs on after success")
		}
		fail.Store(true)
		q.add("a")
		synctest.Wait()
		cancel() // during a wait for a retry
		q.wait()
	})
}

func TestQueueGivesAPlaceAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var mu sync.Mutex
		at := map[string]time.Duration{}
		var q *queue
		q = newQueue(ctx, bubbleClock{}, 1, func(_ context.Context, key string) error {
			err := q.aside(func() error {
				if key == "slow" {
					time.Sleep(time.Hour)
				}
				return nil
			})
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			at[key] = time.Since(began)
			return err
		})
		q.add("slow")
		synctest.Wait()
		q.add("a")
		q.add("b")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if one, two := min(at["a"], at["b"]), max(at["a"], at["b"]); one != time.Second || two != 2*time.Second || at["slow"] != time.Hour+time.Second {
			t.Errorf("they were done at %v", at)
		}
		cancel()
		q.wait()
	})
}
