package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/node"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// Password is that of the users admin and demo.
const Password = "a-test-password"

// Options say what a test's cloud is.
type Options struct {
	Hosts int         // 0: one; -1: none
	Host  sim.Options // what each is
	// Engine wraps the engine of each start: to cut it off at a commit. May be nil.
	Engine func(statestore.Engine) statestore.Engine
	// OnFatal is called when the state can no longer be kept; nil: the test fails.
	OnFatal func(error)
	Clock   cloud.Clock
	// Stores are the ids of stores of images beside the first, which is file.
	Stores []string
	// Locations lets users see and set where images' bytes are.
	Locations bool
	// FetchAllow are networks that images may be fetched from though they are not public.
	FetchAllow []netip.Prefix
	// Grace is how long a host may be away before it is marked down; 0: an hour, so
	// that a slow machine marks none down.
	Grace time.Duration
	// CheckLeaks deletes nothing, but fails the test if at its end something is on a
	// host that no row accounts for.
	CheckLeaks bool
	LimitModel identity.LimitModel // empty: flat
	Log        io.Writer           // nil: nothing is logged
}

// Host is one simulated machine. It outlives the cloud's processes.
type Host struct {
	Name   string
	Driver *sim.Driver
	Switch *fake.Switch
	dir    string
	stop   context.CancelFunc
	done   chan struct{}
}

// Cloud is a running cloud.
type Cloud struct {
	URL   string // of the API: http://127.0.0.1:port
	Disk  *storetest.Disk
	Hosts []*Host

	o      Options
	dir    string
	mu     sync.Mutex
	server *node.Server
	stop   context.CancelFunc
	done   chan struct{}
}

// Start starts a cloud that is seeded as DevStack's, and returns when it is ready.
// It ends with the test.
func Start(t testing.TB, o Options) *Cloud {
	t.Helper()
	c, err := Open(o)
	if err != nil {
		t.Fatalf("cloudtest: %v", err)
	}
	t.Cleanup(func() {
		if o.CheckLeaks && !t.Failed() {
			c.checkLeaks(t)
		}
		c.Close()
	})
	return c
}

// Open is Start for a program that is no test. Close the cloud.
func Open(o Options) (*Cloud, error) {
	if o.Hosts == 0 {
		o.Hosts = 1
	}
	if o.Grace == 0 {
		o.Grace = time.Hour
	}
	if o.Clock == nil {
		o.Clock = cloud.RealClock{}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	dir, err := os.MkdirTemp("", "cloudtest")
	if err != nil {
		return nil, err
	}
	c := &Cloud{o: o, dir: dir, Disk: storetest.NewDisk()}
	for n := range max(o.Hosts, 0) {
		name := fmt.Sprintf("host-%d", n+1)
		c.Hosts = append(c.Hosts, &Host{Name: name, Driver: sim.New(o.Host), Switch: fake.New(), dir: filepath.Join(dir, name)})
	}
	if err := c.Run(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Run starts server and agents on what disk and hosts hold, at the address of the
// first start, and returns when the cloud is ready.
func (c *Cloud) Run() error {
	engine, err := c.Disk.Open()
	if err != nil {
		return err
	}
	if c.o.Engine != nil {
		engine = c.o.Engine(engine)
	}
	listen := "127.0.0.1:0"
	if c.URL != "" {
		listen = c.URL[len("http://"):]
	}
	log := slog.New(slog.NewTextHandler(c.o.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	failed := make(chan error, 2+len(c.Hosts))
	onFatal := func(err error) {
		failed <- err
		if c.o.OnFatal == nil {
			panic(fmt.Sprintf("cloudtest: the state can no longer be kept: %v", err))
		}
		c.o.OnFatal(err)
	}
	stores := map[string]string{}
	for _, id := range c.o.Stores {
		stores[id] = filepath.Join(c.dir, "stores", id)
	}
	server, err := node.OpenServer(context.Background(), node.ServerOptions{DataDir: filepath.Join(c.dir, "server"), Listen: listen, Region: "RegionOne",
		Version: "test", Seed: true, AdminPassword: Password, LocalHosts: len(c.Hosts), Clock: c.o.Clock, Log: log, Engine: engine, Grace: c.o.Grace, OnFatal: onFatal,
		ImageStores: stores, ImageLocations: c.o.Locations, FetchAllow: c.o.FetchAllow,
		Identity: identity.Settings{LimitModel: c.o.LimitModel}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	c.mu.Lock()
	c.server, c.stop, c.done, c.URL = server, cancel, done, server.BaseURL()
	c.mu.Unlock()
	go func() {
		defer close(done)
		if err := server.Serve(ctx); !errors.Is(err, context.Canceled) {
			failed <- err
		}
	}()
	for _, h := range c.Hosts {
		c.RunHost(h, failed)
	}
	select {
	case <-server.Ready():
		return nil
	case err := <-failed:
		return err
	case <-time.After(time.Minute):
		return errors.New("the cloud was not ready after a minute")
	}
}

// RunHost starts a host's agent. failed, if not nil, is told if it ends by itself.
func (c *Cloud) RunHost(h *Host, failed chan<- error) {
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.done = cancel, make(chan struct{})
	log := slog.New(slog.NewTextHandler(c.o.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func(done chan struct{}) {
		defer close(done)
		err := node.RunLocalHost(ctx, c.Server(), node.HostOptions{Name: h.Name, Zone: "nova", DataDir: h.dir, Driver: "sim", VirtType: "auto",
			Hypervisor: h.Driver, Switch: h.Switch, Version: "test", Clock: c.o.Clock, Log: log})
		if err != nil && failed != nil {
			failed <- err
		}
	}(h.done)
}

// StopHost stops a host's agent; its guests run on.
func (h *Host) StopHost() {
	if h.stop != nil {
		h.stop()
		<-h.done
		h.stop = nil
	}
}

// Server is the cloud's server.
func (c *Cloud) Server() *node.Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// Store is the cloud's state.
func (c *Cloud) Store() *statestore.Store { return c.Server().Store() }

// Stop stops server and agents; disk and hosts stay.
func (c *Cloud) Stop() {
	c.mu.Lock()
	server, stop, done := c.server, c.stop, c.done
	c.server, c.stop = nil, nil
	c.mu.Unlock()
	for _, h := range c.Hosts {
		h.StopHost()
	}
	if stop != nil {
		stop()
		<-done
		server.Close()
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // they would be used once more, at the next start
}

// Restart stops the cloud and runs it again.
func (c *Cloud) Restart() error {
	c.Stop()
	return c.Run()
}

// PowerCut stops the cloud and leaves on its disk only what was synced. Guests run on.
func (c *Cloud) PowerCut() error {
	c.Disk.PowerCycle()
	c.Stop()
	return c.Run()
}

// Close ends the cloud and removes its files.
func (c *Cloud) Close() {
	c.Stop()
	for _, h := range c.Hosts {
		h.Driver.Close()
		h.Switch.Close()
	}
	os.RemoveAll(c.dir)
}
