package agent

import (
	"context"
	"sync"
	"time"
)

// Clock tells time and wakes people up.
type Clock interface {
	Now() time.Time
	After(time.Duration) <-chan time.Time
}

// queue runs work by key: one goroutine at a time per key, a few in all. A key
// that is added while it runs, runs once more. One that fails runs again after a
// while that doubles from retryFirst to retryMost.
type queue struct {
	run   func(ctx context.Context, key string) error
	clock Clock

	mu      sync.Mutex
	keys    map[string]*item
	slots   chan struct{}
	ctx     context.Context
	workers sync.WaitGroup
}

type item struct {
	running, again bool
	failed         int           // in a row
	retry          chan struct{} // closed to end a wait for a retry; nil if there is none
}

const (
	retryFirst = 500 * time.Millisecond
	retryMost  = 30 * time.Second
)

func newQueue(ctx context.Context, clock Clock, slots int, run func(context.Context, string) error) *queue {
	return &queue{run: run, clock: clock, keys: map[string]*item{}, slots: make(chan struct{}, slots), ctx: ctx}
}

// add has the key run, now or after the run under way.
func (q *queue) add(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx.Err() != nil {
		return
	}
	it := q.keys[key]
	if it == nil {
		it = &item{}
		q.keys[key] = it
	}
	if it.running {
		it.again = true
		return
	}
	if it.retry != nil {
		close(it.retry)
		it.retry = nil
	}
	it.running = true
	q.workers.Go(func() { q.work(key, it) })
}

func (q *queue) work(key string, it *item) {
	for {
		select {
		case q.slots <- struct{}{}:
		case <-q.ctx.Done():
			return
		}
		err := q.run(q.ctx, key)
		<-q.slots
		q.mu.Lock()
		if err != nil {
			it.failed++
		} else {
			it.failed = 0
		}
		if it.again {
			it.again = false
			q.mu.Unlock()
			continue
		}
		it.running = false
		if err != nil {
			q.retryLater(key, it)
		} else {
			delete(q.keys, key)
		}
		q.mu.Unlock()
		return
	}
}

// retryLater adds the key again after a while, unless somebody does before.
func (q *queue) retryLater(key string, it *item) {
	wait := min(retryFirst<<min(it.failed-1, 10), retryMost)
	cancel := make(chan struct{})
	it.retry = cancel
	q.workers.Go(func() {
		select {
		case <-q.clock.After(wait):
			q.mu.Lock()
			due := it.retry == cancel
			q.mu.Unlock()
			if due {
				q.add(key)
			}
		case <-cancel:
		case <-q.ctx.Done():
		}
	})
}

// aside runs what only waits for somebody else, within work: others have its place
// meanwhile.
func (q *queue) aside(f func() error) error {
	<-q.slots
	defer func() { q.slots <- struct{}{} }()
	return f()
}

// failures returns how often the key has failed in a row.
func (q *queue) failures(key string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if it := q.keys[key]; it != nil {
		return it.failed
	}
	return 0
}

// wait returns when all work has ended; the queue's context must have.
func (q *queue) wait() { q.workers.Wait() }
