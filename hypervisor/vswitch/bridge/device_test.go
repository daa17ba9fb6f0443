package bridge

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

func testNetwork(id string, vni int) vswitch.Network {
	return vswitch.Network{ID: id, VNI: vni, Subnets: []vswitch.Subnet{
		{ID: "s4", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"), ServeGateway: true, DHCP: true},
		{ID: "s6", CIDR: netip.MustParsePrefix("2001:db8::/64"), Gateway: netip.MustParseAddr("2001:db8::1"), ServeGateway: true}}}
}

func testPort(n byte) vswitch.Port {
	return vswitch.Port{ID: "port-" + string('0'+n), NetworkID: "a", MAC: "fa:16:3e:00:00:0" + string('0'+n)}
}

// openFilter allows everything that port security does.
func openFilter(n byte) vswitch.PortFilter {
	f := vswitch.PortFilter{Port: testPort(n), AdminUp: true, PortSecurity: true,
		FixedIPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 10 + n}), netip.MustParseAddr("2001:db8::" + string('0'+n))}}
	for _, d := range []vswitch.Direction{vswitch.Ingress, vswitch.Egress} {
		f.Rules = append(f.Rules, vswitch.Rule{Direction: d, Remote: []netip.Prefix{vswitch.AnyIPv4}},
			vswitch.Rule{Direction: d, IPv6: true, Remote: []netip.Prefix{vswitch.AnyIPv6}})
	}
	return f
}

// run starts port n of network a on a host.
func (h *host) run(t *testing.T, n byte) {
	t.Helper()
	tap, err := h.PreparePort(t.Context(), testPort(n))
	must(t, err)
	h.Start(t, testPort(n), tap)
	must(t, h.ActivatePort(t.Context(), testPort(n)))
}

// inventory is what of devices and namespaces is there.
func (h *host) inventory(t *testing.T) []string {
	t.Helper()
	links, err := h.nl.LinkList()
	must(t, err)
	var out []string
	for _, l := range links {
		out = append(out, l.Attrs().Name+" "+l.Attrs().Alias)
	}
	names, err := namespaces("")
	must(t, err)
	for _, n := range names {
		if n == h.nsName("a") || n == h.nsName("p") {
			out = append(out, n)
		}
	}
	return out
}

func TestRemovedNetworkLeavesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	addBridge(t, h)
	before := h.inventory(t)
	for range 2 { // the second time finds the VNI free
		n := testNetwork("a", 7)
		n.Peers = []netip.Addr{l.host(1).Peer(), h.Peer()}
		must(t, h.EnsureNetwork(t.Context(), n))
		must(t, h.EnsureNetwork(t.Context(), vswitch.Network{ID: "p", Physnet: "physnet1"}))
		h.run(t, 1)
		_, err := h.PreparePort(t.Context(), testPort(2))
		must(t, err)
		if got := h.inventory(t); len(got) != len(before)+4 { // two namespaces, an uplink, a prepared tap
			t.Errorf("before %v, now %v", before, got)
		}
		must(t, h.RemoveNetwork(t.Context(), "a"))
		must(t, h.RemoveNetwork(t.Context(), "p"))
		if got := h.inventory(t); !slices.Equal(got, before) {
			t.Fatalf("before %v, after %v", before, got)
		}
	}
}

