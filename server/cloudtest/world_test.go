package cloudtest_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// world is a cloud with the image and network of a script, and the client of demo.
type world struct {
	*testing.T
	*cloudtest.Cloud
	ctx context.Context
	cl  cloudtest.Clients
	e   ensured
}

func newWorld(t *testing.T, o cloudtest.Options) *world {
	t.Helper()
	o.CheckLeaks = true
	c := cloudtest.Start(t, o)
	w := &world{T: t, Cloud: c, ctx: withTimeout(t), cl: c.Client(t, "demo")}
	var err error
	if w.e, err = ensure(w.ctx, w.cl, 0); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// create asks for a server on the script's network.
func (w *world) create(name string) (string, error) {
	s, err := servers.Create(w.ctx, w.cl.Compute, servers.CreateOpts{Name: name, ImageRef: w.e.image, FlavorRef: "1",
		Networks: []servers.Network{{UUID: w.e.network}}}, nil).Extract()
	if err != nil {
		return "", err
	}
	return s.ID, nil
}

// active makes a server and waits until it runs.
func (w *world) active(name string) string {
	w.Helper()
	id, err := w.create(name)
	w.must(err)
	w.status(id, "ACTIVE")
	return id
}

// status waits until a server has the status and nothing more is to happen to it.
func (w *world) status(id, want string) compute.Instance {
	w.Helper()
	var i compute.Instance
	w.Eventually(w.T, "server "+id+" "+want, func(r statestore.Reader) bool {
		i, _ = compute.Instances.Get(r, id)
		return i.Status() == want && i.TaskState() == ""
	})
	s, err := servers.Get(w.ctx, w.cl.Compute, id).Extract()
	if err != nil || s.Status != want {
		w.Fatalf("the API says of server %s: %v, %v; want %s", id, s, err, want)
	}
	return i
}

func (w *world) delete(id string) {
	w.Helper()
	w.must(servers.Delete(w.ctx, w.cl.Compute, id).ExtractErr())
	w.Eventually(w.T, "server "+id+" is gone", func(r statestore.Reader) bool {
		_, there := compute.Instances.Get(r, id)
		return !there
	})
}

// host is where a server is.
func (w *world) host(id string) *cloudtest.Host {
	w.Helper()
	r := w.Store().Snapshot()
	i, _ := compute.Instances.Get(r, id)
	h, _ := compute.Hosts.Get(r, i.HostID)
	for _, host := range w.Hosts {
		if host.Name == h.Name {
			return host
		}
	}
	w.Fatalf("server %s is on no host", id)
	return nil
}

// addresses are those of a server's ports, by port, in order.
func (w *world) addresses(id string) (out []netip.Addr) {
	r := w.Store().Snapshot()
	i, _ := compute.Instances.Get(r, id)
	for _, p := range compute.PortsOf(r, i) {
		for _, f := range p.FixedIPs {
			out = append(out, f.Address)
		}
	}
	return out
}

// portsAre waits until all of a server's ports have the status.
func (w *world) portsAre(id string, want network.Status) {
	w.Helper()
	w.Eventually(w.T, "ports of "+id+" "+string(want), func(r statestore.Reader) bool {
		i, ok := compute.Instances.Get(r, id)
		for _, p := range compute.PortsOf(r, i) {
			if p.Status != want {
				return false
			}
		}
		return ok
	})
}

// up waits until a host is up, or down.
func (w *world) up(h *cloudtest.Host, want bool) {
	w.Helper()
	w.Eventually(w.T, "the state of "+h.Name, func(r statestore.Reader) bool {
		row, ok := compute.Hosts.First(r, "name", h.Name)
		return ok && row.Up == want
	})
}

// soon waits for what is true of hosts: they are not state, there is nothing to wait on.
func (w *world) soon(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s did not come", what)
		}
	}
}
