package vswitchtest

import (
	"net/netip"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// pair makes network a with ports 1 and 2, whose guests run.
func (f *fixture) pair() {
	f.Helper()
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	f.start(f.h, "a", 1, 2)
}

func defaultDeny(f *fixture) {
	f.pair()
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, anyOut()...))
	flows := map[string]vswitch.Flow{"TCP": tcp(1, 2, 80), "UDP": udp(1, 2, 53), "ICMP": icmp(1, 2, 8),
		"TCP over IPv6": overIPv6(tcp(1, 2, 80), 1, 2), "SCTP": {Src: ip4(1), Dst: ip4(2), Protocol: vswitch.ProtoSCTP, DstPort: 9}}
	for what, fl := range flows {
		f.drops(what+" without a rule", "a", 1, 2, fl, Begins)
	}
	in := []vswitch.Rule{{Direction: vswitch.Ingress, Remote: []netip.Prefix{vswitch.AnyIPv4}}, {Direction: vswitch.Ingress, IPv6: true, Remote: []netip.Prefix{vswitch.AnyIPv6}}}
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, in...))
	delete(flows, "SCTP") // whose packet is none that a kernel tracks
	for what, fl := range flows {
		f.passes(what+" with a rule for all", "a", 1, 2, fl, Begins)
	}
	f.filters("a", filter("a", 1), filter("a", 2, in...))
	f.drops("out of a port without rules", "a", 1, 2, udp(1, 2, 54), Begins)
}

