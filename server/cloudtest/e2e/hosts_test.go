package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// guests is a deployment over two hosts:
//
//	host X: a (tenant network, public), c (tenant network, config drive)
//	host Y: b (tenant network), other (another project's network, with the
//	        same addresses: it has b's)
type guests struct {
	*world
	a, b, c, other *guest
	tenant, more   subnet
	clients        string // the group whose members reach b's web page
	cPort          string
	made           []string // ports
}

const (
	addressA, addressB, addressC = "10.10.0.11", "10.10.0.12", "10.10.0.13"

	// alsoOn8080 serves the page on a port that no group opens.
	alsoOn8080 = "#!/bin/sh\nhttpd -p 8080 -h /www\necho E2E user data of $(hostname) ran\n"
	// tries tells on the console, again and again, whether a answers.
	tries = "#!/bin/sh\n(n=0; while :; do n=$((n+1)); r=$(timeout 2 wget -q -O - http://" + addressA + "/ || echo none)\n" +
		"echo \"E2E try $n $r\" >/dev/console; sleep 1; done) &\n" +
		"echo \"E2E I am $(timeout 3 wget -q -O - http://169.254.169.254/2009-04-04/meta-data/instance-id)" +
		" $(timeout 3 wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json | grep -o '\"uuid\": *\"[^\"]*\"')\"\n"
)

// TestHosts is the life of guests on two hosts, from their first boot until nothing of them is left.
func TestHosts(t *testing.T) {
	w := newWorld(t, 2)
	g := &guests{world: w}
	w.part("create", g.create)
	w.part("boot", g.boots)
	w.part("networks", g.reach)
	w.part("isolation", g.isolated)
	w.part("groups change", g.groupsChange)
	w.part("power", g.power)
	w.part("interfaces", g.interfaces)
	w.part("stop", g.stops)
	w.part("restarts", g.restarts)
	w.part("host reboot", g.hostReboots)
	w.part("delete", g.delete)
}

func (g *guests) create() {
	w, image, flavor := g.world, g.image(), g.flavor()
	for _, c := range []cloudtest.Clients{w.admin, w.demo} {
		w.keypair(c)
	}
	g.tenant = w.network(w.admin, "tenant", "10.10.0.0/24")
	g.more = w.network(w.admin, "more", "10.20.0.0/24")
	web, inner := w.group(w.admin, "web", 22, 80), w.group(w.admin, "inner", 22)
	g.clients = w.group(w.admin, "clients")
	w.rule(w.admin, inner, 80, g.clients)

	server := func(c cloudtest.Clients, name, script string, hints servers.SchedulerHintOpts, drive bool, on ...*ports.Port) *guest {
		for _, p := range on {
			g.made = append(g.made, p.ID)
		}
		id := w.create(c, servers.CreateOpts{Name: name, ImageRef: image, FlavorRef: flavor, UserData: []byte(script), ConfigDrive: &drive}, hints, on...)
		return &guest{w: w, c: c, id: id, address: on[0].FixedIPs[0].IPAddress}
	}
	outside := w.port(w.admin, w.public(), "", web)
	g.a = server(w.admin, "guest-a", alsoOn8080, servers.SchedulerHintOpts{}, false, outside, w.port(w.admin, g.tenant, addressA, web, g.clients))
	g.b = server(w.admin, "guest-b", alsoOn8080, servers.SchedulerHintOpts{DifferentHost: []string{g.a.id}}, false, w.port(w.admin, g.tenant, addressB, inner))
	c := w.port(w.admin, g.tenant, addressC, inner)
	g.cPort = c.ID
	g.c = server(w.admin, "guest-c", alsoOn8080, servers.SchedulerHintOpts{SameHost: []string{g.a.id}}, true, c)
	same := w.network(w.demo, "same-cidr", "10.10.0.0/24")
	// It goes where more room is left, which is where b is.
	g.other = server(w.demo, "guest-other", tries, servers.SchedulerHintOpts{}, false,
		w.port(w.demo, same, addressB, w.group(w.demo, "open", 22, 80)))
	g.b.via, g.c.via = g.a, g.a
}

func (g *guests) all() []*guest { return []*guest{g.a, g.b, g.c, g.other} }

