package cloudtest_test

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/network"
)

// count is how much there is of what a create makes.
func (w *world) count() [3]int {
	r := w.Store().Snapshot()
	claimed := 0
	for h := range compute.Hosts.All(r) {
		claimed += h.Used.MemoryMiB
	}
	return [3]int{compute.Instances.Len(r), network.Ports.Len(r), claimed}
}

func TestRefusalsLeaveNothing(t *testing.T) {
	w := newWorld(t, cloudtest.Options{Hosts: 2, Host: sim.Options{VCPUs: 2, MemoryMiB: 1024, DiskGiB: 10}}) // room for six of 512 MiB, at 1.5 to one
	kept := w.active("kept")
	before := w.count()
	many := func(n int) error {
		return servers.Create(w.ctx, w.cl.Compute, servers.CreateOpts{Name: "many", ImageRef: w.e.image, FlavorRef: "1", Min: n,
			Networks: []servers.Network{{UUID: w.e.network}}}, nil).Err
	}
	refused := func(what string, err error, status int, text string) {
		t.Helper()
		if !gophercloud.ResponseCodeIs(err, status) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %d with %q", what, err, status, text)
		}
		if now := w.count(); now != before {
			t.Errorf("%s: there were %v instances, ports and MiB, and are %v", what, before, now)
		}
	}
	one := func(change func(o *servers.CreateOpts)) error {
		o := servers.CreateOpts{Name: "one", ImageRef: w.e.image, FlavorRef: "1", Networks: []servers.Network{{UUID: w.e.network}}}
		change(&o)
		return servers.Create(w.ctx, w.cl.Compute, o, nil).Err
	}
	refused("one too many for the hosts", many(6), http.StatusConflict, "")
	refused("a flavor that no host has room for", one(func(o *servers.CreateOpts) { o.FlavorRef = "5" }), http.StatusConflict, "")
	refused("one network that is there and one that is not", one(func(o *servers.CreateOpts) {
		o.Networks = append(o.Networks.([]servers.Network), servers.Network{UUID: kept})
	}), http.StatusBadRequest, "")
	refused("an address that is taken", one(func(o *servers.CreateOpts) {
		o.Networks = []servers.Network{{UUID: w.e.network, FixedIP: w.addresses(kept)[0].String()}}
	}), http.StatusConflict, "already allocated")
	admin := w.Client(t, "admin")
	project, _ := identityProject(w, "demo")
	two := 2
	if _, err := quotasets.Update(w.ctx, admin.Compute, project, quotasets.UpdateOpts{Instances: &two}).Extract(); err != nil {
		t.Fatal(err)
	}
	refused("one too many for the quota", many(2), http.StatusForbidden, "uota")
	w.must(many(1))
	list, err := serversNamed(w.ctx, w.cl, "many")
	if err != nil || len(list) != 1 {
		t.Fatalf("servers %v, %v", list, err)
	}
	w.status(list[0].ID, "ACTIVE")
	w.delete(list[0].ID)
	if now := w.count(); now != before {
		t.Errorf("after a delete there are %v, and were %v", now, before)
	}
}

func identityProject(w *world, name string) (string, bool) {
	for p := range identity.Projects.All(w.Store().Snapshot()) {
		if p.Name == name {
			return p.ID, true
		}
	}
	return "", false
}

// stranger makes a project with a user of the same name, a member of it.
func (w *world) stranger(name string) cloudtest.Clients {
	w.Helper()
	admin := w.Client(w.T, "admin")
	p, err := projects.Create(w.ctx, admin.Identity, projects.CreateOpts{Name: name, DomainID: "default"}).Extract()
	w.must(err)
	u, err := users.Create(w.ctx, admin.Identity, users.CreateOpts{Name: name, DomainID: "default", Password: cloudtest.Password}).Extract()
	w.must(err)
	pages, err := roles.List(admin.Identity, roles.ListOpts{Name: "member"}).AllPages(w.ctx)
	w.must(err)
	list, err := roles.ExtractRoles(pages)
	if err != nil || len(list) != 1 {
		w.Fatalf("roles %v, %v", list, err)
	}
	w.must(roles.Assign(w.ctx, admin.Identity, list[0].ID, roles.AssignOpts{UserID: u.ID, ProjectID: p.ID}).ExtractErr())
	return w.Client(w.T, name)
}

