package vswitch_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var port = vswitch.Port{ID: "p", NetworkID: "n", MAC: "FA:16:3E:00:00:01"}

func TestBindings(t *testing.T) {
	f := vswitch.PortFilter{Port: port, FixedIPs: []netip.Addr{addr("10.0.0.5"), addr("::ffff:10.0.0.6"), addr("2001:db8::5"), addr("10.0.0.5")},
		AllowedPairs: []vswitch.Pair{{Prefix: prefix("10.9.9.9/24")}, {MAC: "fa:16:3e:00:00:02", Prefix: prefix("2001:db8:1::/64")}, {MAC: "nonsense", Prefix: prefix("10.8.0.0/16")}}}
	const own, other = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
	want := []vswitch.Binding{
		{own, prefix("10.0.0.5/32")}, {own, prefix("10.0.0.6/32")}, {own, prefix("2001:db8::5/128")},
		{own, prefix("fe80::f816:3eff:fe00:1/128")}, {own, prefix("10.9.9.0/24")},
		{other, prefix("2001:db8:1::/64")}, {other, prefix("fe80::f816:3eff:fe00:2/128")},
	}
	if d := cmp.Diff(want, f.Bindings(), cmpopts.EquateComparable(netip.Prefix{})); d != "" {
		t.Error(d)
	}
	f.MAC = "nonsense"
	if got := f.Bindings(); got != nil {
		t.Errorf("a port without a MAC is bound to %v", got)
	}
}

// What the policy allows beside rules, in each direction.
func TestWhatEveryGuestNeeds(t *testing.T) {
	f := vswitch.PortFilter{Port: port, AdminUp: true, PortSecurity: true}
	udp := func(dst string, from, to uint16) vswitch.Flow {
		return vswitch.Flow{Src: addr("10.0.0.1"), Dst: addr(dst), Protocol: vswitch.ProtoUDP, SrcPort: from, DstPort: to}
	}
	icmp6 := func(typ uint8) vswitch.Flow {
		return vswitch.Flow{Src: addr("fe80::1"), Dst: addr("fe80::2"), Protocol: vswitch.ProtoICMPv6, ICMPType: &typ}
	}
	for _, c := range []struct {
		what    string
		flow    vswitch.Flow
		in, out bool
	}{
		{"DHCP request", udp("255.255.255.255", 68, 67), false, true},
		{"DHCP answer", udp("10.0.0.2", 67, 68), false, false},
		{"DHCPv6 request", udp("ff02::1:2", 546, 547), false, true},
		{"DHCPv6 answer", udp("fe80::2", 547, 546), false, false},
		{"DHCP's ports over IPv6", udp("fe80::2", 68, 67), false, false},
		{"neighbour solicitation", icmp6(135), true, true},
		{"neighbour advertisement", icmp6(136), true, true},
		{"router solicitation", icmp6(133), false, true},
		{"router advertisement", icmp6(134), true, false},
		{"redirect", icmp6(137), false, false},
		{"echo", icmp6(128), false, false},
	} {
		if got := f.Allows(vswitch.Ingress, c.flow); got != c.in {
			t.Errorf("%s, in: %t", c.what, got)
		}
		if got := f.Allows(vswitch.Egress, c.flow); got != c.out {
			t.Errorf("%s, out: %t", c.what, got)
		}
		all := f
		for _, v6 := range []bool{false, true} {
			for _, d := range []vswitch.Direction{vswitch.Ingress, vswitch.Egress} {
				all.Rules = append(all.Rules, vswitch.Rule{Direction: d, IPv6: v6, Remote: []netip.Prefix{vswitch.AnyIPv4, vswitch.AnyIPv6}})
			}
		}
		forbidden := c.what == "DHCP answer" || c.what == "DHCPv6 answer" || c.what == "router advertisement" || c.what == "redirect"
		if got := all.Allows(vswitch.Egress, c.flow); got == forbidden {
			t.Errorf("%s, out, with rules for all: %t", c.what, got)
		}
		down := all
		down.AdminUp = false
		if down.Allows(vswitch.Ingress, c.flow) || down.Allows(vswitch.Egress, c.flow) {
			t.Errorf("%s passes a port that is down", c.what)
		}
	}
}

