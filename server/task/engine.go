package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Options is what an Engine needs.
type Options struct {
	Store *statestore.Store
	Kinds []Kind
	Clock cloud.Clock  // nil: the machine's
	Log   *slog.Logger // nil: slog.Default
	// Workers is how many tasks run at once; of one project, three quarters of them. Default DefaultWorkers.
	Workers int
}

// DefaultWorkers is how many tasks run at once if Options do not say.
const DefaultWorkers = 8

// Engine runs tasks.
type Engine struct {
	store   *statestore.Store
	kinds   map[string]Kind
	clock   cloud.Clock
	log     *slog.Logger
	workers int

	poke chan struct{} // something to look at; capacity 1
	work sync.WaitGroup

	mu      sync.Mutex
	running map[string]place // by task
}

// place is a task that runs.
type place struct {
	owner  string
	cancel context.CancelFunc
}

// New returns an engine, which does nothing before Serve.
func New(o Options) *Engine {
	e := &Engine{store: o.Store, kinds: map[string]Kind{}, clock: o.Clock, log: o.Log, workers: o.Workers,
		poke: make(chan struct{}, 1), running: map[string]place{}}
	if e.clock == nil {
		e.clock = cloud.RealClock{}
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	if e.workers <= 0 {
		e.workers = DefaultWorkers
	}
	for _, k := range o.Kinds {
		if k.Patience <= 0 {
			k.Patience = DefaultPatience
		}
		if k.Keep <= 0 {
			k.Keep = DefaultKeep
		}
		e.kinds[k.Name] = k
	}
	return e
}

// Serve runs tasks until ctx ends or the store closes, and returns when no step
// runs any more. Only one engine of a cloud may serve at a time.
func (e *Engine) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer e.work.Wait()
	defer cancel()
	for {
		snap, watch := e.store.Watch()
		due := e.look(ctx, snap)
		if err := e.sleep(ctx, watch, due); err != nil {
			return err
		}
	}
}

// look begins what is due, ends what was deleted, removes rows that expired, and
// returns when it is to look again at the latest; zero for no such time.
func (e *Engine) look(ctx context.Context, snap *statestore.Snapshot) (again time.Time) {
	now := e.clock.Now()
	sooner := func(t time.Time) {
		if again.IsZero() || t.Before(again) {
			again = t
		}
	}
	open := slices.SortedFunc(Tasks.By(snap, "open", "1"), func(a, b Task) int { return a.NotBefore.Compare(b.NotBefore) })
	e.drop(open)
	for _, t := range open {
		if t.NotBefore.After(now) {
			sooner(t.NotBefore)
			continue
		}
		e.begin(ctx, t.ID)
	}
	for t := range Tasks.ByPrefix(snap, "expires", "") { // the soonest first
		if t.ExpiresAt.After(now) {
			sooner(t.ExpiresAt)
			break
		}
		e.expire(ctx, t.ID)
	}
	return again
}

// drop ends the steps of tasks that are open no more.
func (e *Engine) drop(open []Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, p := range e.running {
		if !slices.ContainsFunc(open, func(t Task) bool { return t.ID == id }) {
			p.cancel()
		}
	}
}

// sleep returns when something changed, a task let go of its place, or a time has
// come.
func (e *Engine) sleep(ctx context.Context, watch *statestore.Watch, until time.Time) error {
	waiting, wake := context.WithCancel(ctx)
	defer wake()
	var timer <-chan time.Time
	if !until.IsZero() {
		timer = e.clock.After(until.Sub(e.clock.Now()))
	}
	var side sync.WaitGroup
	side.Go(func() {
		defer wake()
		select {
		case <-timer:
		case <-e.poke:
		case <-waiting.Done():
		}
	})
	err := watch.Wait(waiting)
	wake()
	side.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, statestore.ErrClosed) {
		return err
	}
	return nil
}

// room reports whether there is a place for a task of a project: some are left to others,
// however many tasks one has and however slow they are. e.mu is held.
func (e *Engine) room(owner string) bool {
	theirs := 0
	for _, p := range e.running {
		if owner != "" && p.owner == owner {
			theirs++
		}
	}
	return len(e.running) < e.workers && theirs < max(1, e.workers-(e.workers+3)/4)
}

// begin runs a task's step in a goroutine, unless it runs or there is no place.
func (e *Engine) begin(ctx context.Context, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, runs := e.running[id]; runs {
		return
	}
	// What was looked at may be older than the end of its last step.
	t, ok := Tasks.Get(e.store.Snapshot(), id)
	if !ok || !t.State.Open() || t.NotBefore.After(e.clock.Now()) || !e.room(t.ProjectID) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	e.running[id] = place{t.ProjectID, cancel}
	e.work.Go(func() {
		e.step(ctx, t)
		cancel()
		e.mu.Lock()
		delete(e.running, id)
		e.mu.Unlock()
		select {
		case e.poke <- struct{}{}:
		default:
		}
	})
}

// step runs the step of a task once and makes its outcome durable.
func (e *Engine) step(ctx context.Context, t Task) {
	k, known := e.kinds[t.Kind]
	do := k.Steps[t.Step]
	var o Outcome
	var err error
	if !known || do == nil {
		o = Fail(fmt.Errorf("there is no step %q of tasks of the kind %q", t.Step, t.Kind))
	} else {
		o, err = e.guard(ctx, do, &Run{Task: t, Store: e.store, engine: e})
	}
	if ctx.Err() != nil {
		return // the next engine does it again
	}
	if err == nil {
		err = e.advance(ctx, k, t, o)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	if err := e.failed(ctx, k, t, err); err != nil && ctx.Err() == nil {
		e.log.Error("a task's step could not be recorded", "task", t.ID, "error", err)
	}
}

// guard calls a step and makes an error of a panic.
func (e *Engine) guard(ctx context.Context, do Step, r *Run) (o Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in step %s of task %s: %v\n%s", r.Step, r.ID, p, debug.Stack())
		}
	}()
	return do(ctx, r)
}
