package compute

import (
	"context"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// ActionEntry is one line of an instance's history: an action was asked for
// (Phase begin) or a host finished it (Phase end).
type ActionEntry struct {
	RequestID string
	Action    string // create, start, stop, reboot, delete, attach_interface, …
	Event     string // "compute__do_build_and_run_instance"; "" if no host had a part in it
	UserID    string
	ProjectID string
	HostID    string
	At        time.Time
	End       bool
	Result    string // Success, Error; of an end
	Message   string
}

// Actions is the history of the instances: a stream per instance.
var Actions = statestore.NewLog[ActionEntry]("instance_action", 1)

// Action is one action on an instance, with its event if a host had a part in it.
type Action struct {
	RequestID, Name   string
	UserID, ProjectID string
	Message           string
	StartedAt         time.Time
	UpdatedAt         time.Time
	Events            []ActionEvent
}

// ActionEvent is a host's part in an action.
type ActionEvent struct {
	Name       string
	HostID     string
	StartedAt  time.Time
	FinishedAt time.Time // zero while it goes on
	Result     string    // Success, Error; "" while it goes on
	Details    string
}

// ActionsOf returns what was done to an instance, newest first. It reads from disk.
func ActionsOf(ctx context.Context, r statestore.Reader, instanceID string) ([]Action, error) {
	var all []Action
	for e, err := range Actions.Range(ctx, r, instanceID) {
		if err != nil {
			return nil, err
		}
		if !e.End {
			a := Action{RequestID: e.RequestID, Name: e.Action, UserID: e.UserID, ProjectID: e.ProjectID, StartedAt: e.At, UpdatedAt: e.At, Message: e.Message}
			if e.Event != "" {
				a.Events = []ActionEvent{{Name: e.Event, HostID: e.HostID, StartedAt: e.At}}
			}
			all = append(all, a)
			continue
		}
		for n := len(all) - 1; n >= 0; n-- {
			a := &all[n]
			if a.RequestID != e.RequestID || a.Name != e.Action {
				continue
			}
			a.UpdatedAt = e.At
			if e.Result == "Error" {
				a.Message = "Error"
			}
			for k := range a.Events {
				a.Events[k].FinishedAt, a.Events[k].Result, a.Events[k].Details = e.At, e.Result, e.Message
			}
			break
		}
	}
	slices.Reverse(all)
	return all, nil
}

// begin logs that an action was asked for; an event names the host's part, which
// becomes the instance's pending one.
func begin(tx *statestore.Txn, c cloud.Caller, i *Instance, action, event string) {
	Actions.Append(tx, i.ID, ActionEntry{RequestID: c.RequestID, Action: action, Event: event, UserID: c.UserID, ProjectID: c.ProjectID, HostID: i.HostID, At: tx.Now()})
	if event != "" {
		if i.Pending != nil {
			finish(tx, *i, false) // what it was doing will never end by itself
		}
		i.Pending = &Pending{RequestID: c.RequestID, Action: action, Event: event}
	}
}

// finish logs the end of the pending action.
func finish(tx *statestore.Txn, i Instance, well bool) {
	e := ActionEntry{RequestID: i.Pending.RequestID, Action: i.Pending.Action, Event: i.Pending.Event, HostID: i.HostID, At: tx.Now(), End: true, Result: "Success"}
	if !well {
		e.Result = "Error"
		if i.Fault != nil {
			e.Message = i.Fault.Message
		}
	}
	Actions.Append(tx, i.ID, e)
}
