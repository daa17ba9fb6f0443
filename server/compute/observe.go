package compute

import (
	"context"

	"github.com/cloudlet/cloudlet/statestore"
)

// Observed is what a host says of one instance.
//
// The host reports what it has seen after it has acted on the desired state it
// knows, in order. Power means: Running: the guest runs. Stopped: it was stopped
// as desired, or the guest powered itself off (an event said so); on an instance
// that should run the latter becomes the new desired state. PowerUnknown: it
// does not run for a reason of the host's: not started yet, the host restarted;
// the host is expected to start it. Gone: nothing of it is left on the host, which
// only counts once Desired is Gone (report it also for one never heard of).
type Observed struct {
	InstanceID   string
	Gone         bool
	Power        Power
	RebootSerial uint64 // the last reboot done; a start of the guest counts as having done all asked before it
	Fault        string // what the host could not do, for the user; "" if all is well
	FaultDetails string // for admins
	Applied      string // digest of the desired state that is applied; the host's own words
}

// ConsoleReader reads what guests wrote to their consoles. It is implemented by
// server/hosts.
type ConsoleReader interface {
	// ConsoleOutput returns the last lines (all that is kept if lines < 0) of an
	// instance's console log. It blocks for one exchange with the host. Error
	// kinds: Unavailable if the host does not answer, NotFound if there is no log yet.
	ConsoleOutput(ctx context.Context, hostID, instanceID string, lines int) ([]byte, error)
}

// InstanceObserve takes in a host's report: it drives the transition table with
// what was seen, finishes the pending action, and removes an instance that shall
// go and is gone. A report on an instance that is unknown, or placed on another
// host, is no news. It writes only if something changed.
func InstanceObserve(tx *statestore.Txn, hostID string, o Observed) error {
	i, ok := Instances.Get(tx, o.InstanceID)
	if !ok && o.Gone {
		if l, left := Leftovers.Get(tx, o.InstanceID); left && l.HostID == hostID {
			Leftovers.Delete(tx, l.InstanceID)
		}
	}
	if !ok || i.HostID != hostID {
		return nil
	}
	was := i.State
	event, seen := eventOf(i, o)
	if seen {
		if to, ok := Next(i.State, event); ok {
			i.State = to
		} else {
			seen = false
		}
	}
	if i.State == deleted {
		return remove(tx, i)
	}
	power := o.Power
	if o.Gone {
		power = PowerUnknown
	}
	changed := i.State != was || i.ObservedPower != power || i.Applied != o.Applied
	i.ObservedPower, i.Applied = power, o.Applied
	if o.Fault != "" && (i.Fault == nil || i.Fault.Message != o.Fault) && (seen || i.State == Deleting || i.State == Errored) {
		i.Fault = &Fault{Code: 500, Message: o.Fault, Details: o.FaultDetails, At: tx.Now(), ByHost: true}
		changed = true
	}
	if !changed {
		return nil
	}
	told := false
	if i.State != was {
		told = enter(tx, &i)
	}
	touch(tx, &i, told)
	return nil
}

// eventOf is the guard of what is seen: which event a report is, false if none.
func eventOf(i Instance, o Observed) (Event, bool) {
	switch {
	case o.Gone:
		return Removed, i.Desired == Gone
	case o.Fault != "":
		return Failed, true
	case o.Power == Running:
		// A guest that has yet to do the reboot asked for has not run in this sense.
		return Ran, o.RebootSerial >= i.RebootSerial && heals(i, Running)
	case o.Power == Stopped, o.Power == Crashed:
		return IsOff, heals(i, Stopped)
	}
	return "", false
}

// heals reports whether an instance that is seen so need not be in error: if it is
// in none, or if a host reported the error and the instance is now as wanted.
func heals(i Instance, seen Power) bool {
	return i.State != Errored || i.Fault != nil && i.Fault.ByHost && i.Desired == seen
}

// enter does what belongs to having come into i.State, and reports whether the
// host must be told of it.
func enter(tx *statestore.Txn, i *Instance) (told bool) {
	if want := desiredIn(i.State, i.Desired); want != i.Desired {
		i.Desired, told = want, true
	}
	switch i.State {
	case Active:
		if i.LaunchedAt.IsZero() {
			i.LaunchedAt = tx.Now()
		}
		i.Fault = nil
	case Off:
		i.Fault = nil
	}
	if i.State.settled() && i.Pending != nil {
		finish(tx, *i, i.State != Errored)
		i.Pending = nil
	}
	return told
}

// remove takes an instance out of the state: its claim, its ports, its row. What it
// used stays in history.
func remove(tx *statestore.Txn, i Instance) error {
	if err := releasePorts(tx, i); err != nil {
		return err
	}
	release(tx, i)
	leave(tx, i)
	passed(tx, i)
	Actions.DeleteStream(tx, i.ID)
	Instances.Delete(tx, i.ID)
	return nil
}