func rules(f *fixture) {
	f.pair()
	in := func(r vswitch.Rule) vswitch.Rule {
		r.Direction = vswitch.Ingress
		if r.Remote == nil {
			r.Remote = []netip.Prefix{vswitch.AnyIPv4}
			if r.IPv6 {
				r.Remote = []netip.Prefix{vswitch.AnyIPv6}
			}
		}
		return r
	}
	prefixes := func(ss ...string) []netip.Prefix {
		var out []netip.Prefix
		for _, s := range ss {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	eight, zero, three := uint8(8), uint8(0), uint8(3)
	icmp6 := overIPv6(vswitch.Flow{Protocol: vswitch.ProtoICMPv6, ICMPType: new(uint8(128)), ICMPCode: &zero}, 1, 2)
	for _, c := range []struct {
		name string
		rule vswitch.Rule
		flow vswitch.Flow
		want bool
	}{
		{"port", tcpIn(80), tcp(1, 2, 80), true},
		{"port below", tcpIn(80), tcp(1, 2, 79), false},
		{"port of another protocol", tcpIn(80), udp(1, 2, 80), false},
		{"range, first", in(vswitch.Rule{Protocol: vswitch.ProtoUDP, PortMin: 5000, PortMax: 5010}), udp(1, 2, 5000), true},
		{"range, last", in(vswitch.Rule{Protocol: vswitch.ProtoUDP, PortMin: 5000, PortMax: 5010}), udp(1, 2, 5010), true},
		{"range, after", in(vswitch.Rule{Protocol: vswitch.ProtoUDP, PortMin: 5000, PortMax: 5010}), udp(1, 2, 5011), false},
		{"all ports", in(vswitch.Rule{Protocol: vswitch.ProtoTCP}), tcp(1, 2, 65535), true},
		{"remote", tcpIn(80, prefixes("10.0.0.11/32")...), tcp(1, 2, 80), true},
		{"remote wider, host bits set", tcpIn(80, prefixes("10.0.0.77/24")...), tcp(1, 2, 80), true},
		{"remote elsewhere", tcpIn(80, prefixes("10.0.0.3/32")...), tcp(1, 2, 80), false},
		{"remote group", tcpIn(80, prefixes("10.0.0.9/32", "10.0.0.11/32", "10.0.0.8/32")...), tcp(1, 2, 80), true},
		{"remote group of others", tcpIn(80, prefixes("10.0.0.10/32", "10.0.0.12/31", "10.0.0.8/32")...), tcp(1, 2, 80), false},
		{"remote group with overlaps", tcpIn(80, prefixes("10.0.0.8/30", "10.0.0.11/32", "10.0.0.12/30", "0.0.0.0/8")...), tcp(1, 2, 80), true},
		{"remote group to the last address", tcpIn(80, prefixes("10.0.0.11/32", "128.0.0.0/1")...), tcp(1, 2, 80), true},
		{"remote group without members", in(vswitch.Rule{Protocol: vswitch.ProtoTCP, Remote: []netip.Prefix{}}), tcp(1, 2, 80), false},
		{"ICMP", in(vswitch.Rule{Protocol: vswitch.ProtoICMP}), icmp(1, 2, 8), true},
		{"ICMP type", in(vswitch.Rule{Protocol: vswitch.ProtoICMP, ICMPType: &eight}), icmp(1, 2, 8), true},
		{"ICMP type and code", in(vswitch.Rule{Protocol: vswitch.ProtoICMP, ICMPType: &eight, ICMPCode: &zero}), icmp(1, 2, 8), true},
		{"ICMP another code", in(vswitch.Rule{Protocol: vswitch.ProtoICMP, ICMPType: &eight, ICMPCode: &three}), icmp(1, 2, 8), false},
		{"ICMP another type", in(vswitch.Rule{Protocol: vswitch.ProtoICMP, ICMPType: &three}), icmp(1, 2, 8), false},
		{"ICMPv6", in(vswitch.Rule{IPv6: true, Protocol: vswitch.ProtoICMP}), icmp6, true},
		{"ICMPv6 by its number", in(vswitch.Rule{IPv6: true, Protocol: vswitch.ProtoICMPv6}), icmp6, true},
		{"ICMP is not ICMPv6", in(vswitch.Rule{Protocol: vswitch.ProtoICMP}), icmp6, false},
		{"IPv6 remote group", in(vswitch.Rule{IPv6: true, Protocol: vswitch.ProtoTCP, Remote: prefixes("2001:db8::9/128", "2001:db8::1/128", "ffff::/16")}), overIPv6(tcp(1, 2, 80), 1, 2), true},
		{"IPv6 rule for IPv4", in(vswitch.Rule{IPv6: true, Protocol: vswitch.ProtoTCP}), tcp(1, 2, 80), false},
		{"IPv4 rule for IPv6", tcpIn(80), overIPv6(tcp(1, 2, 80), 1, 2), false},
		{"any protocol", in(vswitch.Rule{}), udp(1, 2, 7), true},
	} {
		f.filters("a", filter("a", 1, anyOut()...), filter("a", 2))
		f.drops(c.name+": before the rule", "a", 1, 2, c.flow, Begins)
		f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, c.rule))
		if got := f.sends("a", 1, 2, c.flow, Begins); got != c.want {
			f.Errorf("%s: arrived: %t", c.name, got)
		}
	}
	f.filters("a", filter("a", 1, vswitch.Rule{Direction: vswitch.Egress, Protocol: vswitch.ProtoUDP, PortMin: 53, Remote: prefixes("10.0.0.12/32")}), filter("a", 2, in(vswitch.Rule{})))
	f.passes("egress: allowed", "a", 1, 2, udp(1, 2, 53), Begins)
	f.drops("egress: another port", "a", 1, 2, udp(1, 2, 55), Begins)
}

// notNamed: nothing passes before filters that name a port, nor when it is down
// or not active.
func notNamed(f *fixture) {
	f.pair()
	all := func(n int) vswitch.PortFilter {
		return filter("a", n, append(anyOut(), vswitch.Rule{Direction: vswitch.Ingress, Remote: []netip.Prefix{vswitch.AnyIPv4}})...)
	}
	f.drops("before any filters", "a", 1, 2, udp(1, 2, 1), Begins)
	f.filters("a", all(1))
	f.drops("to one not named", "a", 1, 2, udp(1, 2, 2), Begins)
	f.drops("from one not named", "a", 2, 1, udp(2, 1, 3), Begins)
	f.filters("a", all(1), all(2))
	f.passes("both named", "a", 1, 2, udp(1, 2, 4), Begins)
	down := all(2)
	down.AdminUp = false
	f.filters("a", all(1), down)
	f.drops("to one that is down", "a", 1, 2, udp(1, 2, 4), Begins)
	f.drops("from one that is down", "a", 2, 1, answered(udp(1, 2, 4)), Answers)
	open := down
	open.PortSecurity = false
	f.filters("a", all(1), open)
	f.drops("down, without port security", "a", 1, 2, udp(1, 2, 4), Begins)
	f.filters("a", all(1), all(2))
	f.passes("up again", "a", 1, 2, udp(1, 2, 4), Begins)
	f.filters("a")
	f.drops("no longer named", "a", 1, 2, udp(1, 2, 4), Begins)
}

