package vswitch

import (
	"net"
	"net/netip"
	"slices"
)

// A Flow is the first packet of a connection, or of what a firewall takes for
// one.
type Flow struct {
	Src, Dst         netip.Addr
	Protocol         uint8 // IANA number
	SrcPort, DstPort uint16
	// ICMPType and ICMPCode of ICMP and ICMPv6; nil: not known, which only a rule
	// for any type allows.
	ICMPType, ICMPCode *uint8
}

// A Binding is a source that a port may use.
type Binding struct {
	MAC    string // canonical, lower case
	Prefix netip.Prefix
}

// Bindings returns the sources that the port may use when port security is on:
// its fixed IPs, the link-local address of its MAC, and its allowed address
// pairs with theirs, without duplicates. MACs that do not parse are left out.
func (f PortFilter) Bindings() []Binding {
	var out []Binding
	add := func(mac string, p netip.Prefix) {
		b := Binding{MAC: mac, Prefix: p.Masked()}
		if b.Prefix.IsValid() && !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	own, err := ParseMAC(f.MAC)
	if err != nil {
		return nil
	}
	for _, a := range f.FixedIPs {
		a = a.Unmap()
		add(own.String(), netip.PrefixFrom(a, a.BitLen()))
	}
	add(own.String(), netip.PrefixFrom(LinkLocal(own), 128))
	for _, p := range f.AllowedPairs {
		mac := own
		if p.MAC != "" {
			if mac, err = ParseMAC(p.MAC); err != nil {
				continue
			}
		}
		add(mac.String(), p.Prefix)
		add(mac.String(), netip.PrefixFrom(LinkLocal(mac), 128))
	}
	return out
}

// LinkLocal returns the link-local IPv6 address made of a 48-bit MAC (RFC 4291,
// appendix A).
func LinkLocal(mac net.HardwareAddr) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80,
		8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]})
}

// Matches tells whether the rule allows a flow whose remote end is remote; the
// direction is the caller's to choose.
func (r Rule) Matches(f Flow, remote netip.Addr) bool {
	if f.Dst.Is6() != r.IPv6 {
		return false
	}
	if p := r.EffectiveProtocol(); p != 0 && p != f.Protocol {
		return false
	}
	if lo, hi, ok := r.Ports(); ok && (f.DstPort < lo || f.DstPort > hi) {
		return false
	}
	if t, c := r.ICMP(); t != nil {
		if f.ICMPType == nil || *f.ICMPType != *t {
			return false
		}
		if c != nil && (f.ICMPCode == nil || *f.ICMPCode != *c) {
			return false
		}
	}
	return slices.ContainsFunc(r.Remote, func(p netip.Prefix) bool { return p.Contains(remote) })
}

// EffectiveProtocol is the protocol number on the wire: ICMP under IPv6 is
// ICMPv6.
func (r Rule) EffectiveProtocol() uint8 {
	if r.IPv6 && r.Protocol == ProtoICMP {
		return ProtoICMPv6
	}
	return r.Protocol
}

// Ports returns the range of destination ports that the rule is limited to, and
// whether it is.
func (r Rule) Ports() (lo, hi uint16, limited bool) {
	switch r.Protocol {
	case ProtoTCP, ProtoUDP, ProtoDCCP, ProtoSCTP, ProtoUDPLite:
	default:
		return 0, 0, false
	}
	if r.PortMin == 0 && r.PortMax == 0 {
		return 0, 0, false
	}
	return r.PortMin, max(r.PortMin, r.PortMax), true
}

// ICMP returns the type and code that the rule is limited to, nil for any.
func (r Rule) ICMP() (typ, code *uint8) {
	if p := r.EffectiveProtocol(); p != ProtoICMP && p != ProtoICMPv6 || r.ICMPType == nil {
		return nil, nil
	}
	return r.ICMPType, r.ICMPCode
}

