//go:build cgo

package libvirt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/cloudlet/cloudlet/hypervisor"
)

const (
	// A connection that has been silent for keepAliveSeconds is asked for an
	// answer, and given up after keepAliveCount of those.
	keepAliveSeconds = 5
	keepAliveCount   = 3
	dialTime         = 10 * time.Second
)

// link is one connection to libvirtd, from its making to its loss.
type link struct {
	c     *libvirt.Connect
	users sync.WaitGroup // calls under way; the connection outlives them
	hub   hub

	once sync.Once
	lost chan struct{} // closed when the connection is of no use any more
	why  string        // set before lost is closed
	gone chan struct{} // closed when all it held is given back
}

// dialing is a connection being made, for all who wait for it.
type dialing struct {
	done chan struct{}
	link *link
	err  error
}

var startEventLoop = sync.OnceValue(func() error {
	if err := libvirt.EventRegisterDefaultImpl(); err != nil {
		return err
	}
	go func() { // libvirt's loop is the process's and can't be stopped
		for {
			if err := libvirt.EventRunDefaultImpl(); err != nil {
				time.Sleep(time.Second) // rather than spin
			}
		}
	}()
	return nil
})

// connect returns a live connection, with a use of it for the caller to give back.
func (d *Driver) connect(ctx context.Context) (*link, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, fmt.Errorf("%w: the driver is closed", hypervisor.ErrUnavailable)
	}
	if l := d.link; l != nil && l.alive() {
		l.users.Add(1)
		d.mu.Unlock()
		return l, nil
	}
	d.link = nil
	if d.dialing == nil {
		d.dialing = &dialing{done: make(chan struct{})}
		go d.dial(d.dialing)
	}
	way := d.dialing
	d.mu.Unlock()

	timeout := time.NewTimer(dialTime)
	defer timeout.Stop()
	select {
	case <-way.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timeout.C:
		return nil, fmt.Errorf("%w: %s lets us wait for a connection", hypervisor.ErrUnavailable, d.o.URI)
	}
	if way.err != nil {
		return nil, way.err
	}
	return d.use(way.link)
}

func (d *Driver) use(l *link) (*link, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.link != l {
		return nil, fmt.Errorf("%w: the connection was lost at once", hypervisor.ErrUnavailable)
	}
	l.users.Add(1)
	return l, nil
}

// dial makes the connection that way stands for.
func (d *Driver) dial(way *dialing) {
	defer close(way.done)
	l, err := d.open()
	d.mu.Lock()
	d.dialing = nil
	closed := d.closed
	if err == nil && !closed {
		d.link = l
	}
	d.mu.Unlock()
	if err == nil && closed {
		l.lose("the driver is closed")
	}
	if way.link, way.err = l, err; err != nil {
		way.err = fmt.Errorf("%w: %w", hypervisor.ErrUnavailable, plain(err))
	}
}

func (d *Driver) open() (*link, error) {
	forgetStarts(d.o.URI)
	c, err := libvirt.NewConnect(d.o.URI)
	if err != nil {
		return nil, err
	}
	l := &link{c: c, lost: make(chan struct{}), gone: make(chan struct{})}
	l.hub.wake = make(chan struct{}, 1)
	undo, err := l.register()
	if err != nil {
		c.Close()
		return nil, err
	}
	l.users.Add(1)
	go func() {
		defer l.users.Done()
		d.pump(l)
	}()
	go func() {
		defer close(l.gone)
		<-l.lost
		forgetStarts(d.o.URI) // before there is another libvirtd
		d.o.Log.Info("libvirt connection ended", "uri", d.o.URI, "reason", l.why)
		l.users.Wait()
		undo()
		c.Close()
	}()
	d.o.Log.Info("connected to libvirt", "uri", d.o.URI)
	return l, nil
}

// register has libvirt tell of what happens, and of the connection's loss.
func (l *link) register() (undo func(), err error) {
	// Not every transport has keepalive; an error is no reason to go without.
	_ = l.c.SetKeepAlive(keepAliveSeconds, keepAliveCount)
	err = l.c.RegisterCloseCallback(func(_ *libvirt.Connect, reason libvirt.ConnectCloseReason) {
		l.lose(closeReasons[reason])
	})
	if err != nil {
		return nil, err
	}
	life, err := l.c.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain, e *libvirt.DomainEventLifecycle) {
		if id, err := dom.GetUUIDString(); err == nil {
			l.hub.push(raw{id: id, kind: e.Event, detail: e.Detail})
		}
	})
	if err != nil {
		return nil, err
	}
	removed, err := l.c.DomainEventDeviceRemovedRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain, e *libvirt.DomainEventDeviceRemoved) {
		if id, err := dom.GetUUIDString(); err == nil {
			l.hub.push(raw{id: id, removed: e.DevAlias})
		}
	})
	if err != nil {
		return nil, err
	}
	return func() {
		_ = l.c.DomainEventDeregister(removed)
		_ = l.c.DomainEventDeregister(life)
		_ = l.c.UnregisterCloseCallback()
	}, nil
}

var closeReasons = map[libvirt.ConnectCloseReason]string{
	libvirt.CONNECT_CLOSE_REASON_ERROR:     "an error",
	libvirt.CONNECT_CLOSE_REASON_EOF:       "libvirtd ended",
	libvirt.CONNECT_CLOSE_REASON_KEEPALIVE: "libvirtd does not answer",
	libvirt.CONNECT_CLOSE_REASON_CLIENT:    "closed",
}

// lose marks the connection as of no use.
func (l *link) lose(why string) {
	l.once.Do(func() {
		l.why = why
		close(l.lost)
	})
}

func (l *link) alive() bool {
	select {
	case <-l.lost:
		return false
	default:
	}
	if ok, err := l.c.IsAlive(); err == nil && !ok {
		l.lose("found dead")
		return false
	}
	return true
}
