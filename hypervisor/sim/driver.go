package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Options are what a simulated host is; the zero value is a big host in memory.
type Options struct {
	VCPUs     int // 0: 64
	MemoryMiB int // 0: 256 GiB
	DiskGiB   int // 0: 4096

	// Dir, if set, keeps each guest in a file there. It is made if need be. One
	// Driver at a time may use it.
	Dir string

	// Latency tells how long a call of a method takes ("Start", "Ensure", …); nil:
	// no time at all.
	Latency func(method string) time.Duration
	// Clock is what time is told and spent by; nil: the machine's.
	Clock Clock
}

// Clock tells the time and wakes people up.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now().UTC() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Driver is a hypervisor.Driver on one simulated host. Make it with New.
type Driver struct {
	opts    Options
	loadErr error // Options.Dir could not be read: every call returns it

	mu      sync.Mutex
	closed  bool
	guests  map[string]*guest
	foreign map[string]bool
	queues  map[string]*queue
	faults  []*Fault
	deaf    map[string]bool
	streams map[*stream]bool
}

var _ hypervisor.Driver = (*Driver)(nil)

// guest is a record of a guest, as its file keeps it.
type guest struct {
	Guest     hypervisor.Guest
	Power     hypervisor.Power
	ByGuest   bool `json:",omitempty"`
	Serial    uint64
	StartedAt time.Time
	Console   string
}

// New returns the simulated host that o describes, with the guests that
// Options.Dir holds. If Dir can't be used, every method of the driver says so.
func New(o Options) *Driver {
	o.VCPUs = cmp.Or(o.VCPUs, 64)
	o.MemoryMiB = cmp.Or(o.MemoryMiB, 256<<10)
	o.DiskGiB = cmp.Or(o.DiskGiB, 4096)
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	d := &Driver{opts: o, guests: map[string]*guest{}}
	if o.Dir != "" {
		d.guests, d.loadErr = load(o.Dir)
	}
	return d
}

// Fingerprint implements hypervisor.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (f hypervisor.Fingerprint, err error) {
	err = d.call(ctx, "Fingerprint", "", func() error {
		f = hypervisor.Fingerprint{
			Driver: "sim", Version: "1.0.0", Arch: "x86_64", CPUModel: "simulated", VirtTypes: []string{"qemu"},
			VCPUs: d.opts.VCPUs, MemoryMiB: d.opts.MemoryMiB, DiskGiB: d.opts.DiskGiB,
			Capabilities:  map[string]bool{hypervisor.CapHotplugNIC: true},
			HypervisorURI: "sim:///",
		}
		return nil
	})
	return f, err
}

// Ensure implements hypervisor.Driver.
func (d *Driver) Ensure(ctx context.Context, g hypervisor.Guest) error {
	if err := check(g); err != nil {
		return err
	}
	return d.call(ctx, "Ensure", g.ID, func() error {
		if d.foreign[g.ID] {
			return fmt.Errorf("guest %s: a guest with this id was defined by somebody else: %w", g.ID, hypervisor.ErrInvalid)
		}
		next := guest{Power: hypervisor.Off}
		if old := d.guests[g.ID]; old != nil {
			if reflect.DeepEqual(old.Guest, g) {
				return nil
			}
			next = *old
		}
		next.Guest = clone(g)
		return d.put(next)
	})
}

// Start implements hypervisor.Driver.
func (d *Driver) Start(ctx context.Context, id string) error {
	return d.call(ctx, "Start", id, func() error {
		g, err := d.find(id)
		if err != nil || g.Power == hypervisor.Running {
			return err
		}
		return d.put(d.boot(*g))
	})
}

// Stop implements hypervisor.Driver.
func (d *Driver) Stop(ctx context.Context, id string, grace time.Duration) error {
	dying := func() time.Duration { return d.dying(id, grace) }
	return d.slowCall(ctx, "Stop", id, dying, func() error {
		if g := d.guests[id]; g != nil && g.Power != hypervisor.Off {
			return d.put(g.down(hypervisor.Off, false))
		}
		return nil
	})
}

// Reset implements hypervisor.Driver.
func (d *Driver) Reset(ctx context.Context, id string, serial uint64) error {
	return d.call(ctx, "Reset", id, func() error {
		g, err := d.find(id)
		if err != nil || g.Serial == serial {
			return err
		}
		next := *g
		next.Serial = serial
		if g.Power != hypervisor.Running {
			return d.put(d.boot(next))
		}
		next.Console = booted(next)
		return d.put(next)
	})
}

// Destroy implements hypervisor.Driver.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	return d.call(ctx, "Destroy", id, func() error { return d.forget(id) })
}

