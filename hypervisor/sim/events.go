package sim

import (
	"context"
	"fmt"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// stream is one caller of Events: what it has not been told yet.
type stream struct {
	pending []hypervisor.Event
	err     error         // why it ended
	wake    chan struct{} // holds a token if there is something new
}

// Events implements hypervisor.Driver.
func (d *Driver) Events(ctx context.Context, fn func(hypervisor.Event)) error {
	s := &stream{wake: make(chan struct{}, 1)}
	err := d.call(ctx, "Events", "", func() error {
		if d.streams == nil {
			d.streams = map[*stream]bool{}
		}
		d.streams[s] = true
		return nil
	})
	if err != nil {
		return err
	}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.streams, s)
	}()
	fn(hypervisor.Event{})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
		d.mu.Lock()
		pending, err := s.pending, s.err
		s.pending = nil
		d.mu.Unlock()
		for _, e := range pending {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			fn(e)
		}
		if err != nil {
			return err
		}
	}
}

// publish tells all streams. d.mu is held.
func (d *Driver) publish(e hypervisor.Event) {
	for s := range d.streams {
		s.pending = append(s.pending, e)
		s.rouse()
	}
}

// cutStreams ends all streams. d.mu is held.
func (d *Driver) cutStreams(err error) {
	for s := range d.streams {
		s.err = err
		s.rouse()
		delete(d.streams, s)
	}
}

func (s *stream) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// CutEvents ends all Events under way, as a lost connection to the hypervisor
// does. Guests stay as they are.
func (d *Driver) CutEvents() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutStreams(fmt.Errorf("%w: the connection was lost", hypervisor.ErrUnavailable))
}
