package compute

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/statestore"
)

var update = flag.Bool("update", false, "write docs/states/instance.md")

// The whole table, event by event: what must hold in every state.
func TestTransitions(t *testing.T) {
	allowed := map[Event][]State{ // Nova's rules for what is asked for
		Start:       {Off},
		Stop:        {Active, Errored},
		Reboot:      {Active},
		HardReboot:  {Active, Off, Errored, Rebooting, HardRebooting},
		Delete:      States,
		ResetActive: slices.DeleteFunc(slices.Clone(States), func(s State) bool { return s == Deleting }),
		ResetError:  slices.DeleteFunc(slices.Clone(States), func(s State) bool { return s == Deleting }),
		Ran:         {Building, Starting, Rebooting, HardRebooting, Errored},
		IsOff:       {Active, Stopping, Errored},
		Failed:      {Building, Active, Stopping, Off, Starting, Rebooting, HardRebooting},
		Removed:     {Deleting},
	}
	leadsTo := map[Event]State{Start: Starting, Stop: Stopping, Reboot: Rebooting, HardReboot: HardRebooting, Delete: Deleting,
		ResetActive: Active, ResetError: Errored, Ran: Active, IsOff: Off, Failed: Errored, Removed: deleted}
	if len(allowed) != len(Events) || len(leadsTo) != len(Events) {
		t.Fatal("the expectations do not cover all events")
	}
	for _, s := range States {
		for _, e := range Events {
			to, ok := Next(s, e)
			if want := slices.Contains(allowed[e], s); ok != want {
				t.Errorf("%s in %s: possible %v, want %v", e, s, ok, want)
			}
			if ok && to != leadsTo[e] {
				t.Errorf("%s in %s leads to %s, want %s", e, s, to, leadsTo[e])
			}
		}
		if i := (Instance{State: s}); i.Status() == "" || i.VMState() == "" {
			t.Errorf("%s is not rendered", s)
		}
	}
}

// Every pending state is left by what its host reports, so that nobody waits forever.
func TestPendingStatesEnd(t *testing.T) {
	for _, s := range States {
		if s.settled() {
			continue
		}
		ends := false
		for _, e := range []Event{Ran, IsOff, Removed} {
			if to, ok := Next(s, e); ok && (to.settled() || to == deleted) {
				ends = true
			}
		}
		if !ends {
			t.Errorf("%s never ends by a host's report", s)
		}
	}
}

func TestNovaStates(t *testing.T) {
	for _, c := range []struct {
		i                Instance
		vm, task, status string
	}{
		{Instance{State: Building}, "building", "spawning", "BUILD"},
		{Instance{State: Active}, "active", "", "ACTIVE"},
		{Instance{State: Stopping}, "active", "powering-off", "ACTIVE"},
		{Instance{State: Off}, "stopped", "", "SHUTOFF"},
		{Instance{State: Starting}, "stopped", "powering-on", "SHUTOFF"},
		{Instance{State: Rebooting}, "active", "rebooting", "REBOOT"},
		{Instance{State: HardRebooting}, "active", "rebooting_hard", "HARD_REBOOT"},
		{Instance{State: Errored}, "error", "", "ERROR"},
		{Instance{State: Deleting}, "building", "deleting", "BUILD"},
	} {
		if c.i.VMState() != c.vm || c.i.TaskState() != c.task || c.i.Status() != c.status {
			t.Errorf("%s: %s %q %s, want %s %q %s", c.i.State, c.i.VMState(), c.i.TaskState(), c.i.Status(), c.vm, c.task, c.status)
		}
	}
}