func (g *guests) boots() {
	for _, one := range g.all() {
		g.status(one.c, one.id, "ACTIVE")
	}
	if a, b, c := g.show(g.a.id).Host, g.show(g.b.id).Host, g.show(g.c.id).Host; a == "" || a == b || a != c {
		g.t.Fatalf("hosts are %q, %q and %q", a, b, c)
	}
	for n, name := range []string{"guest-a", "guest-b", "guest-c", "guest-other"} {
		one := g.all()[n]
		line := one.says("TINY ready")
		source := "metadata"
		if one == g.c {
			source = "configdrive"
		}
		for _, want := range []string{"host=" + name + " ", "uuid=" + one.id, "source=" + source, "keys=1", one.address + "/24"} {
			if !strings.Contains(line, want) {
				g.t.Errorf("%s: no %q in %q", name, want, line)
			}
		}
		if one != g.other {
			one.says("E2E user data of " + name + " ran")
		}
	}
	g.activePorts(g.made...)
}

// activePorts waits until ports are ACTIVE.
func (w *world) activePorts(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		err := await(w.ctx, w.admin.Network, w.admin.Network.ServiceURL("ports", id), func(a answer) (bool, error) {
			var body struct{ Port struct{ Status string } }
			return a.decode(&body) == nil && body.Port.Status == "ACTIVE", nil
		})
		if err != nil {
			w.t.Fatalf("port %s is not active: %v", id, err)
		}
	}
}

// reach: what groups open is reached, from outside and across hosts; nothing else is.
func (g *guests) reach() {
	g.reachAB()
	for _, try := range []attempt{
		{g.c, addressB, 80, "none"}, // c is not in the remote group
		{g.c, addressA, 80, "guest-a"},
		{g.b, addressC, 80, "none"},
	} {
		try.check()
	}
}

// reachAB is what of reach needs only a and b.
func (g *guests) reachAB() {
	g.until("a's page from outside", 20*time.Second, func() error {
		page, err := g.a.fromOutside(80)
		if err == nil && !strings.Contains(page, "guest-a") {
			return errors.New(page)
		}
		return err
	})
	if page, err := g.a.fromOutside(8080); err == nil {
		g.t.Errorf("a's page is also where no rule opens it: %q", page)
	}
	for _, try := range []attempt{
		{g.a, addressA, 8080, "guest-a"}, // it is served
		{g.a, addressB, 80, "guest-b"},   // a is in the remote group; and this is not the other b
		{g.a, addressB, 8080, "none"},
		{g.b, addressA, 80, "guest-a"},
		{g.b, addressA, 8080, "none"},
	} {
		try.check()
	}
}

// attempt is a guest's at getting a page.
type attempt struct {
	from *guest
	to   string
	port int
	want string // in the page; "none" for no answer
}

// check tries once whether nobody answers, and again and again for an answer: who
// is busy is slow.
func (a attempt) check() {
	a.from.w.t.Helper()
	what := fmt.Sprintf("%s → %s:%d", a.from.address, a.to, a.port)
	if a.want == "none" {
		if got := a.from.fetch(a.to, a.port); got != "none" {
			a.from.w.t.Errorf("%s answers %q", what, got)
		}
		return
	}
	a.from.w.until(what, 20*time.Second, func() error {
		if got := a.from.fetch(a.to, a.port); !strings.Contains(got, a.want) {
			return fmt.Errorf("%q, want %s", got, a.want)
		}
		return nil
	})
}

// isolated: a guest of another project, with the same addresses, reaches nobody
// here and is told of nobody but itself.
func (g *guests) isolated() {
	if line := g.other.says("E2E I am "); strings.Count(line, g.other.id) != 1 || !strings.Contains(line, "i-") {
		g.t.Errorf("another project's guest is told that it is %q", line)
	}
	if id := g.a.run("wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json"); !strings.Contains(id, g.a.id) {
		g.t.Errorf("a's metadata: %s", id)
	}
	// a answers now: two tries from here on are two that could have met it.
	number := func() (n int) {
		for n == 0 {
			fmt.Sscanf(g.other.says("E2E try "), "E2E try %d", &n)
		}
		return n
	}
	first := number()
	g.until("two more tries", patience, func() error {
		if number() < first+2 {
			return errors.New("not yet")
		}
		return nil
	})
	text := must[string](g.world)(g.other.console())
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "E2E try ") && !strings.HasSuffix(strings.TrimSpace(line), " none") {
			g.t.Errorf("another project's guest got an answer: %s", line)
		}
	}
	if _, err := servers.Get(g.ctx, g.demo.Compute, g.a.id).Extract(); !missing(err) {
		g.t.Errorf("another project's server is shown: %v", err)
	}
}