func states(f *fixture) {
	f.pair()
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, tcpIn(80), vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoICMP, Remote: []netip.Prefix{vswitch.AnyIPv4}}))
	// Neither may 2 send, nor 1 be sent anything: only answers.
	f.drops("an answer to nothing", "a", 2, 1, answered(tcp(1, 2, 80)), Answers)
	f.passes("begins", "a", 1, 2, tcp(1, 2, 80), Begins)
	f.passes("answers", "a", 2, 1, answered(tcp(1, 2, 80)), Answers)
	f.passes("continues", "a", 1, 2, tcp(1, 2, 80), Continues)
	f.passes("answers on", "a", 2, 1, answered(tcp(1, 2, 80)), AnswersOn)
	f.drops("from another port", "a", 2, 1, answered(tcp(1, 2, 81)), Answers)
	f.passes("echo request", "a", 1, 2, icmp(1, 2, 8), Begins)
	f.passes("echo reply", "a", 2, 1, answered(icmp(1, 2, 8)), Answers)
}

// cut: a connection that the newest filters refuse ends, in both directions and
// for good; others are not disturbed.
func cut(f *fixture) {
	f.pair()
	out := filter("a", 1, anyOut()...)
	in := anyOut()[0]
	in.Direction = vswitch.Ingress
	back := filter("a", 1, append(anyOut(), in)...)
	f.filters("a", out, filter("a", 2, tcpIn(80), tcpIn(81), vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoICMP, ICMPType: new(uint8(8)), Remote: []netip.Prefix{vswitch.AnyIPv4}}))
	for _, port := range []uint16{80, 81} {
		f.passes("begins", "a", 1, 2, tcp(1, 2, port), Begins)
		f.passes("answers", "a", 2, 1, answered(tcp(1, 2, port)), Answers)
		f.passes("continues", "a", 1, 2, tcp(1, 2, port), Continues)
	}
	f.passes("echo request", "a", 1, 2, icmp(1, 2, 8), Begins)
	f.filters("a", out, filter("a", 2, tcpIn(81), vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoICMP, ICMPType: new(uint8(8)), Remote: []netip.Prefix{vswitch.AnyIPv4}}))
	f.drops("continues, refused", "a", 1, 2, tcp(1, 2, 80), Continues)
	f.drops("answers on, refused", "a", 2, 1, answered(tcp(1, 2, 80)), AnswersOn)
	f.passes("continues, allowed still", "a", 1, 2, tcp(1, 2, 81), Continues)
	f.passes("answers on, allowed still", "a", 2, 1, answered(tcp(1, 2, 81)), AnswersOn)
	f.passes("echo reply, allowed still", "a", 2, 1, answered(icmp(1, 2, 8)), Answers)
	// 2 may now send and 1 be sent anything: what was cut is not taken up again.
	f.filters("a", back, filter("a", 2, anyOut()...))
	f.drops("taken up by an answer", "a", 2, 1, answered(tcp(1, 2, 80)), AnswersOn)
	f.drops("and by what follows it", "a", 1, 2, tcp(1, 2, 80), Continues)
	f.passes("a new one, the other way", "a", 2, 1, tcp(2, 1, 80), Begins)
	f.filters("a", back, filter("a", 2))
	f.drops("whose sender may no more", "a", 1, 2, answered(tcp(2, 1, 80)), Answers)
}

