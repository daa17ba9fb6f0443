package drivertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// until waits for a state; where nothing else tells of it, it looks again.
func (s *suite) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(s.Patience)
	for tick := time.NewTicker(5 * time.Millisecond); !so(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited %v for %s", s.Patience, what)
		}
	}
}

// watch is Events under way.
type watch struct {
	got    chan hypervisor.Event
	ended  chan error // Events' result
	cancel context.CancelFunc
	late   <-chan time.Time
}

// watch calls Events and returns when events flow. It ends with the test.
func (s *suite) watch(t *testing.T) *watch {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{
		got: make(chan hypervisor.Event, 1000), ended: make(chan error, 1),
		cancel: cancel, late: time.After(2 * s.Patience),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ended <- s.Driver.Events(ctx, func(e hypervisor.Event) { w.got <- e })
	}()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case e := <-w.got:
		if e != (hypervisor.Event{}) {
			t.Fatalf("the first event is %+v, want the empty one", e)
		}
	case err := <-w.ended:
		t.Fatalf("events: %v", err)
	case <-w.late:
		t.Fatal("no first event")
	}
	return w
}

// want waits for these events of the guest, in order; the same again in a row
// counts once.
func (w *watch) want(t *testing.T, id string, want ...hypervisor.Event) {
	t.Helper()
	var got []hypervisor.Event
	for i := range want {
		want[i].ID = id
	}
	for !slices.Equal(got, want) {
		select {
		case e := <-w.got:
			if e == (hypervisor.Event{}) {
				t.Fatal("a second empty event")
			}
			if e.ID != id {
				continue
			}
			if got = slices.Compact(append(got, e)); len(got) > len(want) || got[len(got)-1] != want[len(got)-1] {
				t.Fatalf("events %+v, want %+v", got, want)
			}
		case err := <-w.ended:
			t.Fatalf("events: %v after %+v, want %+v", err, got, want)
		case <-w.late:
			t.Fatalf("events %+v, want %+v", got, want)
		}
	}
}

// end waits for Events to return.
func (w *watch) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-w.late:
		t.Fatal("Events does not return")
		return nil
	}
}

var (
	ran     = hypervisor.Event{Power: hypervisor.Running}
	off     = hypervisor.Event{Power: hypervisor.Off}
	gone    = hypervisor.Event{Power: hypervisor.Off, ByGuest: true}
	crashed = hypervisor.Event{Power: hypervisor.Crashed}
)

func testEvents(t *testing.T, s *suite) {
	earlier := s.started(t)
	w := s.watch(t)
	second := s.watch(t)
	g := s.guest(t)
	s.ensure(t, g)
	s.start(t, g.ID)
	s.start(t, g.ID)
	s.stop(t, g.ID, 0)
	s.stop(t, g.ID, 0)
	s.reset(t, g.ID, 1)
	s.destroy(t, g.ID)
	w.want(t, g.ID, ran, off, ran, off)
	second.want(t, g.ID, ran, off, ran, off)
	s.stop(t, earlier.ID, 0)
	w.want(t, earlier.ID, off)
}

func testGuestEvents(t *testing.T, s *suite) {
	need(t, s.PowerOff != nil || s.Crash != nil, "have a guest do anything")
	w := s.watch(t)
	if s.PowerOff != nil {
		g := s.started(t)
		s.PowerOff(t, g.ID)
		w.want(t, g.ID, ran, gone)
		s.want(t, g.ID, hypervisor.Off, true, g.Digest)
		s.start(t, g.ID)
		s.stop(t, g.ID, 0)
		w.want(t, g.ID, ran, off)
	}
	if s.Crash != nil {
		g := s.started(t)
		s.Crash(t, g.ID)
		w.want(t, g.ID, ran, crashed)
		s.want(t, g.ID, hypervisor.Crashed, false, g.Digest)
	}
}

func testEventsEnd(t *testing.T, s *suite) {
	w := s.watch(t)
	w.cancel()
	if err := w.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("events: %v, want the context's error", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Driver.Events(ctx, func(hypervisor.Event) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("events: %v, want the context's error", err)
	}
}

func testEventsLost(t *testing.T, s *suite) {
	need(t, s.CutEvents != nil, "lose the connection")
	g := s.started(t)
	w := s.watch(t)
	s.CutEvents(t)
	if err := w.end(t); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("events after the connection was lost: %v, want an error of its own", err)
	}
	var again *watch
	s.until(t, "the driver to be back", func() bool {
		_, err := s.Driver.List(t.Context())
		return err == nil
	})
	again = s.watch(t)
	s.want(t, g.ID, hypervisor.Running, false, g.Digest)
	s.stop(t, g.ID, 0)
	again.want(t, g.ID, off)
}
