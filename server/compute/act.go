package compute

import (
	"fmt"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// act is how a user's event is done: what it is called on the wire and in the
// history, and what Nova calls the host's part.
type act struct {
	event  Event
	verb   string // in Nova's refusals
	action string // in the history
	part   string // Nova's event
}

var (
	actStart      = act{Start, "start", "start", "compute_start_instance"}
	actStop       = act{Stop, "stop", "stop", "compute_stop_instance"}
	actReboot     = act{Reboot, "reboot", "reboot", "compute_reboot_instance"}
	actHardReboot = act{HardReboot, "reboot", "reboot", "compute_reboot_instance"}
)

// InstanceStart starts an instance that is off. Error kinds: NotFound, Conflict
// in any other state or if it is locked.
func InstanceStart(tx *statestore.Txn, c cloud.Caller, id string) error {
	return ask(tx, c, "InstanceStart", id, actStart)
}

// InstanceStop has the guest shut down. Error kinds: as InstanceStart.
func InstanceStop(tx *statestore.Txn, c cloud.Caller, id string) error {
	return ask(tx, c, "InstanceStop", id, actStop)
}

// InstanceReboot restarts the guest: softly by asking it, hard by resetting it
// (which also starts one that is off or in error). Error kinds: as InstanceStart.
func InstanceReboot(tx *statestore.Txn, c cloud.Caller, id string, soft bool) error {
	if soft {
		return ask(tx, c, "InstanceReboot", id, actReboot)
	}
	return ask(tx, c, "InstanceReboot", id, actHardReboot)
}

func ask(tx *statestore.Txn, c cloud.Caller, op, id string, a act) error {
	i, err := instanceToChange(tx, c, op, id)
	if err != nil {
		return err
	}
	to, ok := Next(i.State, a.event)
	if !ok {
		return i.refusal(op, a.verb)
	}
	begin(tx, c, &i, a.action, a.part)
	i.State = to
	if a.event == Reboot || a.event == HardReboot {
		i.RebootSerial++
		i.RebootSoft = a.event == Reboot
	}
	enter(tx, &i)
	touch(tx, &i, true)
	return nil
}

// instanceToChange returns the instance if the caller may see it and it is not
// locked. An admin passes a lock, as in Nova.
func instanceToChange(tx *statestore.Txn, c cloud.Caller, op, id string) (Instance, error) {
	i, err := InstanceGet(tx, c, id)
	if err != nil {
		return i, err
	}
	if i.Locked && !c.Admin() {
		return i, conflict(op, id, "Instance %s is locked", id)
	}
	return i, nil
}

// InstanceDelete has everything of the instance taken away. The row stays, in
// state deleting, until its host reports that nothing is left; it goes at once if
// no host has a part in it: in a plan session, or if its host is down (what is
// left there is removed when the host comes back and is not told of it any more).
// Deleting again is well. Error kinds: NotFound, Conflict if it is locked.
func InstanceDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	const op = "InstanceDelete"
	i, err := instanceToChange(tx, c, op, id)
	if err != nil {
		return err
	}
	h, known := Hosts.Get(tx, i.HostID)
	if tx.Base() != nil || !known || !h.Alive() {
		return remove(tx, i)
	}
	if i.State == Deleting {
		return nil
	}
	to, ok := Next(i.State, Delete)
	if !ok {
		return i.refusal(op, "delete")
	}
	begin(tx, c, &i, "delete", "compute_terminate_instance")
	i.State, i.TerminatedAt = to, tx.Now()
	enter(tx, &i)
	touch(tx, &i, true)
	return nil
}

// InstanceReset puts the instance into active or error, for an admin who knows
// better (Nova's os-resetState). Error kinds: NotFound, Conflict while it is
// being deleted.
func InstanceReset(tx *statestore.Txn, c cloud.Caller, id string, active bool) error {
	const op = "InstanceReset"
	i, err := InstanceGet(tx, c, id)
	if err != nil {
		return err
	}
	e := ResetError
	if active {
		e = ResetActive
	}
	to, ok := Next(i.State, e)
	if !ok {
		return i.refusal(op, "reset_state")
	}
	i.State = to
	if !active {
		i.Fault = nil // so that no host's report heals it
	}
	told := enter(tx, &i)
	touch(tx, &i, told)
	return nil
}

// InstanceLock keeps everybody but admins from changing the instance.
func InstanceLock(tx *statestore.Txn, c cloud.Caller, id, reason string) error {
	if len(reason) > 255 {
		return invalid("InstanceLock", "instance", "/lock/locked_reason", "Invalid input for field/attribute locked_reason: it is longer than 255 characters.")
	}
	return lock(tx, c, id, "lock", true, reason)
}

// InstanceUnlock ends InstanceLock.
func InstanceUnlock(tx *statestore.Txn, c cloud.Caller, id string) error {
	return lock(tx, c, id, "unlock", false, "")
}

func lock(tx *statestore.Txn, c cloud.Caller, id, action string, locked bool, reason string) error {
	i, err := InstanceGet(tx, c, id)
	if err != nil {
		return err
	}
	begin(tx, c, &i, action, "")
	i.Locked, i.LockedReason = locked, reason
	touch(tx, &i, false)
	return nil
}

// ConsoleTarget returns the host to ask for an instance's console. Error kinds:
// NotFound; Conflict if the instance is not on a host yet or any more.
func ConsoleTarget(r statestore.Reader, c cloud.Caller, id string) (hostID string, err error) {
	i, err := InstanceGet(r, c, id)
	if err != nil {
		return "", err
	}
	if i.HostID == "" || i.State == Building && i.ObservedPower == PowerUnknown {
		return "", conflict("ConsoleTarget", id, "%s", fmt.Sprintf("Instance %s is not ready", id))
	}
	return i.HostID, nil
}
