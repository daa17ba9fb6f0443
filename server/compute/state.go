package compute

import "fmt"

// State is where an instance is in its life. It is one word for what Nova tells
// in three: vm_state, task_state and status (see VMState, TaskState, Status).
//
//	           ran                    stop                 is off
//	create ─▶ building ─────▶ active ────────▶ stopping ───────────▶ stopped
//	             │            ▲ ▲ │ │ powered itself off                ▲ │
//	             │            │ │ │ └───────────────────────────────────┘ │ start
//	             │        ran │ │ │ reboot                                ▼
//	             │            │ │ ▼                     ran             starting
//	             │   rebooting, hardRebooting ◀───┐  ┌───────────────────┘
//	             │            │           hard    │  ▼
//	             │            │           reboot  │ active
//	             ▼            ▼                   │
//	          errored ◀── fault, in any state ────┴─ stopped, errored
//	             │
//	             └─ ran, is off, as wanted (the fault was the host's) ─▶ active, stopped
//
//	any ── delete ──▶ deleting ── gone ──▶ the row is gone
//
// The table below is the whole life; docs/states/instance.md renders it.
type State string

// The states.
const (
	Building      State = "building"
	Active        State = "active"
	Stopping      State = "stopping"
	Off           State = "stopped"
	Starting      State = "starting"
	Rebooting     State = "rebooting"
	HardRebooting State = "hard rebooting"
	Errored       State = "errored"
	Deleting      State = "deleting"
	deleted       State = "deleted" // the row is gone
)

// States are all the states a row can have.
var States = []State{Building, Active, Stopping, Off, Starting, Rebooting, HardRebooting, Errored, Deleting}

// Event is what happens to an instance: something asked for by a user, or seen
// by its host.
type Event string

// The events.
const (
	Start       Event = "start"
	Stop        Event = "stop"
	Reboot      Event = "reboot"      // soft
	HardReboot  Event = "hard reboot" //
	Delete      Event = "delete"
	ResetActive Event = "reset to active"
	ResetError  Event = "reset to error"

	Ran     Event = "ran"     // the guest runs, and has done the last reboot asked for
	IsOff   Event = "is off"  // the guest is off, by itself or as asked
	Failed  Event = "failed"  // the host could not do what is wanted
	Removed Event = "removed" // nothing of the guest is left on the host
)

// Events are all the events.
var Events = []Event{Start, Stop, Reboot, HardReboot, Delete, ResetActive, ResetError, Ran, IsOff, Failed, Removed}

// transitions is the whole life. An asked-for event that is not listed for a
// state is refused; a seen one is no news.
var transitions = map[State]map[Event]State{
	Building: {Ran: Active, Failed: Errored,
		Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Active: {IsOff: Off, Failed: Errored,
		Stop: Stopping, Reboot: Rebooting, HardReboot: HardRebooting, Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Stopping: {IsOff: Off, Failed: Errored,
		Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Off: {Failed: Errored,
		Start: Starting, HardReboot: HardRebooting, Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Starting: {Ran: Active, Failed: Errored,
		Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Rebooting: {Ran: Active, Failed: Errored,
		HardReboot: HardRebooting, Delete: Deleting, ResetActive: Active, ResetError: Errored},
	HardRebooting: {Ran: Active, Failed: Errored,
		HardReboot: HardRebooting, Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Errored: {Ran: Active, IsOff: Off,
		Stop: Stopping, HardReboot: HardRebooting, Delete: Deleting, ResetActive: Active, ResetError: Errored},
	Deleting: {Removed: deleted,
		Delete: Deleting},
}

// Next returns the state after the event, false if the table has none.
func Next(s State, e Event) (State, bool) {
	to, ok := transitions[s][e]
	return to, ok
}

// desiredIn returns the power that is wanted of the host in a state; was is what
// was wanted before.
func desiredIn(s State, was Power) Power {
	switch s {
	case Building, Active, Starting, Rebooting, HardRebooting:
		return Running
	case Stopping, Off:
		return Stopped
	case Deleting:
		return Gone
	}
	return was // errored: what was wanted still is
}

// settled reports whether nothing is awaited from the host in a state.
func (s State) settled() bool { return s == Active || s == Off || s == Errored }

// VMState is Nova's vm_state.
func (i Instance) VMState() string {
	switch i.State {
	case Building:
		return "building"
	case Active, Stopping, Rebooting, HardRebooting:
		return "active"
	case Off, Starting:
		return "stopped"
	case Deleting:
		switch {
		case i.LaunchedAt.IsZero():
			return "building"
		case i.ObservedPower == Running:
			return "active"
		}
		return "stopped"
	}
	return "error"
}

// TaskState is Nova's task_state, "" for none.
func (i Instance) TaskState() string {
	switch i.State {
	case Building:
		return "spawning"
	case Stopping:
		return "powering-off"
	case Starting:
		return "powering-on"
	case Rebooting:
		return "rebooting"
	case HardRebooting:
		return "rebooting_hard"
	case Deleting:
		return "deleting"
	}
	return ""
}

// Status is the server status of Nova's API.
func (i Instance) Status() string {
	switch i.State {
	case Rebooting:
		return "REBOOT"
	case HardRebooting:
		return "HARD_REBOOT"
	}
	switch i.VMState() {
	case "building":
		return "BUILD"
	case "active":
		return "ACTIVE"
	case "stopped":
		return "SHUTOFF"
	}
	return "ERROR"
}

// PowerState is Nova's number for the observed power: 0 no state, 1 running, 3
// paused, 4 shut down, 6 crashed.
func (i Instance) PowerState() int {
	switch i.ObservedPower {
	case Running:
		return 1
	case Paused:
		return 3
	case Stopped:
		return 4
	case Crashed:
		return 6
	}
	return 0
}

// Progress is Nova's progress in percent.
func (i Instance) Progress() int {
	if i.State == Active {
		return 100
	}
	return 0
}

// refusal is the error for an event that the state does not allow, in Nova's words.
func (i Instance) refusal(op, verb string) error {
	attr, value := "vm_state", i.VMState()
	if t := i.TaskState(); t != "" {
		attr, value = "task_state", t
	}
	return conflict(op, i.ID, "%s", fmt.Sprintf("Cannot '%s' instance %s while it is in %s %s", verb, i.ID, attr, value))
}