// groupsChange: what a running guest may reach changes with the groups, on the host
// of the other end.
func (g *guests) groupsChange() {
	p := must[*ports.Port](g.world)(ports.Get(g.ctx, g.admin.Network, g.cPort).Extract())
	with := append(slices.Clone(p.SecurityGroups), g.clients)
	for _, step := range []struct {
		groups []string
		want   string
	}{{with, "guest-b"}, {p.SecurityGroups, "none"}} {
		_, err := ports.Update(g.ctx, g.admin.Network, g.cPort, ports.UpdateOpts{SecurityGroups: &step.groups}).Extract()
		g.check(err)
		g.until("c's page of b is "+step.want, 20*time.Second, func() error {
			if got := g.c.fetch(addressB, 80); !strings.Contains(got, step.want) {
				return errors.New(got)
			}
			return nil
		})
	}
}

// power: a guest turns itself off, one is rebooted softly, one hard, all at once.
func (g *guests) power() {
	a, b, c := g.a.boot(), g.b.boot(), g.c.boot()
	_, _ = g.c.try("(sleep 0.2; poweroff) >/dev/null 2>&1 &")
	g.check(servers.Reboot(g.ctx, g.admin.Compute, g.b.id, servers.RebootOpts{Type: servers.SoftReboot}).ExtractErr())
	g.status(g.admin, g.c.id, "SHUTOFF")
	g.check(servers.Start(g.ctx, g.admin.Compute, g.c.id).ExtractErr())
	g.check(servers.Reboot(g.ctx, g.admin.Compute, g.a.id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr())
	for _, one := range g.all() {
		g.status(one.c, one.id, "ACTIVE")
	}
	g.b.says("TINY power button")
	g.a.bootsAnew(a)
	g.b.bootsAnew(b)
	g.c.bootsAnew(c)
	g.reach()
}

// interfaces: a card is plugged into a running guest, works, and is taken out.
func (g *guests) interfaces() {
	before := g.a.run("ls /sys/class/net")
	port, address := g.plug()
	g.until("a has an address by its new card", 40*time.Second, func() error {
		out, err := g.a.try("ip -4 -o address")
		if err == nil && !strings.Contains(out, address) {
			return errors.New(out)
		}
		return err
	})
	g.unplug(port)
	g.until("the card is taken out", 40*time.Second, func() error {
		now, err := g.a.try("ls /sys/class/net")
		if err == nil && now != before {
			return errors.New(now)
		}
		return err
	})
}

// plug plugs a card into a and waits until its port works.
func (g *guests) plug() (port, address string) {
	g.t.Helper()
	i := must[*attachinterfaces.Interface](g.world)(attachinterfaces.Create(g.ctx, g.admin.Compute, g.a.id, attachinterfaces.CreateOpts{NetworkID: g.more.network}).Extract())
	g.activePorts(i.PortID)
	return i.PortID, i.FixedIPs[0].IPAddress
}

// unplug takes a card out of a and waits until its port is gone.
func (g *guests) unplug(port string) {
	g.t.Helper()
	g.check(attachinterfaces.Delete(g.ctx, g.admin.Compute, g.a.id, port).ExtractErr())
	g.noPort(port)
}

// noPort waits until a port is not there any more.
func (w *world) noPort(id string) {
	w.t.Helper()
	err := await(w.ctx, w.admin.Network, w.admin.Network.ServiceURL("ports", id), func(answer) (bool, error) { return false, nil })
	if !missing(err) {
		w.t.Fatalf("port %s is not gone: %v", id, err)
	}
}

// stops: a stop is the power button, and what is off stays off.
func (g *guests) stops() {
	presses := func() int {
		text := must[string](g.world)(g.c.console())
		return strings.Count(text, "TINY power button")
	}
	before := presses()
	g.check(servers.Stop(g.ctx, g.admin.Compute, g.c.id).ExtractErr())
	g.status(g.admin, g.c.id, "SHUTOFF")
	g.c.drop()
	if now := presses(); now != before+1 {
		g.t.Errorf("c's power button was pressed %d times, then %d", before, now)
	}
}

func (g *guests) delete() {
	for _, one := range g.all() {
		one.drop()
		g.check(servers.Delete(g.ctx, one.c.Compute, one.id).ExtractErr())
	}
	for _, one := range g.all() {
		g.gone(one.c, one.id)
	}
	for _, id := range g.made {
		g.check(ports.Delete(g.ctx, g.admin.Network, id).ExtractErr())
	}
	g.nothingLeft()
	g.nothingClaimed()
}