func TestWhatIsNotOursIsNotTouched(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	must(t, h.EnsureNetwork(t.Context(), testNetwork("a", 7)))
	attrs := netlink.NewLinkAttrs()
	attrs.Name = tapName(testPort(1).ID)
	must(t, h.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}))
	if _, err := h.PreparePort(t.Context(), testPort(1)); !errors.Is(err, vswitch.ErrConflict) {
		t.Errorf("prepare a port whose tap's name is taken: %v", err)
	}
	if err := h.ActivatePort(t.Context(), testPort(1)); !errors.Is(err, vswitch.ErrConflict) {
		t.Errorf("activate it: %v", err)
	}
	must(t, h.RemovePort(t.Context(), "a", testPort(1).ID))
	must(t, h.RemoveNetwork(t.Context(), "a"))
	if _, err := h.nl.LinkByName(attrs.Name); err != nil {
		t.Errorf("somebody else's device: %v", err)
	}
	// A namespace that has our name and is somebody else's.
	foreign, err := createNS(h.nsName("a"), func(ns *netNS) error { return nil })
	must(t, err)
	defer foreign.Close()
	defer removeNS(foreign.name)
	if err := h.EnsureNetwork(t.Context(), testNetwork("a", 7)); !errors.Is(err, vswitch.ErrConflict) {
		t.Errorf("a network whose namespace's name is taken: %v", err)
	}
	must(t, h.RemoveNetwork(t.Context(), "a"))
	if fd, err := netns.GetFromPath(filepath.Join(nsDir, foreign.name)); err != nil {
		t.Errorf("somebody else's namespace: %v", err)
	} else {
		fd.Close()
	}
	if got, err := h.List(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("List: %v, %v", got, err)
	}
	// A VNI that somebody else uses.
	vx := netlink.NewLinkAttrs()
	vx.Name = "theirs"
	must(t, h.nl.LinkAdd(&netlink.Vxlan{LinkAttrs: vx, VxlanId: 9, Port: vxlanPort}))
	if err := h.EnsureNetwork(t.Context(), testNetwork("b", 9)); !errors.Is(err, vswitch.ErrConflict) {
		t.Errorf("a VNI in use: %v", err)
	}
}

func TestLeftoversOfACrash(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	must(t, shareNSDir())
	must(t, os.WriteFile(filepath.Join(nsDir, h.nsName("a")), nil, 0o444)) // named, not mounted
	must(t, h.EnsureNetwork(t.Context(), testNetwork("a", 7)))
	// The VXLAN device, or the base of the bridge's settings, is missing.
	ns, err := h.openNetwork("a")
	must(t, err)
	defer ns.Close()
	wire, err := ns.nl.LinkByName(wireName)
	must(t, err)
	must(t, ns.nl.LinkDel(wire))
	must(t, ns.nl.LinkSetDown(ns.bridge))
	// A tap that was moved, but not put on the bridge.
	h.run(t, 1)
	tap, err := ns.nl.LinkByName(tapName(testPort(1).ID))
	must(t, err)
	must(t, ns.nl.LinkSetNoMaster(tap))
	got, err := h.List(t.Context())
	must(t, err)
	if got[0].Ports[0].Active {
		t.Error("a tap that is on no bridge is told to be active")
	}
	must(t, h.EnsureNetwork(t.Context(), testNetwork("a", 7)))
	must(t, h.ActivatePort(t.Context(), testPort(1)))
	for _, name := range []string{wireName, tapName(testPort(1).ID)} {
		if dev, err := ns.nl.LinkByName(name); err != nil || dev.Attrs().MasterIndex != ns.bridge.Attrs().Index {
			t.Errorf("%s is not on the bridge again: %v", name, err)
		}
	}
}

func TestPeersFollowTheNetwork(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	peers := func(want ...string) {
		t.Helper()
		n := testNetwork("a", 7)
		for _, p := range want {
			n.Peers = append(n.Peers, netip.MustParseAddr(p))
		}
		n.Peers = append(n.Peers, h.Peer()) // itself is none
		must(t, h.EnsureNetwork(t.Context(), n))
		ns, err := h.openNetwork("a")
		must(t, err)
		defer ns.Close()
		wire, err := ns.nl.LinkByName(wireName)
		must(t, err)
		fdb, err := ns.nl.NeighList(wire.Attrs().Index, unix.AF_BRIDGE)
		must(t, err)
		var got []string
		for _, e := range fdb {
			if e.IP != nil {
				got = append(got, e.IP.String())
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("floods to %v, want %v", got, want)
		}
	}
	peers("192.0.2.2", "192.0.2.3")
	peers("192.0.2.2", "192.0.2.3")
	peers("192.0.2.3", "192.0.2.4")
	peers()
	h.opts.TunnelAddress = netip.MustParseAddr("192.0.2.99") // the host gets another address
	h.Restart(t)
	peers("192.0.2.2")
	h.opts.TunnelAddress = netip.Addr{}
	h.Restart(t)
	n := testNetwork("b", 8)
	must(t, h.EnsureNetwork(t.Context(), n))
	n.Peers = []netip.Addr{l.host(1).Peer()}
	if err := h.EnsureNetwork(t.Context(), n); !errors.Is(err, vswitch.ErrUnsupported) {
		t.Errorf("peers without a tunnel address: %v", err)
	}
}

func TestMTU(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	n := testNetwork("a", 7)
	n.MTU = 1400
	must(t, h.EnsureNetwork(t.Context(), n))
	h.run(t, 1)
	own := testPort(2)
	own.MTU = 1300
	_, err := h.PreparePort(t.Context(), own)
	must(t, err)
	must(t, h.ActivatePort(t.Context(), own))
	ns, err := h.openNetwork("a")
	must(t, err)
	defer ns.Close()
	for name, want := range map[string]int{bridgeName: 1400, wireName: 1400, tapName(testPort(1).ID): 1400, tapName(own.ID): 1300} {
		if dev, err := ns.nl.LinkByName(name); err != nil || dev.Attrs().MTU != want {
			t.Errorf("%s has MTU %d, want %d, %v", name, dev.Attrs().MTU, want, err)
		}
	}
}

// addBridge makes the bridge that physnet1 is mapped to.
func addBridge(t *testing.T, h *host) netlink.Link {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = h.opts.Physnets["physnet1"]
	must(t, h.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}))
	br, err := h.nl.LinkByName(attrs.Name)
	must(t, err)
	must(t, h.nl.LinkSetUp(br))
	return br
}

