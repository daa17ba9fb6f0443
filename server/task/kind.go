package task

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// Kind is how tasks of one kind are run.
type Kind struct {
	Name  string
	Steps map[string]Step
	// Patience is how long a step may go on failing. Default DefaultPatience.
	Patience time.Duration
	// Keep is how long the row of an ended task stays. Default DefaultKeep.
	Keep time.Duration
	// Failed puts the fault on the resource, in the transaction that ends the
	// task. It may be called for a task whose resource is gone. May be nil.
	Failed func(tx *statestore.Txn, t Task, msg string)
}

// What a Kind has if it does not say.
const (
	DefaultPatience = 5 * time.Minute
	DefaultKeep     = 48 * time.Hour
)

// Step does one step of a task. It may block as long as it respects ctx, which
// ends when the engine stops and when the task's row is deleted. It must be safe
// to repeat: the process may die after it and before its outcome is durable.
//
// An error means that it may succeed later. For one that never will, return Fail.
type Step func(ctx context.Context, r *Run) (Outcome, error)

// Run is a task under way, handed to its step.
type Run struct {
	Task
	// Store is the state; a step writes through its Outcome wherever it can.
	Store  *statestore.Store
	engine *Engine
	told   time.Time
}

// Now is the time by the engine's clock.
func (r *Run) Now() time.Time { return r.engine.clock.Now() }

// Decode reads the task's Input into in and its Data into data, either of which
// may be nil. Missing data leaves data as it is.
func (r *Run) Decode(in, data any) error {
	if in != nil {
		if err := json.Unmarshal(r.Input, in); err != nil {
			return err
		}
	}
	if data == nil || r.Data == nil {
		return nil
	}
	return json.Unmarshal(r.Data, data)
}

// progressEvery bounds how often progress is written.
const progressEvery = time.Second

// Progress tells how far the step is, in per cent, with a message for the user.
// Most calls cost nothing: it writes at most once in a second. It is lost if the
// process dies, and never an error.
func (r *Run) Progress(ctx context.Context, percent int, msg string) {
	now := r.Now()
	if now.Sub(r.told) < progressEvery {
		return
	}
	r.told = now
	_ = r.Store.Write(ctx, func(tx *statestore.Txn) error {
		if t, ok := Tasks.Get(tx, r.ID); ok && t.State.Open() {
			t.Progress, t.Message, t.UpdatedAt = percent, msg, tx.Now()
			Tasks.Put(tx, t)
		}
		return nil
	})
}

// Outcome is what a step says comes next.
type Outcome struct {
	next string        // a step; "" for the end
	wait time.Duration // before it
	fail error
	data any
	in   func(tx *statestore.Txn) error
	msg  string
}

// Next says that the step is done and another follows.
func Next(step string) Outcome { return Outcome{next: step} }

// Wait says to run a step, usually the same, after a while.
func Wait(step string, d time.Duration) Outcome { return Outcome{next: step, wait: d} }

// Done says that the task has succeeded.
func Done() Outcome { return Outcome{} }

// Fail says that the task can never succeed. The error is told to who asked for
// the task if it is a *cloud.Error.
func Fail(err error) Outcome { return Outcome{fail: err} }

// With hands back what the following steps are to know: Task.Data from now on.
func (o Outcome) With(data any) Outcome {
	o.data = data
	return o
}

// Commit hands back changes of the state, which are made together with the
// advance. An error of fn keeps all of it from happening and counts as the step's.
func (o Outcome) Commit(fn func(tx *statestore.Txn) error) Outcome {
	o.in = fn
	return o
}

// Saying sets the message for who asked for the task.
func (o Outcome) Saying(msg string) Outcome {
	o.msg = msg
	return o
}