func spoofing(f *fixture) {
	f.pair()
	all := vswitch.Rule{Direction: vswitch.Ingress, Remote: []netip.Prefix{vswitch.AnyIPv4}}
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, all, vswitch.Rule{Direction: vswitch.Ingress, IPv6: true, Remote: []netip.Prefix{vswitch.AnyIPv6}}))
	send := func(mac string, fl vswitch.Flow) bool {
		return f.w.Send(f.T, End{f.h, port("a", 1)}, End{f.h, port("a", 2)}, Packet{SrcMAC: mac, Flow: fl})
	}
	own := port("a", 1).MAC
	linkLocal := func(mac string) vswitch.Flow {
		m, err := vswitch.ParseMAC(mac)
		f.must(err)
		fl := overIPv6(udp(1, 2, 9), 1, 2)
		fl.Src = vswitch.LinkLocal(m)
		return fl
	}
	server := vswitch.Flow{Src: ip4(1), Dst: ip4(2), Protocol: vswitch.ProtoUDP, SrcPort: 67, DstPort: 68}
	asking := vswitch.Flow{Src: ip4(1), Dst: ip4(2), Protocol: vswitch.ProtoUDP, SrcPort: 68, DstPort: 67}
	for what, c := range map[string]struct {
		mac  string
		flow vswitch.Flow
		want bool
	}{
		"own":                          {own, udp(1, 2, 9), true},
		"another MAC":                  {"fa:16:3e:00:00:99", udp(1, 2, 9), false},
		"the other port's MAC":         {port("a", 2).MAC, udp(1, 2, 9), false},
		"another address":              {own, udp(3, 2, 9), false},
		"the gateway's address":        {own, from(udp(1, 2, 9), "10.0.0.1"), false},
		"the metadata service's":       {own, from(udp(1, 2, 9), "169.254.169.254"), false},
		"own IPv6":                     {own, overIPv6(udp(1, 2, 9), 1, 2), true},
		"another IPv6 address":         {own, overIPv6(udp(1, 2, 9), 3, 2), false},
		"own link-local address":       {own, linkLocal(own), true},
		"another's link-local address": {own, linkLocal("fa:16:3e:00:00:77"), false},
		"a DHCP server":                {own, server, false},
		"a DHCP client":                {own, asking, true},
	} {
		if got := send(c.mac, c.flow); got != c.want {
			f.Errorf("%s: arrived: %t", what, got)
		}
	}
}

func allowedPairs(f *fixture) {
	f.pair()
	one := filter("a", 1, anyOut()...)
	one.AllowedPairs = []vswitch.Pair{{Prefix: netip.MustParsePrefix("10.0.0.100/32")}, {MAC: "fa:16:3e:00:00:aa", Prefix: netip.MustParsePrefix("172.16.0.0/16")},
		{Prefix: netip.MustParsePrefix("169.254.0.0/16")}}
	all := vswitch.Rule{Direction: vswitch.Ingress, Remote: []netip.Prefix{vswitch.AnyIPv4}}
	f.filters("a", one, filter("a", 2, all))
	for what, c := range map[string]struct {
		mac, from string
		want      bool
	}{
		"own":                     {one.MAC, "10.0.0.11", true},
		"pair":                    {one.MAC, "10.0.0.100", true},
		"beside the pair":         {one.MAC, "10.0.0.101", false},
		"prefix":                  {"fa:16:3e:00:00:aa", "172.16.3.4", true},
		"prefix, another MAC":     {one.MAC, "172.16.3.4", false},
		"own address, pair's MAC": {"fa:16:3e:00:00:aa", "10.0.0.11", false},
		"in a prefix, the host's": {one.MAC, "169.254.169.254", false},
		"in that prefix":          {one.MAC, "169.254.1.1", true},
	} {
		got := f.w.Send(f.T, End{f.h, port("a", 1)}, End{f.h, port("a", 2)}, Packet{SrcMAC: c.mac, Flow: from(udp(1, 2, 9), c.from)})
		if got != c.want {
			f.Errorf("%s: arrived: %t", what, got)
		}
	}
}

func portSecurityOff(f *fixture) {
	f.pair()
	off := filter("a", 1)
	off.PortSecurity = false
	all := vswitch.Rule{Direction: vswitch.Ingress, Remote: []netip.Prefix{vswitch.AnyIPv4}}
	f.filters("a", off, filter("a", 2, all))
	send := func(mac, source string) bool {
		return f.w.Send(f.T, End{f.h, port("a", 1)}, End{f.h, port("a", 2)}, Packet{SrcMAC: mac, Flow: from(udp(1, 2, 9), source)})
	}
	if !send(off.MAC, "10.0.0.9") || !send("fa:16:3e:00:00:99", "192.0.2.1") {
		f.Error("a port without port security may not use other sources")
	}
	if send(off.MAC, "10.0.0.1") || send(off.MAC, "169.254.169.254") {
		f.Error("a port without port security can be the host")
	}
	f.filters("a", off, filter("a", 2, append(anyOut(), all)...))
	f.passes("to it, without a rule", "a", 2, 1, tcp(2, 1, 22), Begins)
}
