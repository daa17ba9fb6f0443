package cloudtest_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func (w *world) boots(id string) int {
	w.Helper()
	text, err := servers.ShowConsoleOutput(w.ctx, w.cl.Compute, id, servers.ShowConsoleOutputOpts{}).Extract()
	w.must(err)
	return strings.Count(text, "Linux version")
}

func TestPowerThroughTheAPI(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	id := w.active("a")
	w.portsAre(id, network.Active)
	w.must(servers.Stop(w.ctx, w.cl.Compute, id).ExtractErr())
	w.status(id, "SHUTOFF")
	w.portsAre(id, network.Down)
	if w.Hosts[0].Running(id) {
		t.Error("its guest runs")
	}
	if err := servers.Stop(w.ctx, w.cl.Compute, id).ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		t.Errorf("stopping it again: %v", err)
	}
	w.must(servers.Start(w.ctx, w.cl.Compute, id).ExtractErr())
	w.status(id, "ACTIVE")
	w.portsAre(id, network.Active)
	for n, how := range []servers.RebootMethod{servers.SoftReboot, servers.HardReboot} {
		w.must(servers.Reboot(w.ctx, w.cl.Compute, id, servers.RebootOpts{Type: how}).ExtractErr())
		w.status(id, "ACTIVE")
		if boots := w.boots(id); boots != 3+n {
			t.Errorf("after a %s reboot it has booted %d times, want %d", how, boots, 3+n)
		}
	}
	w.must(servers.Stop(w.ctx, w.cl.Compute, id).ExtractErr())
	w.status(id, "SHUTOFF")
	w.must(servers.Reboot(w.ctx, w.cl.Compute, id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr())
	w.status(id, "ACTIVE")
	w.delete(id)
}

func TestGuestPowersItselfOff(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	id := w.active("a")
	for _, fall := range []func(string) error{w.Hosts[0].Driver.PowerOff, w.Hosts[0].Driver.Crash} {
		w.must(fall(id))
		w.status(id, "SHUTOFF")
		w.portsAre(id, network.Down)
		w.must(w.Restart()) // nobody starts it
		w.cl = w.Client(t, "demo")
		w.status(id, "SHUTOFF")
		w.must(servers.Start(w.ctx, w.cl.Compute, id).ExtractErr())
		w.status(id, "ACTIVE")
	}
}

func TestConsoleOutput(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	id := w.active("web")
	text, err := servers.ShowConsoleOutput(w.ctx, w.cl.Compute, id, servers.ShowConsoleOutputOpts{Length: 2}).Extract()
	if err != nil || !strings.HasSuffix(text, "web login: ") || strings.Contains(text, "Linux version") {
		t.Errorf("the last lines of the console are %q, %v", text, err)
	}
	w.Hosts[0].StopHost()
	_, err = servers.ShowConsoleOutput(w.ctx, w.cl.Compute, id, servers.ShowConsoleOutputOpts{}).Extract()
	if err == nil {
		t.Error("a host that is away tells a console")
	}
	w.RunHost(w.Hosts[0], nil)
}

func TestHostReboots(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	runs, off := w.active("runs"), w.active("off")
	w.must(servers.Stop(w.ctx, w.cl.Compute, off).ExtractErr())
	w.status(off, "SHUTOFF")
	before := w.addresses(runs)
	for name, reboot := range map[string]func(h *cloudtest.Host){
		"the agent lives":    func(h *cloudtest.Host) { w.must(h.Driver.Restart()) },
		"all of it restarts": func(h *cloudtest.Host) { h.StopHost(); w.must(h.Driver.Restart()); w.RunHost(h, nil) },
		"without the server": func(*cloudtest.Host) {
			w.Stop()
			w.must(w.Hosts[0].Driver.Restart())
			w.must(w.Cloud.Run())
			w.cl = w.Client(t, "demo")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := w.Hosts[0]
			reboot(h)
			w.soon("it runs", func() bool { return h.Running(runs) })
			w.status(runs, "ACTIVE")
			if now := w.addresses(runs); !slices.Equal(now, before) || len(now) != 1 {
				t.Errorf("it had the addresses %v and has %v", before, now)
			}
			w.portsAre(runs, network.Active)
			w.status(off, "SHUTOFF")
			if h.Running(off) {
				t.Error("a server that was stopped was started")
			}
		})
	}
}

// A server is deleted while its host is down; when the host comes back nothing of
// it is left there.
func TestDeleteWhileHostIsDown(t *testing.T) {
	w := newWorld(t, cloudtest.Options{Hosts: 2, Grace: 20 * time.Millisecond})
	a, b := w.active("a"), w.active("b")
	h := w.host(a)
	h.StopHost()
	w.up(h, false)
	w.delete(a)
	if !h.Running(a) {
		t.Fatal("the guest does not run on while its agent is away")
	}
	w.RunHost(h, nil)
	w.up(h, true)
	w.soon("the guest is gone", func() bool {
		guests, _ := h.Driver.List(w.ctx)
		return len(guests) == 0 || w.host(b) == h && len(guests) == 1
	})
	w.status(b, "ACTIVE")
}

// A host goes down for good while it deletes: nobody waits for it.
func TestHostGoesDownWhileItDeletes(t *testing.T) {
	w := newWorld(t, cloudtest.Options{Grace: 20 * time.Millisecond})
	id := w.active("a")
	h := w.Hosts[0]
	h.Driver.Inject(sim.Fault{Method: "Destroy", Times: -1, Hang: true})
	w.must(servers.Delete(w.ctx, w.cl.Compute, id).ExtractErr())
	if s, err := servers.Get(w.ctx, w.cl.Compute, id).Extract(); err != nil || s.TaskState != "deleting" {
		t.Fatalf("the server is %+v, %v", s, err)
	}
	h.StopHost()
	w.Eventually(t, "the server is gone", func(r statestore.Reader) bool {
		return compute.Instances.Len(r) == 0 && network.Ports.Count(r, "network", w.e.network) == 1
	})
	h.Driver.ClearFaults()
	w.RunHost(h, nil)
	w.up(h, true)
}

