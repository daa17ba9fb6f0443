package plugin

import (
	"context"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin/driverpb"
)

// Fingerprint implements hypervisor.Driver.
func (c *client) Fingerprint(ctx context.Context) (f hypervisor.Fingerprint, err error) {
	err = c.do(ctx, func(p *process) error {
		r, err := p.rpc.Fingerprint(ctx, &driverpb.FingerprintRequest{})
		if err == nil {
			f = fingerprintFromWire(r)
		}
		return err
	})
	return f, err
}

// Ensure implements hypervisor.Driver.
func (c *client) Ensure(ctx context.Context, g hypervisor.Guest) error {
	return c.do(ctx, func(p *process) error {
		_, err := p.rpc.Ensure(ctx, &driverpb.EnsureRequest{Guest: guestToWire(g)})
		return err
	})
}

// Start implements hypervisor.Driver.
func (c *client) Start(ctx context.Context, id string) error {
	return c.do(ctx, func(p *process) error {
		_, err := p.rpc.Start(ctx, &driverpb.StartRequest{Id: id})
		return err
	})
}

// Stop implements hypervisor.Driver.
func (c *client) Stop(ctx context.Context, id string, grace time.Duration) error {
	return c.do(ctx, func(p *process) error {
		_, err := p.rpc.Stop(ctx, &driverpb.StopRequest{Id: id, GraceNs: int64(grace)})
		return err
	})
}

// Reset implements hypervisor.Driver.
func (c *client) Reset(ctx context.Context, id string, serial uint64) error {
	return c.do(ctx, func(p *process) error {
		_, err := p.rpc.Reset(ctx, &driverpb.ResetRequest{Id: id, Serial: serial})
		return err
	})
}

// Destroy implements hypervisor.Driver.
func (c *client) Destroy(ctx context.Context, id string) error {
	return c.do(ctx, func(p *process) error {
		_, err := p.rpc.Destroy(ctx, &driverpb.DestroyRequest{Id: id})
		return err
	})
}

// List implements hypervisor.Driver.
func (c *client) List(ctx context.Context) (all []hypervisor.GuestState, err error) {
	err = c.do(ctx, func(p *process) error {
		r, err := p.rpc.List(ctx, &driverpb.ListRequest{})
		for _, g := range r.GetGuests() {
			all = append(all, stateFromWire(g))
		}
		return err
	})
	return all, err
}

// Events implements hypervisor.Driver.
func (c *client) Events(ctx context.Context, fn func(hypervisor.Event)) error {
	return c.do(ctx, func(p *process) error {
		ctx, cancel := context.WithCancel(ctx) // ends the stream, however this returns
		defer cancel()
		stream, err := p.rpc.Events(ctx, &driverpb.EventsRequest{})
		for err == nil {
			var e *driverpb.Event
			if e, err = stream.Recv(); err == nil {
				fn(eventFromWire(e))
			}
		}
		return err
	})
}

// Console implements hypervisor.Driver.
func (c *client) Console(ctx context.Context, id string, most int64) (text []byte, err error) {
	err = c.do(ctx, func(p *process) error {
		r, err := p.rpc.Console(ctx, &driverpb.ConsoleRequest{Id: id, Max: most})
		text = r.GetText()
		return err
	})
	return text, err
}

// Stats implements hypervisor.Driver.
func (c *client) Stats(ctx context.Context, id string) (s hypervisor.Stats, err error) {
	err = c.do(ctx, func(p *process) error {
		r, err := p.rpc.Stats(ctx, &driverpb.StatsRequest{Id: id})
		if err == nil {
			s = statsFromWire(r)
		}
		return err
	})
	return s, err
}
