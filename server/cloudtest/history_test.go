package cloudtest_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
)

var seed = flag.Uint64("seed", 0, "of TestOneHistory; 0: a new one")

// op is one step of a script, on the server with a name.
type op struct{ what, name string }

func (o op) String() string { return o.what + " " + o.name }

// model is what a script has made: the status of each server by its name, and how
// many ports it has.
type model struct {
	status map[string]string
	ports  map[string]int
}

// possible are the operations that the model allows now.
func (m model) possible() (all []op) {
	for n := range 4 {
		name := fmt.Sprintf("s%d", n)
		can := func(what ...string) {
			for _, w := range what {
				all = append(all, op{w, name})
			}
		}
		switch m.status[name] {
		case "":
			can("create", "create", "create")
			continue
		case "ACTIVE":
			can("stop", "soft", "hard", "poweroff", "crash")
		case "SHUTOFF":
			can("start", "start", "hard")
		}
		can("rename", "delete")
		if m.ports[name] < 3 {
			can("attach")
		}
		if m.ports[name] > 0 {
			can("detach")
		}
	}
	return all
}

// after brings the model up to date.
func (m model) after(o op) {
	switch o.what {
	case "create", "start", "soft", "hard":
		m.status[o.name] = "ACTIVE"
	case "stop", "poweroff", "crash":
		m.status[o.name] = "SHUTOFF"
	}
	switch o.what {
	case "create", "attach":
		m.ports[o.name]++
	case "detach":
		m.ports[o.name]--
	case "delete":
		delete(m.status, o.name)
		delete(m.ports, o.name)
	}
}

// script is a list of operations that are possible one after another.
func script(rng *rand.Rand, length int) (ops []op) {
	m := model{map[string]string{}, map[string]int{}}
	for range length {
		all := m.possible()
		o := all[rng.IntN(len(all))]
		m.after(o)
		ops = append(ops, o)
	}
	return ops
}

// player plays a script on a cloud.
type player struct {
	*world
	m       model
	ids     map[string]string // by name
	disturb func()            // between what is asked for and its end
}