// Prefixes returns the prefixes of the rule's remote that are of its family,
// masked.
func (r Rule) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range r.Remote {
		if p.IsValid() && p.Addr().Is6() == r.IPv6 {
			out = append(out, p.Masked())
		}
	}
	return out
}

// ICMPv6 types that IPv6 can't work without (RFC 4861, RFC 2710, RFC 3810), as
// Neutron allows them whatever the rules say. Only routers send advertisements
// (134), so they are let in but never out.
var (
	neighbourEgress  = []uint8{131, 132, 133, 135, 136, 143}
	neighbourIngress = []uint8{130, 131, 132, 134, 135, 136}
)

// NeighbourTypes are the ICMPv6 types that are allowed in a direction always.
func NeighbourTypes(d Direction) []uint8 {
	if d == Egress {
		return slices.Clone(neighbourEgress)
	}
	return slices.Clone(neighbourIngress)
}

// Allows tells whether the port may begin (Egress) or be sent (Ingress) the
// flow. It does not look at who may use which source; Bindings does.
func (f PortFilter) Allows(d Direction, fl Flow) bool {
	if !f.AdminUp {
		return false
	}
	if !f.PortSecurity {
		return true
	}
	if fl.Protocol == ProtoICMPv6 && fl.Dst.Is6() && fl.ICMPType != nil {
		if slices.Contains(NeighbourTypes(d), *fl.ICMPType) {
			return true
		}
		if d == Egress && (*fl.ICMPType == 134 || *fl.ICMPType == 137) {
			return false
		}
	}
	remote := fl.Src
	if d == Egress {
		remote = fl.Dst
		switch {
		case isDHCP(fl, 68, 67, 546, 547): // asking is allowed,
			return true
		case isDHCP(fl, 67, 68, 547, 546): // answering is not
			return false
		}
	}
	for _, r := range f.Rules {
		if r.Direction == d && r.Matches(fl, remote) {
			return true
		}
	}
	return false
}

func isDHCP(f Flow, src4, dst4, src6, dst6 uint16) bool {
	if f.Protocol != ProtoUDP {
		return false
	}
	if f.Dst.Is4() {
		return f.SrcPort == src4 && f.DstPort == dst4
	}
	return f.SrcPort == src6 && f.DstPort == dst6
}

// A Policy is the filters of all of a host's ports on one network, arranged to
// judge flows. It is immutable.
type Policy struct {
	filters []PortFilter
	byAddr  map[netip.Addr][]int // fixed and single-address sources
	wide    []wideBinding        // sources of more than one address
}

type wideBinding struct {
	prefix netip.Prefix
	filter int
}

// NewPolicy arranges the filters.
func NewPolicy(filters []PortFilter) *Policy {
	p := &Policy{filters: slices.Clone(filters), byAddr: map[netip.Addr][]int{}}
	for i, f := range filters {
		for _, b := range f.Bindings() {
			if b.Prefix.IsSingleIP() {
				if at := p.byAddr[b.Prefix.Addr()]; !slices.Contains(at, i) {
					p.byAddr[b.Prefix.Addr()] = append(at, i)
				}
			} else {
				p.wide = append(p.wide, wideBinding{b.Prefix, i})
			}
		}
	}
	return p
}

// Allows tells whether the flow could begin now: whether a port that its source
// can be may send it and one that its destination can be may be sent it. An end
// that is no port of this host is somebody else's to judge.
func (p *Policy) Allows(f Flow) bool {
	return p.end(f.Src, Egress, f) && p.end(f.Dst, Ingress, f)
}

func (p *Policy) end(a netip.Addr, d Direction, f Flow) bool {
	local := false
	for _, i := range p.byAddr[a] {
		local = true
		if p.filters[i].Allows(d, f) {
			return true
		}
	}
	for _, w := range p.wide {
		if w.prefix.Contains(a) {
			local = true
			if p.filters[w.filter].Allows(d, f) {
				return true
			}
		}
	}
	return !local
}
