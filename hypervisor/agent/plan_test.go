package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

func TestPlan(t *testing.T) {
	const up = "networks image taps ensure start activate"
	want := func(power string, serial uint64, soft bool) *hostapi.Instance {
		return &hostapi.Instance{Id: "g", Power: power, RebootSerial: serial, RebootSoft: soft}
	}
	found := func(p hypervisor.Power, serial uint64) hypervisor.GuestState {
		return hypervisor.GuestState{ID: "g", Power: p, RebootSerial: serial, Digest: "d"}
	}
	byGuest := found(hypervisor.Off, 0)
	byGuest.ByGuest = true
	for _, c := range []struct {
		name   string
		want   *hostapi.Instance
		exists bool
		found  hypervisor.GuestState
		digest string
		asked  bool
		steps  string
	}{
		{"new", want("running", 0, false), false, hypervisor.GuestState{}, "d", true, up},
		{"new after a reboot was asked for", want("running", 2, false), false, hypervisor.GuestState{}, "d", true, "networks image taps ensure reset activate"},
		{"host restarted", want("running", 0, false), true, found(hypervisor.Off, 0), "d", false, up},
		{"runs", want("running", 0, false), true, found(hypervisor.Running, 0), "d", false, "networks activate"},
		{"runs, changed", want("running", 0, false), true, found(hypervisor.Running, 0), "e", false, "networks taps ensure activate"},
		{"hard reboot", want("running", 1, false), true, found(hypervisor.Running, 0), "d", true, "networks image cut taps ensure reset activate"},
		{"soft reboot", want("running", 1, true), true, found(hypervisor.Running, 0), "d", true, "networks image stop taps ensure reset activate"},
		{"reboot done", want("running", 1, true), true, found(hypervisor.Running, 1), "d", false, "networks activate"},
		{"reboot of a paused one", want("running", 1, false), true, found(hypervisor.Paused, 0), "d", true, "networks image cut taps ensure reset activate"},
		{"paused", want("running", 1, false), true, found(hypervisor.Paused, 1), "e", false, ""},
		{"shut itself down", want("running", 0, false), true, byGuest, "d", false, ""},
		{"shut itself down, asked for", want("running", 0, false), true, byGuest, "d", true, up},
		{"crashed", want("running", 0, false), true, found(hypervisor.Crashed, 0), "d", false, ""},
		{"crashed, asked for", want("running", 1, false), true, found(hypervisor.Crashed, 0), "d", true, "networks image taps ensure reset activate"},
		{"stop", want("stopped", 0, false), true, found(hypervisor.Running, 0), "d", true, "stop"},
		{"stop a paused one", want("stopped", 0, false), true, found(hypervisor.Paused, 0), "d", true, "stop"},
		{"stopped", want("stopped", 0, false), true, found(hypervisor.Off, 0), "d", true, ""},
		{"stopped, changed", want("stopped", 0, false), true, found(hypervisor.Off, 0), "e", true, "networks taps ensure"},
		{"stop, changed", want("stopped", 0, false), true, found(hypervisor.Running, 0), "e", true, "stop networks taps ensure"},
		{"stopped, crashed", want("stopped", 0, false), true, found(hypervisor.Crashed, 0), "d", true, ""},
		{"stopped, never made", want("stopped", 0, false), false, hypervisor.GuestState{}, "d", true, ""},
		{"gone", want("gone", 0, false), true, found(hypervisor.Running, 0), "d", true, "destroy forget"},
		{"gone already", want("gone", 0, false), false, hypervisor.GuestState{}, "d", true, "forget"},
		{"nobody's", nil, true, found(hypervisor.Running, 0), "", false, "destroy forget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := situation{c.want, c.exists, c.found, c.digest, c.asked}
			var got []string
			for _, step := range plan(s) {
				got = append(got, string(step))
			}
			if strings.Join(got, " ") != c.steps {
				t.Errorf("plan is %q, want %q", strings.Join(got, " "), c.steps)
			}
		})
	}
}

