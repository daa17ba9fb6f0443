package drivertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

func testStartStop(t *testing.T, s *suite) {
	nic := s.NIC(t)
	g := s.guest(t, nic)
	s.ensure(t, g)
	if _, err := s.Driver.Stats(t.Context(), g.ID); !errors.Is(err, hypervisor.ErrNotFound) {
		t.Errorf("stats of a guest that is off: %v, want ErrNotFound", err)
	}
	s.stop(t, g.ID, time.Hour)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)

	s.start(t, g.ID)
	first := s.want(t, g.ID, hypervisor.Running, false, g.Digest)
	s.wantPorts(t, g.ID, nic)
	s.start(t, g.ID)
	if again := s.state(t, g.ID); !again.StartedAt.Equal(first.StartedAt) {
		t.Errorf("a second Start restarted the guest: %v, before %v", again.StartedAt, first.StartedAt)
	}
	if st, err := s.Driver.Stats(t.Context(), g.ID); err != nil || st.MemoryKiB == 0 {
		t.Errorf("stats of a running guest: %+v, %v", st, err)
	}

	for range 2 {
		s.stop(t, g.ID, 0)
		s.want(t, g.ID, hypervisor.Off, false, g.Digest)
		s.wantPorts(t, g.ID, nic)
	}
	s.start(t, g.ID)
	s.want(t, g.ID, hypervisor.Running, false, g.Digest)
}

func testStopGrace(t *testing.T, s *suite) {
	g := s.started(t)
	began := time.Now()
	s.stop(t, g.ID, s.Grace)
	if took := time.Since(began); took > s.Grace+s.Patience {
		t.Errorf("stop took %v with a grace of %v", took, s.Grace)
	}
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
}

func testReset(t *testing.T, s *suite) {
	g := s.started(t)
	serial := func(want uint64) {
		t.Helper()
		if got := s.want(t, g.ID, hypervisor.Running, false, g.Digest).RebootSerial; got != want {
			t.Errorf("reboot serial is %d, want %d", got, want)
		}
	}
	s.waitBoots(t, g.ID, 1)
	s.reset(t, g.ID, 1)
	serial(1)
	s.waitBoots(t, g.ID, 2)
	s.reset(t, g.ID, 1)
	serial(1)
	s.reset(t, g.ID, 5)
	serial(5)
	s.waitBoots(t, g.ID, 3)

	g.Digest += "-2"
	s.ensure(t, g)
	serial(5)
	s.stop(t, g.ID, 0)
	s.start(t, g.ID)
	serial(5)
}

// waitBoots waits until the guest has booted n times, where that can be told;
// more is an error.
func (s *suite) waitBoots(t *testing.T, id string, n int) {
	t.Helper()
	if s.Boots == nil {
		return
	}
	s.until(t, fmt.Sprintf("%d boots", n), func() bool { return s.Boots(t, id) >= n })
	if got := s.Boots(t, id); got != n {
		t.Errorf("the guest booted %d times, want %d", got, n)
	}
}

func testResetOff(t *testing.T, s *suite) {
	g := s.guest(t)
	s.ensure(t, g)
	s.reset(t, g.ID, 7)
	if got := s.want(t, g.ID, hypervisor.Running, false, g.Digest).RebootSerial; got != 7 {
		t.Errorf("reboot serial is %d, want 7", got)
	}
}

func testDestroy(t *testing.T, s *suite) {
	g := s.started(t, s.NIC(t))
	other := s.started(t)
	for range 2 {
		s.destroy(t, g.ID)
		if _, ok := s.find(t, g.ID); ok {
			t.Fatal("a destroyed guest is listed")
		}
	}
	s.want(t, other.ID, hypervisor.Running, false, other.Digest)
	if err := s.Driver.Start(t.Context(), g.ID); !errors.Is(err, hypervisor.ErrNotFound) {
		t.Errorf("start of a destroyed guest: %v, want ErrNotFound", err)
	}
	s.ensure(t, g)
	if st := s.want(t, g.ID, hypervisor.Off, false, g.Digest); st.RebootSerial != 0 {
		t.Errorf("a guest defined anew has reboot serial %d", st.RebootSerial)
	}
	s.start(t, g.ID)
}

func testConsole(t *testing.T, s *suite) {
	g := s.guest(t)
	s.ensure(t, g)
	read := func(most int64) []byte {
		t.Helper()
		text, err := s.Driver.Console(t.Context(), g.ID, most)
		if err != nil {
			t.Fatalf("console: %v", err)
		}
		return text
	}
	if text := read(0); len(text) > 0 {
		t.Errorf("a guest that never ran wrote %q", text)
	}
	s.start(t, g.ID)
	s.until(t, "output on the console", func() bool { return len(read(0)) >= 16 })
	if text := read(5); len(text) != 5 {
		t.Errorf("of at most 5 bytes %d came: %q", len(text), text)
	}
	s.stop(t, g.ID, 0)
	whole := read(0)
	if end := read(5); string(end) != string(whole[len(whole)-5:]) {
		t.Errorf("5 bytes are %q, want the end of %q", end, whole)
	}
	if text := read(1 << 40); string(text) != string(whole) {
		t.Errorf("more than all is %d bytes, want %d", len(text), len(whole))
	}
}

