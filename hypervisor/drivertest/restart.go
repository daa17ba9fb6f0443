package drivertest

import (
	"reflect"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
)

func testReopen(t *testing.T, s *suite) {
	need(t, s.Reopen != nil, "open the driver again")
	nic := s.NIC(t)
	runs, defined := s.started(t, nic), s.guest(t, s.NIC(t))
	s.ensure(t, defined)
	s.reset(t, runs.ID, 3)
	byGuest := s.started(t)
	if s.PowerOff != nil {
		s.PowerOff(t, byGuest.ID)
		s.until(t, "the guest to be off", func() bool { return s.state(t, byGuest.ID).ByGuest })
	}
	before := s.list(t)
	for range 2 {
		s.Driver = s.Reopen(t)
		after := s.list(t)
		if !reflect.DeepEqual(plain(after), plain(before)) {
			t.Fatalf("a restart of the driver changed what List tells:\n%+v\nbefore:\n%+v", after, before)
		}
	}
	s.start(t, runs.ID)
	if st := s.state(t, runs.ID); !st.StartedAt.Equal(before[indexOf(before, runs.ID)].StartedAt) {
		t.Error("Start after a restart of the driver restarted the guest")
	}
	runs.NICs, runs.Digest = append(runs.NICs, s.NIC(t)), runs.Digest+"-2"
	s.ensure(t, runs)
	if s.has(t, hypervisor.CapHotplugNIC) {
		s.want(t, runs.ID, hypervisor.Running, false, runs.Digest)
		s.wantPorts(t, runs.ID, runs.NICs...)
	}
	s.start(t, defined.ID)
	w := s.watch(t)
	s.stop(t, runs.ID, 0)
	w.want(t, runs.ID, off)
}

func testRestartHost(t *testing.T, s *suite) {
	need(t, s.RestartHost != nil, "restart the host")
	runs, defined := s.started(t, s.NIC(t), s.NIC(t)), s.guest(t)
	s.ensure(t, defined)
	s.reset(t, runs.ID, 2)
	s.RestartHost(t)
	s.until(t, "the driver to be back", func() bool {
		_, err := s.Driver.List(t.Context())
		return err == nil
	})
	s.want(t, runs.ID, hypervisor.Off, false, runs.Digest)
	s.wantPorts(t, runs.ID, runs.NICs...)
	s.want(t, defined.ID, hypervisor.Off, false, defined.Digest)
	s.start(t, runs.ID)
	s.want(t, runs.ID, hypervisor.Running, false, runs.Digest)
}

// plain brings states into a form that can be compared: times as instants, no
// difference between no NICs and none.
func plain(all []hypervisor.GuestState) []hypervisor.GuestState {
	out := make([]hypervisor.GuestState, len(all))
	for i, g := range all {
		g.StartedAt = g.StartedAt.UTC().Round(0)
		if len(g.NICs) == 0 {
			g.NICs = nil
		}
		out[i] = g
	}
	return out
}

func indexOf(all []hypervisor.GuestState, id string) int {
	for i, g := range all {
		if g.ID == id {
			return i
		}
	}
	return -1
}
