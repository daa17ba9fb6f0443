//go:build cgo

package libvirt

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Options say which libvirt a driver speaks with, and how.
type Options struct {
	// URI of libvirt; empty: qemu:///system.
	URI string
	// VirtType is auto, kvm or qemu; empty: auto. With auto KVM is used if it
	// proves to run guests; with kvm Fingerprint fails if it does not.
	VirtType string
	// Dir is the directory below which guests' files are: its file system is
	// the fingerprint's disk, and a scratch file of the proof of KVM lives there
	// for a moment. It must be there, and absolute.
	Dir string
	Log *slog.Logger // nil: none
}

// Driver is the hypervisor.Driver of libvirt.
type Driver struct {
	o      Options
	guests locks

	mu      sync.Mutex // guards what follows; held for moments only
	link    *link      // nil: none yet
	dialing *dialing   // nil: none under way
	closed  bool
	known   map[string]bool // ids of guests of ours, as far as seen

	virt virtProof
}

var _ hypervisor.Driver = (*Driver)(nil)

// New makes a driver. It connects when it is first used, and again whenever the
// connection was lost.
func New(o Options) (*Driver, error) {
	if o.URI == "" {
		o.URI = "qemu:///system"
	}
	if o.VirtType == "" {
		o.VirtType = virtAuto
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.VirtType != virtAuto && o.VirtType != virtKVM && o.VirtType != virtQEMU:
		return nil, fmt.Errorf("virt type %q is not auto, kvm or qemu", o.VirtType)
	case !filepath.IsAbs(o.Dir):
		return nil, fmt.Errorf("directory %q is not an absolute path", o.Dir)
	}
	if err := startEventLoop(); err != nil {
		return nil, fmt.Errorf("libvirt's event loop: %w", err)
	}
	sweepProofs(o.Dir)
	return &Driver{o: o, known: map[string]bool{}}, nil
}

// Close as the contract has it. Calls under way are let finish.
func (d *Driver) Close() error {
	d.mu.Lock()
	l := d.link
	d.closed, d.link = true, nil
	d.mu.Unlock()
	if l != nil {
		l.lose("the driver is closed")
		<-l.gone
	}
	return nil
}

// do runs f on a connection, with the guest's lock if id is not empty. When ctx
// ends do returns, but f goes on to its end.
func (d *Driver) do(ctx context.Context, id string, f func(l *link) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- d.locked(ctx, id, f) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Driver) locked(ctx context.Context, id string, f func(l *link) error) error {
	if id != "" {
		unlock, err := d.guests.lock(ctx, id)
		if err != nil {
			return err
		}
		defer unlock()
	}
	l, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer l.users.Done()
	return l.explain(f(l))
}

// know notes that a guest is ours, for when its last events come after its
// definition has gone.
func (d *Driver) know(id string, ours bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ours {
		d.known[id] = true
	} else {
		delete(d.known, id)
	}
}

func (d *Driver) knows(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[id]
}