func testList(t *testing.T, s *suite) {
	want := map[string]bool{}
	for range 5 {
		g := s.guest(t)
		s.ensure(t, g)
		want[g.ID] = true
	}
	var got []string
	for _, g := range s.list(t) {
		got = append(got, g.ID)
		delete(want, g.ID)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	if !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) {
		t.Errorf("list is not in order of ids, each once: %v", got)
	}
}

func testForeign(t *testing.T, s *suite) {
	need(t, s.Foreign != nil, "run a foreign guest")
	id, check := s.Foreign(t)
	ctx := t.Context()
	if _, ok := s.find(t, id); ok {
		t.Error("a foreign guest is listed")
	}
	_, consoleErr := s.Driver.Console(ctx, id, 0)
	_, statsErr := s.Driver.Stats(ctx, id)
	for name, err := range map[string]error{
		"start": s.Driver.Start(ctx, id), "reset": s.Driver.Reset(ctx, id, 1),
		"console": consoleErr, "stats": statsErr,
	} {
		if !errors.Is(err, hypervisor.ErrNotFound) {
			t.Errorf("%s of a foreign guest: %v, want ErrNotFound", name, err)
		}
	}
	s.stop(t, id, 0)
	s.destroy(t, id)
	g := s.Guest(t)
	g.ID = id
	if err := s.Driver.Ensure(ctx, g); !errors.Is(err, hypervisor.ErrInvalid) {
		t.Errorf("ensure with a foreign guest's id: %v, want ErrInvalid", err)
	}
	check(t)
}

func testPowerOff(t *testing.T, s *suite) {
	need(t, s.PowerOff != nil, "have a guest shut itself down")
	g := s.started(t, s.NIC(t))
	s.PowerOff(t, g.ID)
	s.until(t, "the guest to be off", func() bool { return s.state(t, g.ID).Power == hypervisor.Off })
	s.want(t, g.ID, hypervisor.Off, true, g.Digest)
	s.wantPorts(t, g.ID, g.NICs...)
	s.ensure(t, g)
	s.stop(t, g.ID, 0)
	s.want(t, g.ID, hypervisor.Off, true, g.Digest)
	s.start(t, g.ID)
	s.want(t, g.ID, hypervisor.Running, false, g.Digest)
	s.stop(t, g.ID, 0)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
}

func testCrash(t *testing.T, s *suite) {
	need(t, s.Crash != nil, "crash a guest")
	g := s.started(t)
	crash := func() {
		t.Helper()
		s.Crash(t, g.ID)
		s.until(t, "the guest to have crashed", func() bool { return s.state(t, g.ID).Power != hypervisor.Running })
		s.want(t, g.ID, hypervisor.Crashed, false, g.Digest)
	}
	crash()
	if _, err := s.Driver.Stats(t.Context(), g.ID); !errors.Is(err, hypervisor.ErrNotFound) {
		t.Errorf("stats of a crashed guest: %v, want ErrNotFound", err)
	}
	s.start(t, g.ID)
	s.want(t, g.ID, hypervisor.Running, false, g.Digest)
	crash()
	s.stop(t, g.ID, 0)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
}

func testConcurrent(t *testing.T, s *suite) {
	const guests = 4
	var wg sync.WaitGroup
	for range guests {
		g := s.guest(t, s.NIC(t))
		wg.Go(func() {
			ctx := t.Context()
			for range 2 {
				err := errors.Join(
					s.Driver.Ensure(ctx, g), s.Driver.Start(ctx, g.ID), s.Driver.Reset(ctx, g.ID, 1),
					s.Driver.Stop(ctx, g.ID, 0), s.Driver.Destroy(ctx, g.ID), s.Driver.Ensure(ctx, g),
				)
				if err != nil {
					t.Errorf("guest %s: %v", g.ID, err)
				}
				if all, err := s.Driver.List(ctx); err != nil || !slices.ContainsFunc(all, func(st hypervisor.GuestState) bool {
					return st.ID == g.ID && st.Power == hypervisor.Off && st.Digest == g.Digest
				}) {
					t.Errorf("guest %s is not listed as off (%v): %+v", g.ID, err, all)
				}
			}
		})
	}
	wg.Wait()
}

func testOneGuest(t *testing.T, s *suite) {
	nic := s.NIC(t)
	g := s.guest(t, nic)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			ctx := t.Context()
			if err := errors.Join(s.Driver.Ensure(ctx, g), s.Driver.Start(ctx, g.ID), s.Driver.Reset(ctx, g.ID, 1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if st := s.want(t, g.ID, hypervisor.Running, false, g.Digest); st.RebootSerial != 1 {
		t.Errorf("reboot serial is %d, want 1", st.RebootSerial)
	}
	s.wantPorts(t, g.ID, nic)
}