// simulate does what the steps promise.
func simulate(s situation, steps []step) situation {
	for _, st := range steps {
		switch st {
		case stepEnsure:
			if !s.exists {
				s.exists, s.found = true, hypervisor.GuestState{ID: "g", Power: hypervisor.Off}
			}
			s.found.Digest = s.digest
		case stepStart:
			s.found.Power, s.found.ByGuest = hypervisor.Running, false
		case stepReset:
			s.found.Power, s.found.ByGuest, s.found.RebootSerial = hypervisor.Running, false, s.want.RebootSerial
		case stepStop, stepCut:
			s.found.Power, s.found.ByGuest = hypervisor.Off, false
		case stepDestroy:
			s.exists = false
		case stepForget:
			s.found = hypervisor.GuestState{ID: "g"}
		}
	}
	return s
}

// From every situation one plan leads to rest: the next has nothing to change.
func TestPlanLeadsToRest(t *testing.T) {
	harmless := []step{stepNetworks, stepActivate, stepForget}
	n := 0
	for _, power := range []string{"", powerRunning, powerStopped, powerGone} {
		for _, serial := range []uint64{0, 1} {
			for _, soft := range []bool{false, true} {
				for _, exists := range []bool{false, true} {
					for _, p := range []hypervisor.Power{hypervisor.Off, hypervisor.Running, hypervisor.Paused, hypervisor.Crashed} {
						for _, byGuest := range []bool{false, true} {
							for _, asked := range []bool{false, true} {
								s := situation{exists: exists, digest: "d", asked: asked}
								if power != "" {
									s.want = &hostapi.Instance{Id: "g", Power: power, RebootSerial: serial, RebootSoft: soft}
								}
								if exists {
									s.found = hypervisor.GuestState{ID: "g", Power: p, ByGuest: byGuest}
								}
								n++
								after := simulate(s, plan(s))
								for _, st := range plan(after) {
									if !slices.Contains(harmless, st) {
										t.Errorf("from %+v to %+v: then %s", s, after, st)
									}
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d situations", n)
}

func TestObserved(t *testing.T) {
	running, stopped := &hostapi.Instance{Power: powerRunning}, &hostapi.Instance{Power: powerStopped}
	for _, c := range []struct {
		want    *hostapi.Instance
		exists  bool
		power   hypervisor.Power
		byGuest bool
		gone    bool
		say     string
	}{
		{running, true, hypervisor.Running, false, false, powerRunning},
		{running, true, hypervisor.Paused, false, false, powerPaused},
		{running, true, hypervisor.Crashed, false, false, powerCrashed},
		{running, true, hypervisor.Off, true, false, powerStopped},
		{running, true, hypervisor.Off, false, false, ""},
		{running, false, "", false, false, ""},
		{stopped, true, hypervisor.Off, false, false, powerStopped},
		{stopped, true, hypervisor.Running, false, false, powerRunning},
		{stopped, false, "", false, false, powerStopped},
		{nil, false, "", false, true, ""},
	} {
		o := observed(situation{want: c.want, exists: c.exists, found: hypervisor.GuestState{ID: "g", Power: c.power, ByGuest: c.byGuest, RebootSerial: 4, Digest: "d"}}, c.gone)
		if o.Power != c.say || o.Gone != c.gone {
			t.Errorf("%+v: said %v", c, o)
		}
		if c.exists != (o.RebootSerial == 4) || c.exists != (o.Applied == "d") {
			t.Errorf("%+v: said %v", c, o)
		}
	}
}

func TestHidden(t *testing.T) {
	for _, c := range []struct {
		err    error
		failed int
		hidden bool
	}{
		{fmt.Errorf("x: %w", hypervisor.ErrUnavailable), 0, true},
		{fmt.Errorf("x: %w", hypervisor.ErrUnavailable), unseenFailures, false},
		{fmt.Errorf("x: %w", errServerAway), 1000, true},
		{fmt.Errorf("x: %w", hypervisor.ErrInvalid), 0, false},
	} {
		if hidden(c.err, c.failed) != c.hidden {
			t.Errorf("%v after %d failures: hidden is not %t", c.err, c.failed, c.hidden)
		}
	}
}
