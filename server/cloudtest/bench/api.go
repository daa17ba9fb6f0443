package main

import (
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// startup measures from the start of cloudlet dev, on an empty directory, to the
// first token; against the start of a process that does nothing.
func (b *bench) startup() error {
	n := 0
	d, err := median(5, func() error {
		n++
		c, err := b.start(fmt.Sprintf("start-%d", n))
		if err != nil {
			return err
		}
		defer c.Stop()
		return c.Login()
	})
	if err != nil {
		return err
	}
	floor, err := median(5, func() error { return b.version() })
	if err != nil {
		return err
	}
	b.add("start to first token", d, 500*time.Millisecond, "cloudlet version", floor)
	return nil
}

// api measures calls and creates on one cloud.
func (b *bench) api() error {
	c, err := b.start("api")
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Login(); err != nil {
		return err
	}
	w, err := c.prepare()
	if err != nil {
		return err
	}
	select { // idle is what it is when nobody has asked for a while
	case <-time.After(3 * time.Second):
	case <-b.ctx.Done():
	}
	idle, err := c.resident()
	if err != nil {
		return err
	}
	b.addSize("resident memory, idle", idle, 60e6)
	if err := b.creates(c, w); err != nil {
		return err
	}
	if err := b.reads(c); err != nil {
		return err
	}
	if err := together(c, w, "fill", 800, 10); err != nil {
		return err
	}
	full, err := c.resident()
	if err != nil {
		return err
	}
	b.addSize("resident memory, after 1,000 instances", full, 150e6)
	return nil
}

// creates measures 100 creates one after another, then 100 by 10 clients.
func (b *bench) creates(c *cloud, w world) error {
	floor, err := b.fsyncFloor()
	if err != nil {
		return err
	}
	n := 0
	d, err := median(100, func() error {
		n++
		return c.create(w, fmt.Sprintf("one-%d", n))
	})
	if err != nil {
		return err
	}
	b.add("one create → ACTIVE, p50", d, 20*time.Millisecond, "synced write of 4 KiB", floor)
	start := time.Now()
	if err := together(c, w, "many", 100, 10); err != nil {
		return err
	}
	b.add("100 creates by 10 clients until all ACTIVE", time.Since(start), time.Second, "100 × one after another", 100*d)
	return nil
}

// together makes servers with several clients at once and returns when all are ACTIVE.
func together(c *cloud, w world, name string, servers, clients int) error {
	var g errgroup.Group
	g.SetLimit(clients)
	for n := range servers {
		g.Go(func() error { return c.create(w, fmt.Sprintf("%s-%d", name, n)) })
	}
	return g.Wait()
}

// reads measures calls that read, against a call that does nothing.
func (b *bench) reads(c *cloud) error {
	get := func(path string) func() error {
		return func() error { _, err := c.call("GET", path, nil, nil, "X-Subject-Token", c.Token); return err }
	}
	floor, err := median(500, get("/healthz"))
	if err != nil {
		return err
	}
	d, err := median(500, get("/identity/v3/auth/tokens"))
	if err != nil {
		return err
	}
	b.add("token validation, p50", d, 200*time.Microsecond, "GET /healthz", floor)
	if d, err = median(100, get("/compute/v2.1/servers/detail?limit=100")); err != nil {
		return err
	}
	b.add("GET /servers/detail of 100, p50", d, 3*time.Millisecond, "GET /healthz", floor)
	return nil
}