func (p *player) play(o op) {
	p.Helper()
	c, id := p.cl.Compute, p.ids[o.name]
	var err error
	switch o.what {
	case "create":
		p.ids[o.name], err = p.create(o.name)
	case "delete":
		err = servers.Delete(p.ctx, c, id).ExtractErr()
	case "stop":
		err = servers.Stop(p.ctx, c, id).ExtractErr()
	case "start":
		err = servers.Start(p.ctx, c, id).ExtractErr()
	case "soft":
		err = servers.Reboot(p.ctx, c, id, servers.RebootOpts{Type: servers.SoftReboot}).ExtractErr()
	case "hard":
		err = servers.Reboot(p.ctx, c, id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr()
	case "rename":
		_, err = servers.UpdateMetadata(p.ctx, c, id, servers.MetadataOpts{"renamed": fmt.Sprint(p.m.status[o.name], p.m.ports[o.name])}).Extract()
	case "attach":
		_, err = attachinterfaces.Create(p.ctx, c, id, attachinterfaces.CreateOpts{NetworkID: p.e.network}).Extract()
	case "detach":
		i, _ := compute.Instances.Get(p.Store().Snapshot(), id)
		err = attachinterfaces.Delete(p.ctx, c, id, i.NICs[len(i.NICs)-1].PortID).ExtractErr()
	case "poweroff", "crash":
		h := p.host(id)
		fall := h.Driver.PowerOff
		if o.what == "crash" {
			fall = h.Driver.Crash
		}
		p.soon("the guest runs", func() bool { return h.Running(id) }) // its host may have restarted just now
		if err = fall(id); err == nil {
			p.settle(o)
		}
	}
	if err != nil {
		p.Fatalf("%s: %v", o, err)
	}
	p.disturb()
	p.settle(o)
}

// settle waits until the cloud is as it must be after an operation.
func (p *player) settle(o op) {
	p.Helper()
	id := p.ids[o.name]
	after := model{maps.Clone(p.m.status), maps.Clone(p.m.ports)}
	after.after(o)
	want, there := after.status[o.name]
	if !there {
		p.soon(o.String(), func() bool { _, there := compute.Instances.Get(p.Store().Snapshot(), id); return !there })
		return
	}
	p.status(id, want)
	if want == "ACTIVE" {
		p.portsAre(id, network.Active)
	} else {
		p.portsAre(id, network.Down)
	}
}

// view is all that a user sees of the servers and ports, but for what is drawn by
// lot: ids, MACs and times.
func (p *player) view() string {
	p.Helper()
	list, err := serversNamed(p.ctx, p.cl, ".*")
	p.must(err)
	var out []string
	for _, s := range list {
		var ips []string
		pages, err := ports.List(p.cl.Network, ports.ListOpts{DeviceID: s.ID}).AllPages(p.ctx)
		p.must(err)
		have, err := ports.ExtractPorts(pages)
		p.must(err)
		for _, port := range have {
			ips = append(ips, fmt.Sprint(port.FixedIPs[0].IPAddress, " ", port.Status, " ", port.DeviceOwner))
		}
		slices.Sort(ips)
		var addresses []string
		for _, nets := range s.Addresses {
			for _, a := range nets.([]any) {
				addresses = append(addresses, fmt.Sprint(a.(map[string]any)["addr"]))
			}
		}
		slices.Sort(addresses)
		out = append(out, fmt.Sprint(s.Name, " ", s.Status, " ", s.Metadata, " ", addresses, " ", ips, " ", s.Fault.Message))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// TestOneHistory plays one random script on a cloud that is left in peace, and on
// one of three hosts whose parts are restarted and cut off at any moment: users must
// see the same in the end. A failure prints the seed: -seed plays it again.
func TestOneHistory(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for n := range uint64(3) {
		t.Run(fmt.Sprint("seed=", first+n), func(t *testing.T) { oneHistory(t, first+n) })
		if *seed != 0 {
			return
		}
	}
}

func oneHistory(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	ops := script(rng, 25)
	t.Logf("script: %v", ops)
	var views [2]string
	for k, hosts := range []int{1, 3} {
		w := newWorld(t, cloudtest.Options{Hosts: hosts})
		p := &player{w, model{map[string]string{}, map[string]int{}}, map[string]string{}, func() {}}
		if k == 1 {
			p.disturb = func() { p.disturbance(rng) }
		}
		for _, o := range ops {
			p.play(o)
			p.m.after(o)
		}
		views[k] = p.view()
	}
	if views[0] != views[1] {
		t.Errorf("in peace users see\n%s\nand otherwise\n%s", views[0], views[1])
	}
}

// disturbance does something to the cloud that users must not notice, or nothing.
func (p *player) disturbance(rng *rand.Rand) {
	p.Helper()
	h := p.Hosts[rng.IntN(len(p.Hosts))]
	what := []string{"", "", "server restart", "power cut", "agent restart", "host restart", "host restart without its agent", "events lost", "torn power cut", "all is switched off"}[rng.IntN(10)]
	if what != "" {
		p.Logf("disturbance: %s, %s", what, h.Name)
	}
	switch what {
	case "server restart":
		p.must(p.Restart())
	case "power cut":
		p.must(p.PowerCut())
	case "torn power cut":
		p.Disk.PowerCycleTorn(50, rng)
		p.must(p.Restart())
	case "all is switched off":
		p.Stop()
		for _, h := range p.Hosts {
			p.must(h.Driver.Restart())
			networks, err := h.Switch.List(p.ctx)
			p.must(err)
			for _, n := range networks {
				p.must(h.Switch.RemoveNetwork(p.ctx, n.ID)) // the kernel forgets
			}
		}
		p.must(p.Cloud.Run())
	case "agent restart":
		h.StopHost()
		p.RunHost(h, nil)
	case "host restart":
		p.must(h.Driver.Restart())
	case "host restart without its agent":
		h.StopHost()
		p.must(h.Driver.Restart())
		p.RunHost(h, nil)
	case "events lost":
		h.Driver.CutEvents()
	}
	p.cl = p.Client(p.T, "demo") // connections to what has stopped are of no use
}
