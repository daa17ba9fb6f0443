//go:build cgo

package libvirt

import (
	"context"
	"errors"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// pressAgain is how long a guest that is to shut down is left alone: one that
// was still booting has not noticed the power button.
const pressAgain = 5 * time.Second

// tellTime is more than libvirt needs to tell that a guest went off. It tells
// nothing of one that goes while libvirtd, just started, still looks for it.
const tellTime = time.Second

// Start as the contract has it.
func (d *Driver) Start(ctx context.Context, id string) error {
	return d.do(ctx, id, func(l *link) error {
		g, err := l.take(id)
		if err != nil {
			return err
		}
		defer g.free()
		return g.start()
	})
}

func (g *guest) start() error {
	if g.active() {
		if g.record.Stopped != "" { // a Stop that was cut off, and is not wanted any more
			g.record.Stopped = ""
			if err := g.keep(); err != nil {
				return err
			}
		}
		return g.resume()
	}
	// Before it starts: what starts must not bear an old reason for being off.
	g.record.Stopped, g.record.Started = "", time.Now().UTC().Format(time.RFC3339Nano)
	if err := g.keep(); err != nil {
		return err
	}
	return g.create()
}

// create starts a domain that was seen off. A program like this one that was
// killed meanwhile may have begun to start it, and libvirtd goes on: then it runs.
func (g *guest) create() error {
	err := g.dom.Create()
	if err == nil {
		return nil
	}
	if active, e := g.dom.IsActive(); e == nil && active {
		return nil
	}
	return err
}

func (g *guest) resume() error {
	if g.state == libvirt.DOMAIN_PAUSED {
		return g.dom.Resume()
	}
	return nil
}

// Stop as the contract has it.
func (d *Driver) Stop(ctx context.Context, id string, grace time.Duration) error {
	return d.do(ctx, id, func(l *link) error {
		g, err := l.take(id)
		if errors.Is(err, hypervisor.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		defer g.free()
		if !g.active() {
			return g.uncrash()
		}
		if grace > 0 {
			g.record.Stopped = stoppedAsked
			if err := g.keep(); err != nil {
				return err
			}
			if off, err := l.shutDown(ctx, g, grace); off || err != nil {
				return err
			}
		}
		return l.cutOff(g)
	})
}

// uncrash has a guest that crashed be merely off.
func (g *guest) uncrash() error {
	if p, _, _ := g.power(); p != hypervisor.Crashed {
		return nil
	}
	g.record.Stopped = stoppedAsked
	return g.keep()
}

// shutDown presses the power button and waits for the guest to go off, for at most
// grace.
func (l *link) shutDown(ctx context.Context, g *guest, grace time.Duration) (off bool, err error) {
	s := l.subscribe()
	defer s.end()
	deadline := time.Now().Add(grace)
	for {
		err := g.dom.ShutdownFlags(libvirt.DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
		if err != nil && !is(err, libvirt.ERR_OPERATION_INVALID) {
			return false, err
		}
		if active, err2 := g.dom.IsActive(); err2 != nil {
			return false, err2
		} else if !active && err != nil {
			return true, nil // it was off before the button was pressed
		}
		left := time.Until(deadline)
		if left <= 0 {
			return false, nil
		}
		wait, cancel := context.WithTimeout(ctx, min(left, pressAgain))
		off, err := s.until(wait, func(n notice) bool { return n.id == g.id && n.ended() })
		cancel()
		if off || err != nil {
			return off, err
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
}

// until waits for a notice; false: ctx ended before. The error is of a
// connection that was lost.
func (s *subscription) until(ctx context.Context, match func(notice) bool) (bool, error) {
	for {
		all, err := s.next(ctx)
		if ctx.Err() != nil && err != nil {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for _, n := range all {
			if match(n) {
				return true, nil
			}
		}
	}
}

// cutOff ends the guest's process, and sees to it that this is told.
func (l *link) cutOff(g *guest) error {
	s := l.subscribe()
	defer s.end()
	err := g.dom.DestroyFlags(libvirt.DOMAIN_DESTROY_DEFAULT)
	if err != nil && !is(err, libvirt.ERR_OPERATION_INVALID) && !is(err, libvirt.ERR_NO_DOMAIN) {
		return err // else it went off by itself in the meantime
	}
	wait, cancel := context.WithTimeout(context.Background(), tellTime)
	defer cancel()
	told, err := s.until(wait, func(n notice) bool { return n.id == g.id && n.ended() })
	if err == nil && !told {
		l.hub.publish(notice{
			raw:   raw{id: g.id, kind: libvirt.DOMAIN_EVENT_STOPPED},
			event: hypervisor.Event{ID: g.id, Power: hypervisor.Off}, ours: true,
		})
	}
	return err
}

// Reset as the contract has it.
func (d *Driver) Reset(ctx context.Context, id string, serial uint64) error {
	return d.do(ctx, id, func(l *link) error {
		g, err := l.take(id)
		if err != nil {
			return err
		}
		defer g.free()
		if serial <= g.record.Reset {
			return nil
		}
		if g.active() {
			if err := g.dom.Reset(0); err != nil {
				return err
			}
		}
		if err := g.start(); err != nil {
			return err
		}
		g.record.Reset = serial
		return g.keep()
	})
}

// Destroy as the contract has it.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	return d.do(ctx, id, func(l *link) error {
		g, err := l.take(id)
		if errors.Is(err, hypervisor.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		defer g.free()
		if g.active() {
			if err := l.cutOff(g); err != nil {
				return err
			}
		}
		err = g.dom.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
			libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | libvirt.DOMAIN_UNDEFINE_NVRAM)
		if is(err, libvirt.ERR_NO_DOMAIN) {
			return nil // an earlier Destroy came as far as this
		}
		return err
	})
}