// List implements hypervisor.Driver.
func (d *Driver) List(ctx context.Context) (all []hypervisor.GuestState, err error) {
	err = d.call(ctx, "List", "", func() error {
		all = make([]hypervisor.GuestState, 0, len(d.guests))
		for _, g := range d.guests {
			all = append(all, g.state())
		}
		return nil
	})
	slices.SortFunc(all, func(a, b hypervisor.GuestState) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

// Console implements hypervisor.Driver.
func (d *Driver) Console(ctx context.Context, id string, most int64) (text []byte, err error) {
	err = d.call(ctx, "Console", id, func() error {
		g, err := d.find(id)
		if err != nil {
			return err
		}
		text = []byte(g.Console)
		if n := int64(len(text)); most > 0 && n > most {
			text = text[n-most:]
		}
		return nil
	})
	return text, err
}

// Stats implements hypervisor.Driver. Its figures follow from the guest's size
// and age.
func (d *Driver) Stats(ctx context.Context, id string) (s hypervisor.Stats, err error) {
	err = d.call(ctx, "Stats", id, func() error {
		g, err := d.find(id)
		if err != nil {
			return err
		}
		if g.Power != hypervisor.Running {
			return fmt.Errorf("guest %s is %s: %w", id, g.Power, hypervisor.ErrNotFound)
		}
		age := max(d.opts.Clock.Now().Sub(g.StartedAt), 0)
		s = hypervisor.Stats{
			CPUTime:   age / 100 * time.Duration(g.Guest.VCPUs),
			MemoryKiB: uint64(g.Guest.MemoryMiB) << 10 / 4,
			DiskReadB: 32 << 20, DiskWrittenB: uint64(age/time.Second) << 10,
		}
		return nil
	})
	return s, err
}

// Close implements hypervisor.Driver.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.cutStreams(errClosed)
	return nil
}

var errClosed = fmt.Errorf("%w: it was closed", hypervisor.ErrUnavailable)

// find returns the guest's record, which the caller must not change. d.mu is
// held.
func (d *Driver) find(id string) (*guest, error) {
	if g := d.guests[id]; g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("guest %s: %w", id, hypervisor.ErrNotFound)
}

// call does one call of a method, after the guest's earlier ones: it spends the
// latency, meets the faults and runs f with d.mu held.
func (d *Driver) call(ctx context.Context, method, id string, f func() error) error {
	return d.slowCall(ctx, method, id, func() time.Duration { return 0 }, f)
}

// slowCall is call with a wait of its own, reckoned when it is the call's turn.
func (d *Driver) slowCall(ctx context.Context, method, id string, wait func() time.Duration, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.loadErr != nil {
		return fmt.Errorf("%w: %w", hypervisor.ErrUnavailable, d.loadErr)
	}
	if id != "" {
		leave, err := d.enter(ctx, id)
		if err != nil {
			return err
		}
		defer leave()
	}
	if err := d.spend(ctx, d.latency(method)+wait()); err != nil {
		return err
	}
	fault := d.take(method, id)
	if fault != nil && fault.Hang {
		return fault.hang(ctx)
	}
	if fault != nil && !fault.After {
		return fault.err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	if err := f(); err != nil || fault == nil {
		return err
	}
	return fault.err()
}

func (d *Driver) latency(method string) time.Duration {
	if d.opts.Latency == nil {
		return 0
	}
	return d.opts.Latency(method)
}

func (d *Driver) spend(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	select {
	case <-d.opts.Clock.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check tells whether a guest can be so.
func check(g hypervisor.Guest) error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(!validID(g.ID), "id %q: want letters, digits and hyphens", g.ID)
	bad(g.VCPUs < 1, "%d vCPUs: want at least 1", g.VCPUs)
	bad(g.MemoryMiB < 1, "%d MiB of memory: want at least 1", g.MemoryMiB)
	bad(g.VirtType != "" && g.VirtType != "qemu", "virt type %q: want qemu", g.VirtType)
	bad(g.Root.SizeBytes < 0, "a root disk of %d bytes", g.Root.SizeBytes)
	seen := map[string]bool{}
	for _, n := range g.NICs {
		bad(n.PortID == "" || seen[n.PortID], "port %q: want each port once, with an id", n.PortID)
		seen[n.PortID] = true
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("guest %s: %w: %w", g.ID, hypervisor.ErrInvalid, errors.Join(errs...))
}

// validID tells whether an id can be a file's name.
func validID(id string) bool {
	for _, c := range []byte(id) {
		ok := c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !ok {
			return false
		}
	}
	return id != "" && len(id) <= 64
}
