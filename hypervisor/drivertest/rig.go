package drivertest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Rig is a driver under test and its host. Whoever makes it removes, by
// t.Cleanup, all but the guests: those the suite destroys.
type Rig struct {
	Driver hypervisor.Driver

	// Guest describes a guest that the host can run and that no other call
	// described: an id, files and a digest of its own, no NICs.
	Guest func(t *testing.T) hypervisor.Guest
	// NIC describes a card, its tap made, that a guest of the host can have.
	NIC func(t *testing.T) hypervisor.NIC

	// Patience is how long a change that a test waits for may take; 0: 10 s.
	Patience time.Duration
	// Grace is how long a guest that has just started may take to heed a Stop; 0:
	// it heeds at once.
	Grace time.Duration

	// The rest is optional.

	// Reopen closes the driver and opens another on the same host, as a restart of
	// the driver's process does.
	Reopen func(t *testing.T) hypervisor.Driver
	// RestartHost loses all that runs.
	RestartHost func(t *testing.T)
	// CutEvents loses the connection that events come over.
	CutEvents func(t *testing.T)
	// PowerOff has a running guest shut itself down; it may return before it has.
	PowerOff func(t *testing.T, id string)
	// Crash has a running guest crash; it may return before it has.
	Crash func(t *testing.T, id string)
	// Foreign runs a guest that the driver did not define. It returns its id and a
	// function that fails the test if it does not run any more.
	Foreign func(t *testing.T) (id string, check func(t *testing.T))
	// Boots tells how often a guest has booted, by Start or Reset, as far as the
	// host can tell by now.
	Boots func(t *testing.T, id string) int
}

// Run runs the suite; newRig is called for each of its tests.
func Run(t *testing.T, newRig func(t *testing.T) Rig) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s *suite)
	}{
		{"fingerprint", testFingerprint},
		{"no guest", testNoGuest},
		{"ensure", testEnsure},
		{"ensure changes a guest that is off", testEnsureOff},
		{"ensure keeps no reference", testEnsureCopies},
		{"ensure refuses", testEnsureInvalid},
		{"ensure makes the disk", testEnsureDisk},
		{"ensure a running guest", testEnsureRunning},
		{"NICs come and go", testHotplug},
		{"start and stop", testStartStop},
		{"stop with grace", testStopGrace},
		{"reset", testReset},
		{"reset of a guest that is off", testResetOff},
		{"destroy", testDestroy},
		{"console", testConsole},
		{"list", testList},
		{"foreign guests", testForeign},
		{"guest shuts itself down", testPowerOff},
		{"guest crashes", testCrash},
		{"events", testEvents},
		{"events of what guests do", testGuestEvents},
		{"events end with the context", testEventsEnd},
		{"events are lost", testEventsLost},
		{"restart of the driver", testReopen},
		{"restart of the host", testRestartHost},
		{"many at once", testConcurrent},
		{"one guest, many callers", testOneGuest},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.Patience = cmp.Or(r.Patience, 10*time.Second)
			c.run(t, &suite{Rig: r})
		})
	}
}

// suite is one test's rig, with words to say what it wants.
type suite struct{ Rig }

// guest describes a guest that is destroyed when the test ends.
func (s *suite) guest(t *testing.T, nics ...hypervisor.NIC) hypervisor.Guest {
	t.Helper()
	g := s.Guest(t)
	g.NICs = nics
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
		defer cancel()
		if err := s.Driver.Destroy(ctx, g.ID); err != nil {
			t.Errorf("destroy %s: %v", g.ID, err)
		}
	})
	return g
}

// started is guest, ensured and started.
func (s *suite) started(t *testing.T, nics ...hypervisor.NIC) hypervisor.Guest {
	t.Helper()
	g := s.guest(t, nics...)
	s.ensure(t, g)
	s.start(t, g.ID)
	return g
}

func (s *suite) ensure(t *testing.T, g hypervisor.Guest) {
	t.Helper()
	if err := s.Driver.Ensure(t.Context(), g); err != nil {
		t.Fatalf("ensure: %v", err)
	}
}

func (s *suite) start(t *testing.T, id string) {
	t.Helper()
	if err := s.Driver.Start(t.Context(), id); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func (s *suite) stop(t *testing.T, id string, grace time.Duration) {
	t.Helper()
	if err := s.Driver.Stop(t.Context(), id, grace); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

func (s *suite) reset(t *testing.T, id string, serial uint64) {
	t.Helper()
	if err := s.Driver.Reset(t.Context(), id, serial); err != nil {
		t.Fatalf("reset %d: %v", serial, err)
	}
}

func (s *suite) destroy(t *testing.T, id string) {
	t.Helper()
	if err := s.Driver.Destroy(t.Context(), id); err != nil {
		t.Fatalf("destroy: %v", err)
	}
}

func (s *suite) list(t *testing.T) []hypervisor.GuestState {
	t.Helper()
	all, err := s.Driver.List(t.Context())
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return all
}

// find returns what List tells of the guest.
func (s *suite) find(t *testing.T, id string) (hypervisor.GuestState, bool) {
	t.Helper()
	all := s.list(t)
	i := slices.IndexFunc(all, func(g hypervisor.GuestState) bool { return g.ID == id })
	if i < 0 {
		return hypervisor.GuestState{}, false
	}
	return all[i], true
}

// state is find of a guest that must be there.
func (s *suite) state(t *testing.T, id string) hypervisor.GuestState {
	t.Helper()
	g, ok := s.find(t, id)
	if !ok {
		t.Fatalf("guest %s is not listed", id)
	}
	return g
}

// want fails the test unless List tells this of the guest; it returns the rest.
func (s *suite) want(t *testing.T, id string, power hypervisor.Power, byGuest bool, digest string) hypervisor.GuestState {
	t.Helper()
	g := s.state(t, id)
	if g.Power != power || g.ByGuest != byGuest || g.Digest != digest {
		t.Fatalf("guest is %s, by guest %t, digest %q; want %s, %t, %q", g.Power, g.ByGuest, g.Digest, power, byGuest, digest)
	}
	return g
}

// ports are the ids of NICs' ports.
func ports(nics []hypervisor.NIC) []string {
	ids := make([]string, len(nics))
	for i, n := range nics {
		ids[i] = n.PortID
	}
	return ids
}

// wantPorts fails the test unless these ports are plugged in, in this order if
// the guest is off: a running guest's order is that of plugging.
func (s *suite) wantPorts(t *testing.T, id string, nics ...hypervisor.NIC) {
	t.Helper()
	g := s.state(t, id)
	got, want := ports(g.NICs), ports(nics)
	if g.Power == hypervisor.Running {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("ports %v are plugged in, want %v", got, want)
	}
}

func (s *suite) has(t *testing.T, capability string) bool {
	t.Helper()
	f, err := s.Driver.Fingerprint(t.Context())
	if err != nil {
		t.Fatalf("fingerprint: %v", err)
	}
	return f.Capabilities[capability]
}

func need(t *testing.T, have bool, what string) {
	t.Helper()
	if !have {
		t.Skipf("this rig can't %s", what)
	}
}
