package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const (
	killed       = 3 // servers of the deployment
	killsCreate  = 5 // kills while it is made
	killsDelete  = 2 // and while it is taken away
	attempts     = 10
	networkNamed = "killed"
)

// A deployment is what a script makes that can be run again and again: it looks
// for each thing by its name, and makes what is not there.
type deployment struct{ image, flavor string }

func nameOf(n int) string { return fmt.Sprintf("killed-%d", n+1) }

// ensure makes what is missing and waits until all servers run.
func (d deployment) ensure(ctx context.Context, c cloudtest.Clients) error {
	network, err := d.network(ctx, c)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	var ids []string
	for n := range killed {
		id, err := d.server(ctx, c, network, nameOf(n))
		if err != nil {
			return fmt.Errorf("%s: %w", nameOf(n), err)
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		if err := runs(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

func (d deployment) network(ctx context.Context, c cloudtest.Clients) (string, error) {
	have, err := networksNamed(ctx, c)
	if err != nil {
		return "", err
	}
	if len(have) == 0 {
		n, err := networks.Create(ctx, c.Network, networks.CreateOpts{Name: networkNamed}).Extract()
		if err != nil {
			return "", err
		}
		have = append(have, *n)
	}
	if len(have[0].Subnets) == 0 {
		_, err = subnets.Create(ctx, c.Network, subnets.CreateOpts{NetworkID: have[0].ID, CIDR: "10.30.0.0/24", IPVersion: gophercloud.IPv4}).Extract()
	}
	return have[0].ID, err
}

func networksNamed(ctx context.Context, c cloudtest.Clients) ([]networks.Network, error) {
	pages, err := networks.List(c.Network, networks.ListOpts{Name: networkNamed}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	return networks.ExtractNetworks(pages)
}

func portsOf(ctx context.Context, c cloudtest.Clients, o ports.ListOpts) ([]ports.Port, error) {
	pages, err := ports.List(c.Network, o).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	return ports.ExtractPorts(pages)
}

func serversNamed(ctx context.Context, c cloudtest.Clients, name string) ([]servers.Server, error) {
	pages, err := servers.List(c.Compute, servers.ListOpts{Name: "^" + name + "$"}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	return servers.ExtractServers(pages)
}

// server makes a port and a server of one name.
func (d deployment) server(ctx context.Context, c cloudtest.Clients, network, name string) (string, error) {
	have, err := portsOf(ctx, c, ports.ListOpts{NetworkID: network, Name: name})
	if err != nil {
		return "", err
	}
	if len(have) == 0 {
		p, err := ports.Create(ctx, c.Network, ports.CreateOpts{NetworkID: network, Name: name}).Extract()
		if err != nil {
			return "", err
		}
		have = append(have, *p)
	}
	list, err := serversNamed(ctx, c, name)
	if err != nil {
		return "", err
	}
	if len(list) > 0 {
		return list[0].ID, nil
	}
	s, err := servers.Create(ctx, c.Compute, keypairs.CreateOptsExt{KeyName: "e2e", CreateOptsBuilder: servers.CreateOpts{Name: name,
		ImageRef: d.image, FlavorRef: d.flavor, Networks: []servers.Network{{Port: have[0].ID}}}}, nil).Extract()
	if err != nil {
		return "", err
	}
	return s.ID, nil
}

// runs waits until a server is ACTIVE.
func runs(ctx context.Context, c cloudtest.Clients, id string) error {
	return await(ctx, c.Compute, c.Compute.ServiceURL("servers", id), func(a answer) (bool, error) {
		var body struct {
			Server struct {
				Status string
				Fault  struct{ Message string }
			}
		}
		if err := a.decode(&body); err != nil {
			return false, err
		}
		if body.Server.Status == "ERROR" {
			return false, errors.New("in error: " + body.Server.Fault.Message)
		}
		return body.Server.Status == "ACTIVE", nil
	})
}

// destroy takes away what is there and waits until it is gone.
func (d deployment) destroy(ctx context.Context, c cloudtest.Clients) error {
	list, err := serversNamed(ctx, c, "killed-.*")
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := servers.Delete(ctx, c.Compute, s.ID).ExtractErr(); err != nil && !missing(err) {
			return err
		}
	}
	for _, s := range list {
		err := await(ctx, c.Compute, c.Compute.ServiceURL("servers", s.ID), func(answer) (bool, error) { return false, nil })
		if !missing(err) {
			return err
		}
	}
	nets, err := networksNamed(ctx, c)
	if err != nil || len(nets) == 0 {
		return err
	}
	have, err := portsOf(ctx, c, ports.ListOpts{NetworkID: nets[0].ID})
	if err != nil {
		return err
	}
	for _, p := range have {
		if err := ports.Delete(ctx, c.Network, p.ID).ExtractErr(); err != nil && !missing(err) {
			return err
		}
	}
	return networks.Delete(ctx, c.Network, nets[0].ID).ExtractErr()
}

// A killer kills the cloud's processes at random moments.
type killer struct {
	*world
	random *rand.Rand
}

// TestKills has a script make three servers, and take them away, while processes are
// killed. The same script then completes, with nothing twice and nothing left.
func TestKills(t *testing.T) {
	w := newWorld(t, 1)
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("CLOUDLET_TEST_SEED"), strconv.FormatInt(time.Now().UnixNano(), 10)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("replay with CLOUDLET_TEST_SEED=%d", seed)
	k := killer{w, rand.New(rand.NewPCG(seed, 0))}
	d := deployment{w.image(), w.flavor()}
	w.keypair(w.admin)
	for range 2 {
		k.during(d.ensure, killsCreate)
		k.once()
		k.during(d.destroy, killsDelete)
		w.nothingLeft()
		w.nothingClaimed()
	}
	k.during(d.ensure, 1)
	k.once()
	for n := range killed {
		list := must[[]servers.Server](w)(serversNamed(w.ctx, w.admin, nameOf(n)))
		g := &guest{w: w, c: w.admin, id: list[0].ID}
		g.says("TINY ready host=" + nameOf(n) + " uuid=" + g.id)
	}
	k.during(d.destroy, 1)
	w.nothingLeft()
	w.nothingClaimed()
}

// during kills while a script runs, which is run again until it completes after the
// last kill.
func (k killer) during(script func(context.Context, cloudtest.Clients) error, kills int) {
	k.t.Helper()
	begin := func() chan error {
		c, done := k.admin, make(chan error, 1)
		go func() { done <- script(k.ctx, c) }()
		return done
	}
	done := begin()
	for range kills {
		select {
		case err := <-done:
			k.t.Logf("the script ended: %v", err)
			done = begin()
		case <-time.After(time.Duration(k.random.IntN(800)) * time.Millisecond):
		}
		k.strike()
	}
	for range attempts {
		err := <-done
		if err == nil {
			if err = <-begin(); err == nil { // and there is nothing more to do
				return
			}
		}
		k.t.Logf("the script is run again: %v", err)
		<-time.After(time.Second) // as anybody who types would take; hosts try again meanwhile
		done = begin()
	}
	k.t.Fatalf("after the last kill the script does not complete")
}

// strike kills one process the hard way and starts it again a little later.
func (k killer) strike() {
	k.t.Helper()
	h := k.bed.Hosts[0]
	victim := k.random.IntN(4)
	k.t.Logf("%s is killed", []string{"server", "agent", "plugin", "libvirtd"}[victim])
	pause := time.Duration(k.random.IntN(700)) * time.Millisecond
	switch victim {
	case 0:
		k.server.kill(k.t)
		time.Sleep(pause)
		k.startServer()
	case 1:
		k.agents[0].kill(k.t)
		time.Sleep(pause)
		k.agents[0].start(k.t)
	case 2: // the agent starts it again by itself
		if err := k.killPlugin(0); err != nil {
			k.t.Log(err)
		}
	case 3:
		k.check(h.KillLibvirtd(k.ctx))
		time.Sleep(pause)
		k.check(h.StartLibvirtd(k.ctx))
	}
}

// tapName is what the bridge switch names taps, wherever it is written.
var tapName = regexp.MustCompile(`\bclt[0-9A-Za-z]+`)

// once checks that there is of everything as much as the script asks for.
func (k killer) once() {
	k.t.Helper()
	nets := must[[]networks.Network](k.world)(networksNamed(k.ctx, k.admin))
	list := must[[]servers.Server](k.world)(serversNamed(k.ctx, k.admin, "killed-.*"))
	if len(nets) != 1 || len(list) != killed {
		k.t.Fatalf("%d networks and %d servers", len(nets), len(list))
	}
	var want []string
	for _, s := range list {
		want = append(want, s.ID)
	}
	slices.Sort(want)
	if have := must[[]ports.Port](k.world)(portsOf(k.ctx, k.admin, ports.ListOpts{NetworkID: nets[0].ID})); len(have) != killed {
		k.t.Errorf("%d ports", len(have))
	}
	k.until("as many guests as servers", 10*time.Second, func() error { // a driver just started proves KVM with one of its own
		for what, script := range map[string]string{
			"domains":             "virsh list --all --uuid",
			"guests' directories": "ls " + k.hostDir(k.bed.Hosts[0]) + "/instances",
		} {
			if got := strings.Fields(k.inHost(script)); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
				return fmt.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		if n := len(k.emulators()); n != killed {
			return fmt.Errorf("%d QEMU processes", n)
		}
		return nil
	})
	spaces := strings.Fields(k.inHost("ip netns list | cut -d' ' -f1"))
	if len(spaces) != 1 {
		k.t.Fatalf("namespaces: %q", spaces)
	}
	taps := tapName.FindAllString(k.inHost("ip -n "+spaces[0]+" -o link"), -1)
	if len(taps) != killed {
		k.t.Errorf("taps: %q", taps)
	}
	if stray := tapName.FindAllString(k.inHost("ip -o link"), -1); len(stray) > 0 {
		k.t.Errorf("taps outside of their network: %q", stray)
	}
	named := tapName.FindAllString(k.inHost("ip netns exec "+spaces[0]+" nft list ruleset"), -1)
	slices.Sort(named)
	slices.Sort(taps)
	if named = slices.Compact(named); !slices.Equal(named, taps) {
		k.t.Errorf("filters name %q, taps are %q", named, taps)
	}
}

func (k killer) inHost(script string) string {
	k.t.Helper()
	out, err := k.bed.Hosts[0].Command(k.ctx, "sh", "-c", script).Output()
	k.check(err)
	return string(out)
}