// docs/states/instance.md is rendered from the table; go test -update writes it.
func TestStatesDoc(t *testing.T) {
	const path = "../../docs/states/instance.md"
	want := renderDoc()
	if *update {
		if err := os.MkdirAll("../../docs/states", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the table says (%v): run go test ./server/compute -run StatesDoc -update", path, err)
	}
}

func renderDoc() string {
	var b strings.Builder
	b.WriteString("# The life of an instance\n\nRendered from the table in server/compute/state.go; do not edit.\n\n")
	b.WriteString("Asked for by users: start, stop, reboot (soft), hard reboot, delete, reset. Seen by the host: ran (the guest runs and has done the last reboot),\n")
	b.WriteString("is off (by itself or as asked), failed, removed. An event that a state does not list is refused with 409 (asked for) or is no news (seen).\n\n")
	b.WriteString("| state | Nova's status, vm_state, task_state | wanted of the host | event → state |\n|---|---|---|---|\n")
	for _, s := range States {
		i := Instance{State: s}
		var to []string
		for _, e := range Events {
			if n, ok := Next(s, e); ok {
				to = append(to, fmt.Sprintf("%s → %s", e, n))
			}
		}
		want := string(desiredIn(s, "as before"))
		task := i.TaskState()
		if task == "" {
			task = "–"
		}
		fmt.Fprintf(&b, "| %s | %s, %s, %s | %s | %s |\n", s, i.Status(), i.VMState(), task, want, strings.Join(to, "<br>"))
	}
	b.WriteString("\nAn instance that is being deleted keeps the vm_state it had. Errored → active on “ran” and errored → stopped on “is off” only if the error was the host's own report and that is what is wanted.\n")
	return b.String()
}

// What a guest and its host do, as the API's users see it.
func TestLife(t *testing.T) {
	w := newWorld(t, 1)
	i := w.mustCreate(ann, spec("a"))
	step := func(what, status, task string, desired Power) {
		t.Helper()
		got := w.get(i.ID)
		if got.Status() != status || got.TaskState() != task || got.Desired != desired {
			t.Fatalf("%s: %s/%s desired %s, want %s/%s desired %s", what, got.Status(), got.TaskState(), got.Desired, status, task, desired)
		}
	}
	ask := func(fn func(tx *statestore.Txn) error) { t.Helper(); w.do(fn) }
	step("created", "BUILD", "spawning", Running)
	w.observe(i.ID, Observed{Power: PowerUnknown})
	step("not yet", "BUILD", "spawning", Running)
	w.observe(i.ID, Observed{Power: Running, Applied: "d1"})
	step("ran", "ACTIVE", "", Running)
	if w.get(i.ID).LaunchedAt.IsZero() {
		t.Error("no launch time")
	}
	ask(func(tx *statestore.Txn) error { return InstanceReboot(tx, ann, i.ID, true) })
	step("reboot asked", "REBOOT", "rebooting", Running)
	w.observe(i.ID, Observed{Power: Running, RebootSerial: 0})
	step("runs, but has not rebooted", "REBOOT", "rebooting", Running)
	ask(func(tx *statestore.Txn) error { return InstanceReboot(tx, ann, i.ID, false) })
	w.observe(i.ID, Observed{Power: Running, RebootSerial: 1})
	step("first reboot done, second wanted", "HARD_REBOOT", "rebooting_hard", Running)
	w.observe(i.ID, Observed{Power: Running, RebootSerial: 2})
	step("rebooted", "ACTIVE", "", Running)
	w.observe(i.ID, Observed{Power: PowerUnknown, RebootSerial: 2})
	step("host restarted", "ACTIVE", "", Running)
	w.observe(i.ID, Observed{Power: Stopped, RebootSerial: 2})
	step("powered itself off", "SHUTOFF", "", Stopped)
	ask(func(tx *statestore.Txn) error { return InstanceStart(tx, ann, i.ID) })
	w.observe(i.ID, Observed{Power: Stopped, RebootSerial: 2})
	step("start asked", "SHUTOFF", "powering-on", Running)
	w.observe(i.ID, Observed{Power: Running, RebootSerial: 2})
	step("started", "ACTIVE", "", Running)
	ask(func(tx *statestore.Txn) error { return InstanceStop(tx, ann, i.ID) })
	step("stop asked", "ACTIVE", "powering-off", Stopped)
	w.observe(i.ID, Observed{Power: Stopped, RebootSerial: 2})
	step("stopped", "SHUTOFF", "", Stopped)
	ask(func(tx *statestore.Txn) error { return InstanceReboot(tx, ann, i.ID, false) })
	w.observe(i.ID, Observed{Fault: "the disk is full", FaultDetails: "ENOSPC"})
	step("failed", "ERROR", "", Running)
	if f := w.get(i.ID).Fault; f == nil || f.Message != "the disk is full" {
		t.Errorf("fault %+v", f)
	}
	w.observe(i.ID, Observed{Power: Running, RebootSerial: 3})
	step("healed", "ACTIVE", "", Running)
	ask(func(tx *statestore.Txn) error { return InstanceReset(tx, admin, i.ID, false) })
	w.observe(i.ID, Observed{Power: Running, RebootSerial: 3})
	step("an admin's error is not healed", "ERROR", "", Running)
	ask(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) })
	step("delete asked", "ACTIVE", "deleting", Gone)
	ask(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) })
	w.checkSums()
	w.observe(i.ID, Observed{Gone: true})
	if _, ok := Instances.Get(w.s.Snapshot(), i.ID); ok {
		t.Error("the row stayed")
	}
	w.checkSums()
}

func TestHistory(t *testing.T) {
	w := newWorld(t, 1)
	i := w.running(ann, spec("a"))
	w.do(func(tx *statestore.Txn) error { c := ann; c.RequestID = "req-2"; return InstanceStop(tx, c, i.ID) })
	as, err := ActionsOf(t.Context(), w.s.Snapshot(), i.ID)
	if err != nil || len(as) != 2 {
		t.Fatalf("%v %v", as, err)
	}
	if as[0].Name != "stop" || as[0].RequestID != "req-2" || len(as[0].Events) != 1 || as[0].Events[0].Result != "" {
		t.Errorf("while it goes on: %+v", as[0])
	}
	if as[1].Name != "create" || as[1].Events[0].Result != "Success" || as[1].Events[0].FinishedAt.IsZero() {
		t.Errorf("create: %+v", as[1])
	}
	w.observe(i.ID, Observed{Fault: "no"})
	as, _ = ActionsOf(t.Context(), w.s.Snapshot(), i.ID)
	if as[0].Message != "Error" || as[0].Events[0].Result != "Error" || as[0].Events[0].Details != "no" {
		t.Errorf("failed: %+v", as[0])
	}
}