// metadata is what a guest reads at the address on the network, on one of the hosts.
func (w *world) metadata(networkID, from string) string {
	for _, h := range w.Hosts {
		conn, err := h.Switch.DialMetadata(w.ctx, networkID, netip.MustParseAddr(from))
		if err != nil {
			continue
		}
		defer conn.Close()
		req, _ := http.NewRequest("GET", "http://169.254.169.254/latest/meta-data/hostname", nil)
		req.Close = true
		w.must(req.Write(conn))
		b, _ := io.ReadAll(conn)
		return string(b)
	}
	return ""
}

func TestProjectsAreApart(t *testing.T) {
	w := newWorld(t, cloudtest.Options{})
	mine := w.active("mine")
	other := w.stranger("other")
	c, ctx := other.Compute, w.ctx
	port := func() string { i, _ := compute.Instances.Get(w.Store().Snapshot(), mine); return i.NICs[0].PortID }()
	for what, err := range map[string]error{
		"show":           servers.Get(ctx, c, mine).Err,
		"delete":         servers.Delete(ctx, c, mine).ExtractErr(),
		"stop":           servers.Stop(ctx, c, mine).ExtractErr(),
		"reboot":         servers.Reboot(ctx, c, mine, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr(),
		"console":        servers.ShowConsoleOutput(ctx, c, mine, servers.ShowConsoleOutputOpts{}).Err,
		"metadata":       servers.Metadata(ctx, c, mine).Err,
		"rename":         servers.Update(ctx, c, mine, servers.UpdateOpts{Name: "theirs"}).Err,
		"detach":         attachinterfaces.Delete(ctx, c, mine, port).ExtractErr(),
		"network":        networks.Get(ctx, other.Network, w.e.network).Err,
		"network delete": networks.Delete(ctx, other.Network, w.e.network).ExtractErr(),
		"port":           ports.Get(ctx, other.Network, port).Err,
		"port delete":    ports.Delete(ctx, other.Network, port).ExtractErr(),
		"subnet":         subnets.Get(ctx, other.Network, w.e.subnet).Err,
		"image":          images.Get(ctx, other.Image, w.e.image).Err,
		"image delete":   images.Delete(ctx, other.Image, w.e.image).ExtractErr(),
	} {
		if !missing(err) {
			t.Errorf("%s of another project's: %v, want 404", what, err)
		}
	}
	if list, err := serversNamed(ctx, other, ".*"); err != nil || len(list) != 0 {
		t.Errorf("another project lists the servers %v, %v", list, err)
	}
	for what, nic := range map[string]servers.Network{"network": {UUID: w.e.network}, "port": {Port: port}} {
		err := servers.Create(ctx, c, servers.CreateOpts{Name: "x", ImageRef: w.e.image, FlavorRef: "1", Networks: []servers.Network{nic}}, nil).Err
		if !gophercloud.ResponseCodeIs(err, http.StatusBadRequest) && !missing(err) {
			t.Errorf("a server on another project's %s and image: %v", what, err)
		}
	}
	// The same addresses in both projects do not meet.
	e, err := ensure(ctx, other, 1)
	w.must(err)
	theirs := e.servers[0]
	if a, b := w.addresses(mine), w.addresses(theirs); len(a) != 1 || len(b) != 1 || a[0] == b[0] && e.network == w.e.network {
		t.Fatalf("addresses %v and %v", a, b)
	}
	for _, s := range []struct{ id, network, name string }{{mine, w.e.network, "mine"}, {theirs, e.network, "script-1"}} {
		if got := w.metadata(s.network, w.addresses(s.id)[0].String()); !strings.HasSuffix(strings.TrimSpace(got), s.name) && !strings.Contains(got, "\r\n\r\n"+s.name) {
			t.Errorf("the guest of %s reads %q", s.name, got)
		}
	}
	if got := w.metadata(e.network, "10.7.0.200"); got != "" {
		t.Errorf("at an address of nobody one reads %q", got)
	}
	w.must(destroy(ctx, other))
	w.status(mine, "ACTIVE")
}