// An end that is no port here is somebody else's to judge; one that several
// ports may be is allowed if one of them is.
func TestPolicyJudgesItsOwnEnds(t *testing.T) {
	in := vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoTCP, PortMin: 80, Remote: []netip.Prefix{vswitch.AnyIPv4}}
	out := vswitch.Rule{Direction: vswitch.Egress, Remote: []netip.Prefix{prefix("10.0.0.0/24")}}
	mk := func(id, ip string, pair string, rules ...vswitch.Rule) vswitch.PortFilter {
		f := vswitch.PortFilter{Port: vswitch.Port{ID: id, NetworkID: "n", MAC: "fa:16:3e:00:00:0" + id}, AdminUp: true, PortSecurity: true,
			FixedIPs: []netip.Addr{addr(ip)}, Rules: rules}
		if pair != "" {
			f.AllowedPairs = []vswitch.Pair{{Prefix: prefix(pair)}}
		}
		return f
	}
	p := vswitch.NewPolicy([]vswitch.PortFilter{
		mk("1", "10.0.0.1", "10.0.0.100/32", out), mk("2", "10.0.0.2", "10.0.0.100/32", in), mk("3", "10.0.0.3", "10.1.0.0/16", in)})
	for _, c := range []struct {
		src, dst string
		port     uint16
		want     bool
	}{
		{"10.0.0.1", "10.0.0.2", 80, true}, {"10.0.0.1", "10.0.0.2", 81, false}, {"10.0.0.2", "10.0.0.3", 80, false},
		{"192.0.2.1", "10.0.0.2", 80, true}, {"192.0.2.1", "10.0.0.2", 81, false}, {"192.0.2.1", "10.0.0.1", 80, false},
		{"10.0.0.1", "10.0.0.50", 9, true}, {"10.0.0.1", "192.0.2.1", 9, false}, {"192.0.2.1", "192.0.2.2", 9, true},
		{"192.0.2.1", "10.0.0.100", 80, true}, {"192.0.2.1", "10.0.0.100", 81, false}, {"10.0.0.100", "10.0.0.50", 9, true},
		{"192.0.2.1", "10.1.2.3", 80, true}, {"192.0.2.1", "10.1.2.3", 81, false}, {"10.1.2.3", "192.0.2.1", 80, false},
	} {
		f := vswitch.Flow{Src: addr(c.src), Dst: addr(c.dst), Protocol: vswitch.ProtoTCP, SrcPort: 4000, DstPort: c.port}
		if got := p.Allows(f); got != c.want {
			t.Errorf("%s → %s:%d: %t", c.src, c.dst, c.port, got)
		}
	}
}

func TestChecks(t *testing.T) {
	good := vswitch.PortFilter{Port: port, Rules: []vswitch.Rule{{Direction: vswitch.Egress, PortMin: 5, PortMax: 5}, {Direction: vswitch.Ingress, PortMin: 5}}}
	if err := good.Check("n"); err != nil {
		t.Error(err)
	}
	with := func(change func(*vswitch.PortFilter)) error {
		f := good
		change(&f)
		return f.Check("n")
	}
	for what, err := range map[string]error{
		"network without id": vswitch.Network{}.Check(), "id with a slash": vswitch.Network{ID: "a/b"}.Check(),
		"id with a dash first": vswitch.Network{ID: "-a"}.Check(), "VNI too big": vswitch.Network{ID: "a", VNI: 1 << 24}.Check(),
		"MTU too small": vswitch.Network{ID: "a", MTU: 67}.Check(), "subnet without CIDR": vswitch.Network{ID: "a", Subnets: make([]vswitch.Subnet, 1)}.Check(),
		"another network's": good.Check("m"),
		"no MAC":            with(func(f *vswitch.PortFilter) { f.MAC = "" }),
		"long MAC":          with(func(f *vswitch.PortFilter) { f.MAC = "00:00:00:00:fe:80:00:00" }),
		"empty fixed IP":    with(func(f *vswitch.PortFilter) { f.FixedIPs = make([]netip.Addr, 1) }),
		"pair of nothing":   with(func(f *vswitch.PortFilter) { f.AllowedPairs = make([]vswitch.Pair, 1) }),
		"pair's MAC":        with(func(f *vswitch.PortFilter) { f.AllowedPairs = []vswitch.Pair{{MAC: "x", Prefix: vswitch.AnyIPv4}} }),
		"no direction":      with(func(f *vswitch.PortFilter) { f.Rules = make([]vswitch.Rule, 1) }),
		"ports backwards": with(func(f *vswitch.PortFilter) {
			f.Rules = []vswitch.Rule{{Direction: vswitch.Ingress, PortMin: 9, PortMax: 8}}
		}),
	} {
		if !errors.Is(err, vswitch.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n, want := range map[*vswitch.Network]int{{}: 1450, {Physnet: "x"}: 1500, {MTU: 9000, Physnet: "x"}: 9000} {
		if got := n.DefaultMTU(); got != want {
			t.Errorf("%+v has MTU %d", n, got)
		}
	}
}
