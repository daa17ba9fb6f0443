package bridge

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// portRules writes one port's chains.
type portRules struct {
	b        *batch
	f        vswitch.PortFilter
	tap      string
	number   uint16
	mac      net.HardwareAddr
	macs     []net.HardwareAddr // that it may use
	bindings []vswitch.Binding
}

func (p *portRules) add() error {
	if !p.f.AdminUp {
		return nil // named, and dropped by the base chains
	}
	var err error
	if p.mac, err = vswitch.ParseMAC(p.f.MAC); err != nil {
		return err
	}
	p.macs = []net.HardwareAddr{p.mac}
	if p.f.PortSecurity {
		p.bindings = p.f.Bindings()
	}
	for _, b := range p.bindings {
		m, err := net.ParseMAC(b.MAC)
		if err != nil {
			return fmt.Errorf("binding of %q: %w", b.MAC, err)
		}
		if !slices.ContainsFunc(p.macs, func(o net.HardwareAddr) bool { return slices.Equal(o, m) }) {
			p.macs = append(p.macs, m)
		}
	}
	p.from()
	p.to()
	p.toLeg()
	p.fromLeg()
	if p.f.PortSecurity {
		p.direction(vswitch.Egress, egressMap)
		p.direction(vswitch.Ingress, ingressMap)
	}
	return nil
}

// chain returns the port's chain that a map leads to.
func (p *portRules) chain(m *nftables.Set, kind expr.VerdictKind) chain {
	name := portChain(m.Name, p.tap)
	c, isNew := p.b.portChain(m.Table, name)
	if isNew {
		p.b.keep(p.b.conn.SetAddElements(m, []nftables.SetElement{{Key: mapKey(m, p.tap, p.number),
			VerdictData: &expr.Verdict{Kind: kind, Chain: name}}}))
	}
	return c
}

// ICMPv6 types (RFC 4861).
const (
	routerAdvertisement    = 134
	neighbourSolicitation  = 135
	neighbourAdvertisement = 136
	redirect               = 137
	echoRequest6           = 128
	echoRequest            = 8
)

// neighbourTarget matches the target of a neighbour's advertisement, in a prefix
// or a set.
func neighbourTarget(in part, set *nftables.Set) part {
	out := part{load(expr.PayloadBaseTransportHeader, 8, 16)}
	if set != nil {
		return append(out, &expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID})
	}
	return append(out, in...)
}

// from holds the port to its own sources.
func (p *portRules) from() {
	c := p.chain(fromMap, expr.VerdictGoto)
	c.rule(setMark(uint32(p.number) << 16))
	c.rule(jump(notLegChain))
	if !p.f.PortSecurity {
		c.rule(accept)
		return
	}
	advertised, _ := p.b.portChain(bridgeTable, portChain("advertised", p.tap))
	c.rule(etherType(etherIPv4), udpPorts(67, 68), drop)
	c.rule(etherType(etherIPv6), udpPorts(547, 546), drop)
	c.rule(etherType(etherIPv6), icmp6(routerAdvertisement), drop)
	c.rule(etherType(etherIPv6), icmp6(redirect), drop)
	c.rule(etherType(etherIPv6), icmp6(neighbourAdvertisement), jump(advertised.c.Name))
	for _, b := range p.bindings {
		mac, _ := net.ParseMAC(b.MAC) // add has parsed it
		if b.Prefix.Addr().Is4() {
			c.rule(etherFrom(mac), etherType(etherARP), arpIPv4(), arpSenderMAC(mac), arpSender.in(b.Prefix), accept)
			c.rule(etherFrom(mac), etherType(etherIPv4), src4.in(b.Prefix), accept)
			continue
		}
		c.rule(etherFrom(mac), etherType(etherIPv6), src6.in(b.Prefix), accept)
		advertised.rule(etherFrom(mac), neighbourTarget(inPrefix(b.Prefix), nil), back)
	}
	advertised.rule(drop)
	none4, none6 := netip.PrefixFrom(netip.IPv4Unspecified(), 32), netip.PrefixFrom(netip.IPv6Unspecified(), 128)
	for _, mac := range p.macs { // who has no address yet asks for one, or whether it is free
		c.rule(etherFrom(mac), etherType(etherIPv4), src4.in(none4), udpPorts(68, 67), accept)
		c.rule(etherFrom(mac), etherType(etherARP), arpOperation(1), arpSenderMAC(mac), arpSender.in(none4), accept)
		for _, t := range vswitch.NeighbourTypes(vswitch.Egress) {
			c.rule(etherFrom(mac), etherType(etherIPv6), src6.in(none6), icmp6(t), accept)
		}
	}
	c.rule(drop)
}

// to passes what is for the port's MACs or for many.
func (p *portRules) to() {
	c := p.chain(toMap, expr.VerdictGoto)
	c.rule(setReceiver(p.number))
	if !p.f.PortSecurity {
		c.rule(accept)
		return
	}
	for _, t := range []uint16{etherARP, etherIPv4, etherIPv6} {
		for _, mac := range p.macs {
			c.rule(etherTo(mac), etherType(t), accept)
		}
		c.rule(etherMulticast(), etherType(t), accept)
	}
	c.rule(drop)
}