// Sixty ports with rules of large groups are one transaction.
func TestManyRules(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	must(t, h.EnsureNetwork(t.Context(), testNetwork("a", 7)))
	var group []netip.Prefix
	for n := range 250 {
		group = append(group, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n), byte(n)}), 32))
	}
	var filters []vswitch.PortFilter
	for n := range 60 {
		f := openFilter(1)
		f.ID = "many-" + strconv.Itoa(n)
		f.FixedIPs = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 1, byte(n + 1)})}
		for p := range uint16(10) {
			f.Rules = append(f.Rules, vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoTCP, PortMin: 1000 + p, Remote: group})
		}
		filters = append(filters, f)
	}
	for range 2 {
		must(t, h.EnsureFilters(t.Context(), "a", filters))
		filters[0].Rules = filters[0].Rules[1:]
	}
	ns, err := h.openNetwork("a")
	must(t, err)
	defer ns.Close()
	if named, err := portNumbers(ns); err != nil || len(named) != len(filters) {
		t.Errorf("%d ports are named, %v", len(named), err)
	}
	must(t, h.EnsureFilters(t.Context(), "a", nil))
	if named, err := portNumbers(ns); err != nil || len(named) > 0 {
		t.Errorf("then %d ports are named, %v", len(named), err)
	}
}

// Calls that find all as it should be change neither devices nor filters.
func TestNothingIsDoneTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	n := testNetwork("a", 7)
	n.Peers = []netip.Addr{l.host(1).Peer()}
	filters := []vswitch.PortFilter{openFilter(1)}
	must(t, h.EnsureNetwork(t.Context(), n))
	h.run(t, 1)
	must(t, h.EnsureFilters(t.Context(), "a", filters))
	ns, err := h.openNetwork("a")
	must(t, err)
	defer ns.Close()
	observe := func() (out []string) {
		b, err := newBatch(ns)
		must(t, err)
		chains, err := b.conn.ListChains()
		must(t, err)
		for _, c := range chains {
			rules, err := b.conn.GetRules(c.Table, c)
			must(t, err)
			for _, r := range rules { // a rule that is made anew has another handle
				out = append(out, c.Name+" "+strconv.Itoa(int(r.Handle)))
			}
		}
		links, err := ns.nl.LinkList()
		must(t, err)
		for _, dev := range links {
			out = append(out, dev.Attrs().Name+" "+strconv.Itoa(dev.Attrs().Index))
		}
		return out
	}
	before := observe()
	must(t, h.EnsureNetwork(t.Context(), n))
	must(t, h.ActivatePort(t.Context(), testPort(1)))
	must(t, h.EnsureFilters(t.Context(), "a", filters))
	if after := observe(); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
	n.Subnets[0].DHCP = false
	must(t, h.EnsureNetwork(t.Context(), n))
	if after := observe(); slices.Equal(before, after) {
		t.Error("a network that is described otherwise has the filters of before")
	}
}