func TestInterfaces(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	id := w.active("a")
	n, err := networks.Create(w.ctx, w.cl.Network, networks.CreateOpts{Name: "second"}).Extract()
	w.must(err)
	_, err = subnets.Create(w.ctx, w.cl.Network, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.8.0.0/24", IPVersion: gophercloud.IPv4}).Extract()
	w.must(err)
	own, err := ports.Create(w.ctx, w.cl.Network, ports.CreateOpts{NetworkID: n.ID}).Extract()
	w.must(err)
	nics := func() int {
		guests, err := w.Hosts[0].Driver.List(w.ctx)
		w.must(err)
		return len(guests[0].NICs)
	}
	attach := func(opts attachinterfaces.CreateOpts) string {
		t.Helper()
		i, err := attachinterfaces.Create(w.ctx, w.cl.Compute, id, opts).Extract()
		w.must(err)
		return i.PortID
	}
	for _, running := range []bool{true, false} {
		made := attach(attachinterfaces.CreateOpts{NetworkID: n.ID})
		attach(attachinterfaces.CreateOpts{PortID: own.ID})
		w.soon("three cards", func() bool { return nics() == 3 })
		if running {
			w.portsAre(id, network.Active)
		}
		w.must(attachinterfaces.Delete(w.ctx, w.cl.Compute, id, made).ExtractErr())
		w.must(attachinterfaces.Delete(w.ctx, w.cl.Compute, id, own.ID).ExtractErr())
		w.soon("one card and one network", func() bool {
			nets, err := w.Hosts[0].Switch.List(w.ctx)
			return err == nil && nics() == 1 && len(nets) == 1 && len(nets[0].Ports) == 1
		})
		if err := ports.Get(w.ctx, w.cl.Network, made).Err; !missing(err) {
			t.Errorf("the port that the attachment made: %v", err)
		}
		if p, err := ports.Get(w.ctx, w.cl.Network, own.ID).Extract(); err != nil || p.DeviceID != "" || p.Status != "DOWN" {
			t.Errorf("the port of the user's own is %+v, %v", p, err)
		}
		if running {
			w.must(servers.Stop(w.ctx, w.cl.Compute, id).ExtractErr())
			w.status(id, "SHUTOFF")
		}
	}
	w.must(ports.Delete(w.ctx, w.cl.Network, own.ID).ExtractErr())
	w.must(networks.Delete(w.ctx, w.cl.Network, n.ID).ExtractErr())
	w.must(servers.Start(w.ctx, w.cl.Compute, id).ExtractErr())
	w.status(id, "ACTIVE")
	w.portsAre(id, network.Active)
}

func TestStartsThatFail(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	h := w.Hosts[0]
	h.Driver.Inject(sim.Fault{Method: "Start", Times: -1, Err: errors.New("no such machine type")})
	h.Driver.Inject(sim.Fault{Method: "Reset", Times: -1, Err: errors.New("no such machine type")})
	id, err := w.create("a")
	w.must(err)
	failed := func() {
		t.Helper()
		w.status(id, "ERROR")
		s, err := servers.Get(w.ctx, w.cl.Compute, id).Extract()
		if err != nil || s.Fault.Code != 500 || !strings.Contains(s.Fault.Message, "no such machine type") {
			t.Errorf("the fault is %+v, %v", s.Fault, err)
		}
	}
	failed()
	w.must(servers.Reboot(w.ctx, w.cl.Compute, id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr())
	failed()
	h.Driver.ClearFaults()
	w.must(servers.Reboot(w.ctx, w.cl.Compute, id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr())
	w.status(id, "ACTIVE")
	if s, err := servers.Get(w.ctx, w.cl.Compute, id).Extract(); err != nil || s.Fault.Message != "" {
		t.Errorf("a server that runs has the fault %+v, %v", s.Fault, err)
	}
	w.must(h.Driver.PowerOff(id))
	w.status(id, "SHUTOFF")
	h.Driver.Inject(sim.Fault{Method: "Start", Err: errors.New("no such machine type")}) // once
	w.must(servers.Start(w.ctx, w.cl.Compute, id).ExtractErr())
	w.status(id, "ACTIVE") // its host tries again by itself
	w.delete(id)
}

func TestStopThatFails(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	id := w.active("a")
	w.Hosts[0].Driver.Inject(sim.Fault{Method: "Stop", Times: 1, Err: errors.New("it is stuck")})
	w.must(servers.Stop(w.ctx, w.cl.Compute, id).ExtractErr())
	w.status(id, "SHUTOFF") // at the second attempt
	if w.Hosts[0].Running(id) {
		t.Error("its guest runs")
	}
}

// What fails for a moment shows to nobody.
func TestFaultsThatPass(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	for n, method := range []string{"Ensure", "Start", "List", "Destroy"} {
		w.Hosts[0].Driver.Inject(sim.Fault{Method: method, After: n%2 == 0})
	}
	id := w.active("a")
	w.delete(id)
	w.soon("nothing is left", func() bool { return len(w.Leaks(w.Store().Snapshot())) == 0 })
	if got := fmt.Sprint(w.Leaks(w.Store().Snapshot())); got != "[]" {
		t.Error(got)
	}
}
