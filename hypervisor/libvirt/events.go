//go:build cgo

package libvirt

import (
	"context"
	"fmt"
	"sync"

	"libvirt.org/go/libvirt"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// raw is what libvirt tells, as it comes. Its callbacks only queue it: they run
// on the loop that calls' answers come over, too.
type raw struct {
	id      string
	kind    libvirt.DomainEventType
	detail  int
	removed string // alias of a device that is gone; then the rest does not count
}

// notice is what subscribers are told.
type notice struct {
	raw
	event hypervisor.Event // if ours: what it means
	ours  bool
}

// ended tells that the guest's process has.
func (n notice) ended() bool {
	return n.removed == "" && n.kind == libvirt.DOMAIN_EVENT_STOPPED
}

// hub passes on what libvirt tells.
type hub struct {
	mu   sync.Mutex
	in   []raw
	wake chan struct{} // holds a token while in may not be empty
	subs map[*subscription]bool
}

func (h *hub) push(r raw) {
	h.mu.Lock()
	h.in = append(h.in, r)
	h.mu.Unlock()
	signal(h.wake)
}

func (h *hub) take() []raw {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.in
	h.in = nil
	return all
}

func (h *hub) publish(n notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.queue = append(s.queue, n)
		signal(s.wake)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// subscription is a queue of notices, from subscribe to end.
type subscription struct {
	link  *link
	queue []notice // guarded by the hub's mutex
	wake  chan struct{}
}

func (l *link) subscribe() *subscription {
	s := &subscription{link: l, wake: make(chan struct{}, 1)}
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if l.hub.subs == nil {
		l.hub.subs = map[*subscription]bool{}
	}
	l.hub.subs[s] = true
	return s
}

func (s *subscription) end() {
	s.link.hub.mu.Lock()
	defer s.link.hub.mu.Unlock()
	delete(s.link.hub.subs, s)
}

// next waits for notices until ctx ends or the connection is lost.
func (s *subscription) next(ctx context.Context) ([]notice, error) {
	for {
		s.link.hub.mu.Lock()
		all := s.queue
		s.queue = nil
		s.link.hub.mu.Unlock()
		if len(all) > 0 {
			return all, nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.link.lost:
			return nil, fmt.Errorf("%w: %s", hypervisor.ErrUnavailable, s.link.why)
		}
	}
}

// pump makes notices of what libvirt tells, one after another, until the
// connection is lost.
func (d *Driver) pump(l *link) {
	for {
		for _, r := range l.hub.take() {
			n := notice{raw: r}
			if r.removed == "" {
				n.event, n.ours = d.interpret(l, r)
			}
			d.o.Log.Debug("libvirt event", "guest", r.id, "kind", int(r.kind), "detail", r.detail, "removed", r.removed, "event", n.event, "ours", n.ours)
			l.hub.publish(n)
		}
		select {
		case <-l.hub.wake:
		case <-l.lost:
			return
		}
	}
}

// interpret tells what a lifecycle event means; false: nothing to us.
func (d *Driver) interpret(l *link, r raw) (hypervisor.Event, bool) {
	e := hypervisor.Event{ID: r.id}
	switch r.kind {
	case libvirt.DOMAIN_EVENT_STARTED, libvirt.DOMAIN_EVENT_RESUMED:
		e.Power = hypervisor.Running
	case libvirt.DOMAIN_EVENT_SUSPENDED, libvirt.DOMAIN_EVENT_PMSUSPENDED:
		e.Power = hypervisor.Paused
	case libvirt.DOMAIN_EVENT_STOPPED:
		e.Power = hypervisor.Off
	case libvirt.DOMAIN_EVENT_CRASHED:
		e.Power = hypervisor.Crashed
	case libvirt.DOMAIN_EVENT_UNDEFINED:
		d.know(r.id, false)
		return e, false
	default:
		return e, false
	}
	g, err := l.find(r.id)
	switch {
	case err == nil:
		g.free()
		d.know(r.id, true)
	case !d.knows(r.id): // gone, or another's
		return e, false
	}
	if r.kind != libvirt.DOMAIN_EVENT_STOPPED {
		return e, true
	}
	switch libvirt.DomainEventStoppedDetailType(r.detail) {
	case libvirt.DOMAIN_EVENT_STOPPED_SHUTDOWN:
		// Stop holds on until this is told, so its mark is still there.
		e.ByGuest = g != nil && g.record.Stopped != stoppedAsked
	case libvirt.DOMAIN_EVENT_STOPPED_CRASHED, libvirt.DOMAIN_EVENT_STOPPED_FAILED:
		e.Power = hypervisor.Crashed
	}
	if e.ByGuest || e.Power == hypervisor.Crashed {
		d.putDown(l, r.id)
	}
	return e, true
}

// Events as the contract has it.
func (d *Driver) Events(ctx context.Context, fn func(hypervisor.Event)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer l.users.Done()
	s := l.subscribe()
	defer s.end()
	if _, err := d.List(ctx); err != nil { // to know whose events are ours
		return err
	}
	fn(hypervisor.Event{})
	for {
		all, err := s.next(ctx)
		if err != nil {
			return err
		}
		for _, n := range all {
			if n.ours && ctx.Err() == nil {
				fn(n.event)
			}
		}
	}
}
