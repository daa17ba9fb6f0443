package agent

import (
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

func TestOutbox(t *testing.T) {
	b := newOutbox()
	is := func(power string) *hostapi.ObservedInstance { return &hostapi.ObservedInstance{Id: "g", Power: power} }
	said := func(want ...string) {
		t.Helper()
		r := b.take()
		if len(r.GetInstances()) != len(want) {
			t.Fatalf("it says %v, want %v", r, want)
		}
		for n, o := range r.GetInstances() {
			if o.Power != want[n] {
				t.Errorf("it says %v, want %v", r, want)
			}
		}
	}
	said()
	b.instance(is("a"))
	b.instance(is("b"))
	said("b") // the newest only
	said()
	b.instance(is("b"))
	said() // nothing new
	b.instance(is("c"))
	b.instance(is("b"))
	said() // back to what was said
	b.restart()
	said("b")
	b.instance(is("running"), is("stopped"))
	said("running", "stopped")
	b.instance(is("stopped"))
	b.restart()
	said("stopped") // what is newer than what was said
	b.forget("g")
	b.restart()
	said()
	b.instance(is("gone"))
	b.forget("g") // it is told all the same, once
	said("gone")
	b.restart()
	said()
	b.port(&hostapi.ObservedPort{Id: "p", Active: true})
	if r := b.take(); len(r.GetPorts()) != 1 {
		t.Errorf("it says %v", r)
	}
	b.forgetPort("p")
	b.restart()
	said()
	select {
	case <-b.ready:
	default:
		t.Error("a restart wakes nobody")
	}
}
