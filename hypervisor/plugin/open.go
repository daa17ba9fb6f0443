package plugin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Options say which program a driver is in.
type Options struct {
	Path string   // the program
	Args []string // without the program's name
	// Env is added to this process's environment.
	Env []string
	// Log gets what happens to the program and what it logs; nil: nobody.
	Log *slog.Logger
	// Stderr gets the program's standard error as it is; nil: nobody.
	Stderr io.Writer
}

// client is a hypervisor.Driver in another process.
type client struct {
	opts Options

	mu     sync.Mutex
	closed bool
	cur    *process // the newest; nil if the next call is to start one

	ending sync.WaitGroup // processes that died or were started in vain
}

var _ hypervisor.Driver = (*client)(nil)

var errClosed = fmt.Errorf("%w: it was closed", hypervisor.ErrUnavailable)

// openTries bounds how often Open starts a program that is killed meanwhile.
const openTries = 5

// Open starts the program and returns the driver that it serves. Whenever the
// program has ended, the next call of a method starts it anew. ctx ends the
// waiting for the first start. Close ends the program. A program that ends by
// itself before it serves is an error; one that somebody kills is started again.
func Open(ctx context.Context, o Options) (hypervisor.Driver, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	sweepDirs()
	c := &client{opts: o}
	for try := 1; ; try++ {
		began := time.Now()
		p, err := c.process(ctx)
		if err == nil {
			return c, nil
		}
		c.ending.Wait()
		if try == openTries || p == nil || !p.killed() || time.Since(began) >= startLimit {
			c.Close()
			return nil, err
		}
		o.Log.Warn("the driver's program was killed while it started; starting it again", "program", o.Path)
	}
}

// Close implements hypervisor.Driver: it ends the program and waits until it has
// ended. Calls under way fail with ErrUnavailable.
func (c *client) Close() error {
	c.mu.Lock()
	p := c.cur
	c.closed, c.cur = true, nil
	c.mu.Unlock()
	if p != nil {
		p.end()
	}
	c.ending.Wait()
	return nil
}

// process returns the program that serves calls now; it starts one if need be. With
// an error it returns the program that did not start, or nil.
func (c *client) process(ctx context.Context) (*process, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, errClosed
	}
	if c.cur != nil && c.cur.exited() {
		c.discard(c.cur)
	}
	if c.cur == nil {
		c.cur = start(c.opts)
	}
	p := c.cur
	c.mu.Unlock()

	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ready:
	}
	if p.err != nil {
		c.lost(p)
		return p, fmt.Errorf("%w: starting %s: %w", hypervisor.ErrUnavailable, c.opts.Path, p.err)
	}
	return p, nil
}

// lost has the next call start a new program instead of p.
func (c *client) lost(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur == p {
		c.discard(p)
	}
}

// discard ends the newest program. c.mu is held.
func (c *client) discard(p *process) {
	c.cur = nil
	c.ending.Go(p.end)
}

// do makes one call, in words of the driver's contract.
func (c *client) do(ctx context.Context, call func(p *process) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := c.process(ctx)
	if err != nil {
		return err
	}
	err = call(p)
	if err == nil {
		return nil
	}
	lost, err := fromStatus(ctx, err)
	if lost {
		c.lost(p)
	}
	return err
}
