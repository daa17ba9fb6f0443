package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Fault is what goes wrong with the next calls that it matches.
type Fault struct {
	Method string // "Start", "Ensure", …; empty: any
	ID     string // of the guest; empty: any call
	Times  int    // how many calls it meets; 0: 1, negative: all until ClearFaults
	Err    error  // what the call returns; nil: one that wraps hypervisor.ErrUnavailable
	// Hang has the call wait until its ctx ends, or for ClearFaults; it then does
	// nothing.
	Hang bool
	// After has the call do its work before it fails, as if the answer was lost.
	After bool

	cleared chan struct{}
}

// Inject has calls fail from now on. Of several faults that match a call, the
// first injected meets it.
func (d *Driver) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	f.cleared = make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &f)
}

// ClearFaults takes all faults back; calls that hang fail.
func (d *Driver) ClearFaults() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		close(f.cleared)
	}
	d.faults = nil
}

// take returns the fault that the call meets, or nil.
func (d *Driver) take(method, id string) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, f := range d.faults {
		if f.Times == 0 || f.Method != "" && f.Method != method || f.ID != "" && f.ID != id {
			continue
		}
		if f.Times--; f.Times == 0 && !f.Hang { // what hangs is kept, for ClearFaults to wake it
			d.faults = slices.Delete(d.faults, i, i+1)
		}
		return f
	}
	return nil
}

func (f *Fault) err() error {
	if f.Err != nil {
		return f.Err
	}
	return fmt.Errorf("injected: %w", hypervisor.ErrUnavailable)
}

func (f *Fault) hang(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.cleared:
		return f.err()
	}
}

// PowerOff has a running guest shut itself down.
func (d *Driver) PowerOff(id string) error { return d.fall(id, hypervisor.Off, true) }

// Crash has a running guest crash.
func (d *Driver) Crash(id string) error { return d.fall(id, hypervisor.Crashed, false) }

// fall has a running guest stop running by itself.
func (d *Driver) fall(id string, p hypervisor.Power, byGuest bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, err := d.find(id)
	if err != nil {
		return err
	}
	if g.Power != hypervisor.Running {
		return fmt.Errorf("guest %s is %s", id, g.Power)
	}
	return d.put(g.down(p, byGuest))
}

// Restart restarts the host: all guests are off, their definitions stay, and
// Events ends, as a connection to it would.
func (d *Driver) Restart() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutStreams(fmt.Errorf("%w: the host restarts", hypervisor.ErrUnavailable))
	for _, g := range d.guests {
		if g.Power == hypervisor.Off {
			continue
		}
		if err := d.put(g.down(hypervisor.Off, false)); err != nil {
			return err
		}
	}
	return nil
}

// Deafen has a guest take no notice of being asked to shut down, or heed it
// again: Stop then cuts it off when grace has passed.
func (d *Driver) Deafen(id string, deaf bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deaf == nil {
		d.deaf = map[string]bool{}
	}
	d.deaf[id] = deaf
}

// dying is how long the guest takes to stop that is given grace.
func (d *Driver) dying(id string, grace time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if g := d.guests[id]; d.deaf[id] && g != nil && g.Power == hypervisor.Running {
		return grace
	}
	return 0
}

// AddForeign puts a guest on the host that the driver did not define.
func (d *Driver) AddForeign(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.foreign == nil {
		d.foreign = map[string]bool{}
	}
	d.foreign[id] = true
}

// HasForeign tells whether a guest of AddForeign is there still.
func (d *Driver) HasForeign(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.foreign[id]
}