// toLeg passes what a guest may want of the host: who has the leg's addresses,
// an address, its own metadata, an echo.
func (p *portRules) toLeg() {
	c := p.chain(toLegMap, expr.VerdictGoto)
	for _, from := range p.ownMACs() {
		c.rule(from, etherType(etherARP), arpOperation(1), arpTarget.inSet(leg4Set), accept)
		c.rule(from, etherType(etherIPv4), dst4.inSet(leg4Set), l4(unix.IPPROTO_ICMP), transport(0, echoRequest), accept)
		c.rule(from, etherType(etherIPv6), dst6.inSet(leg6Set), icmp6(echoRequest6), accept)
		for _, t := range []uint8{neighbourSolicitation, neighbourAdvertisement} {
			c.rule(from, etherType(etherIPv6), icmp6(t), accept)
		}
	}
	// The client's MAC in the request (chaddr) is whose lease is told.
	c.rule(etherFrom(p.mac), etherType(etherIPv4), udpPorts(68, 67), transport(8+28, p.mac...), accept)
	metadata := netip.PrefixFrom(vswitch.MetadataAddr, 32)
	for _, a := range p.f.FixedIPs {
		if a = a.Unmap(); a.Is4() {
			c.rule(etherFrom(p.mac), etherType(etherIPv4), src4.in(netip.PrefixFrom(a, 32)), dst4.in(metadata),
				l4(unix.IPPROTO_TCP), dstPorts(80, 80), accept)
		}
	}
	c.rule(drop)
}

// ownMACs matches each MAC that the port may use; any, if it may use any. Frames
// to link-local groups come here without passing prerouting.
func (p *portRules) ownMACs() []part {
	if !p.f.PortSecurity {
		return []part{nil}
	}
	var out []part
	for _, m := range p.macs {
		out = append(out, etherFrom(m))
	}
	return out
}

func (p *portRules) fromLeg() {
	c := p.chain(fromLegMap, expr.VerdictGoto)
	for _, mac := range p.macs {
		c.rule(etherTo(mac), accept)
	}
	c.rule(etherMulticast(), accept)
	c.rule(drop)
}

// direction writes what PortFilter.Allows judges by.
func (p *portRules) direction(d vswitch.Direction, m *nftables.Set) {
	c := p.chain(m, expr.VerdictJump)
	if d == vswitch.Egress { // as in from, but here fragments have been put together
		c.rule(ipVersion(true), icmp6(routerAdvertisement), drop)
		c.rule(ipVersion(true), icmp6(redirect), drop)
		c.rule(ipVersion(false), udpPorts(67, 68), drop)
		c.rule(ipVersion(true), udpPorts(547, 546), drop)
	}
	c.rule(ctState(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), back)
	c.rule(ctState(expr.CtStateBitINVALID), drop)
	c.rule(notSYN(), drop)
	for _, t := range vswitch.NeighbourTypes(d) {
		c.rule(ipVersion(true), icmp6(t), back)
	}
	if d == vswitch.Egress {
		c.rule(ipVersion(false), udpPorts(68, 67), back)
		c.rule(ipVersion(true), udpPorts(546, 547), back)
	}
	for _, r := range p.f.Rules {
		if r.Direction == d {
			p.allow(c, r)
		}
	}
	c.rule(drop)
}

func (p *portRules) allow(c chain, r vswitch.Rule) {
	remote, ok := p.remote(r)
	if !ok {
		return
	}
	parts := []part{ipVersion(r.IPv6)}
	if proto := r.EffectiveProtocol(); proto != 0 {
		parts = append(parts, l4(proto))
	}
	if lo, hi, limited := r.Ports(); limited {
		parts = append(parts, dstPorts(lo, hi))
	}
	if typ, code := r.ICMP(); typ != nil {
		parts = append(parts, transport(0, *typ))
		if code != nil {
			parts = append(parts, transport(1, *code))
		}
	}
	c.rule(append(parts, remote, back)...)
}

// remote matches the rule's remote end; not ok if it matches nothing.
func (p *portRules) remote(r vswitch.Rule) (_ part, ok bool) {
	at, key := src4, nftables.TypeIPAddr
	switch {
	case r.Direction == vswitch.Egress && r.IPv6:
		at = dst6
	case r.Direction == vswitch.Egress:
		at = dst4
	case r.IPv6:
		at = src6
	}
	if r.IPv6 {
		key = nftables.TypeIP6Addr
	}
	prefixes := disjoint(r.Prefixes())
	switch len(prefixes) {
	case 0:
		return nil, false
	case 1:
		return at.in(prefixes[0]), true
	}
	return at.inSet(p.b.anonymous(inetTable, key, true, intervals(prefixes))), true
}

// disjoint leaves out prefixes that lie in others; the rest is in order.
func disjoint(in []netip.Prefix) []netip.Prefix {
	slices.SortFunc(in, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	var out []netip.Prefix
	for _, p := range in {
		if len(out) == 0 || !out[len(out)-1].Contains(p.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// intervals turns disjoint prefixes in order into a set's elements: where each
// begins and where it has ended. One that begins where another ended joins it.
func intervals(prefixes []netip.Prefix) []nftables.SetElement {
	var out []nftables.SetElement
	var end netip.Addr
	for _, p := range prefixes {
		if end.IsValid() && end == p.Addr() {
			out = out[:len(out)-1]
		} else {
			out = append(out, nftables.SetElement{Key: p.Addr().AsSlice()})
		}
		if end = last(p).Next(); end.IsValid() {
			out = append(out, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
		}
	}
	return out
}

func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
