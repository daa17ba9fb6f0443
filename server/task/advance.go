package task

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// errGone says that a task is not where its step found it.
var errGone = errors.New("the task was deleted or has moved on")

// advance makes a step's outcome durable, all of it or nothing.
func (e *Engine) advance(ctx context.Context, k Kind, was Task, o Outcome) error {
	if o.fail != nil {
		return e.end(ctx, k, was, o.fail)
	}
	var data json.RawMessage
	if o.data != nil {
		b, err := json.Marshal(o.data)
		if err != nil {
			return err
		}
		data = b
	}
	err := e.store.Write(ctx, func(tx *statestore.Txn) error {
		t, err := current(tx, was)
		if err != nil {
			return err
		}
		if o.in != nil {
			if err := o.in(tx); err != nil {
				return err
			}
		}
		if t, err = current(tx, was); err != nil { // the changes may have deleted it
			return nil
		}
		t.State, t.Step, t.Tries, t.FailingSince, t.Progress = Processing, o.next, 0, time.Time{}, 0
		t.NotBefore, t.UpdatedAt = tx.Now().Add(o.wait), tx.Now()
		if data != nil {
			t.Data = data
		}
		if o.msg != "" || o.next == "" {
			t.Message = o.msg
		}
		if o.next == "" {
			t.State, t.Progress, t.EndedAt, t.ExpiresAt = Success, 100, tx.Now(), tx.Now().Add(k.Keep)
		}
		Tasks.Put(tx, t)
		return nil
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// current returns the task if it still is where a step found it.
func current(tx *statestore.Txn, was Task) (Task, error) {
	t, ok := Tasks.Get(tx, was.ID)
	if !ok || !t.State.Open() || t.Step != was.Step || t.Tries != was.Tries {
		return Task{}, errGone
	}
	return t, nil
}

// Backoff is how long a step waits after its n-th failure in a row, n from 1.
func Backoff(n int) time.Duration { return min(time.Second<<min(n-1, 10), time.Minute) }

// failed records that a step has failed, to be tried again or for good.
func (e *Engine) failed(ctx context.Context, k Kind, was Task, cause error) error {
	now := e.clock.Now()
	since := was.FailingSince
	if since.IsZero() {
		since = now
	}
	e.log.Warn("a task's step failed", "task", was.ID, "kind", was.Kind, "subject", was.Subject, "step", was.Step, "tries", was.Tries+1, "error", cause)
	if now.Sub(since) >= k.Patience {
		return e.end(ctx, k, was, cause)
	}
	err := e.store.Write(ctx, func(tx *statestore.Txn) error {
		t, err := current(tx, was)
		if err != nil {
			return err
		}
		t.State, t.Tries, t.FailingSince, t.UpdatedAt = Processing, t.Tries+1, since, tx.Now()
		t.NotBefore = now.Add(Backoff(t.Tries))
		t.Message = "It will be tried again: " + told(cause)
		Tasks.Put(tx, t)
		return nil
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// end records that a task has failed for good, and puts the fault on its resource.
func (e *Engine) end(ctx context.Context, k Kind, was Task, cause error) error {
	msg := told(cause)
	e.log.Info("a task failed", "task", was.ID, "kind", was.Kind, "subject", was.Subject, "step", was.Step, "error", cause)
	err := e.store.Write(ctx, func(tx *statestore.Txn) error {
		t, err := current(tx, was)
		if err != nil {
			return err
		}
		keep := k.Keep
		if keep <= 0 {
			keep = DefaultKeep
		}
		t.State, t.Step, t.Message = Failure, "", msg
		t.UpdatedAt, t.EndedAt, t.ExpiresAt = tx.Now(), tx.Now(), tx.Now().Add(keep)
		Tasks.Put(tx, t)
		if k.Failed != nil {
			k.Failed(tx, t, msg)
		}
		return nil
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// told is what an error says to who asked for the task.
func told(err error) string { return cloud.AsError(err).Msg }

// expire removes the row of a task that has ended.
func (e *Engine) expire(ctx context.Context, id string) {
	err := e.store.Write(ctx, func(tx *statestore.Txn) error {
		if t, ok := Tasks.Get(tx, id); ok && !t.State.Open() {
			Tasks.Delete(tx, id)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		e.log.Warn("an ended task's row could not be removed", "task", id, "error", err)
	}
}
