package fake

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// A Packet is what a port sends: a frame's source and the flow it belongs to.
type Packet struct {
	SrcMAC string
	vswitch.Flow
	// Continues tells that a TCP packet does not ask for a connection, as the
	// first one (SYN) does.
	Continues bool
}

// Passes tells whether a packet that begins a flow would come from one active
// port to another of this host on the same network.
func (s *Switch) Passes(networkID, from, to string, p Packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.networks[networkID].judge(from, to, p, false)
}

// Send sends a packet from one active port to another of this host and tells
// whether it arrives. What arrives begins a flow, or belongs to one that did:
// its answers pass too, until filters refuse it.
func (s *Switch) Send(networkID, from, to string, p Packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.networks[networkID]
	if n == nil {
		return false
	}
	key, answer := keyOf(p.Flow)
	_, known := n.flows[key]
	_, asked := n.flows[answer]
	if !known && !asked && p.Protocol == vswitch.ProtoTCP && p.Continues {
		return false
	}
	if !n.judge(from, to, p, known || asked) {
		return false
	}
	if !known && !asked {
		n.flows[key] = p.Flow
	}
	return true
}

// judge looks at both ends; rules do not matter to an established flow.
func (n *network) judge(from, to string, p Packet, established bool) bool {
	if n == nil {
		return false
	}
	src, okSrc := n.filters[from]
	dst, okDst := n.filters[to]
	_, upSrc := n.ports[from]
	_, upDst := n.ports[to]
	if !okSrc || !okDst || !upSrc || !upDst || !src.AdminUp || !dst.AdminUp || n.isLeg(p.Src) {
		return false
	}
	if src.PortSecurity && (!owns(src, p.SrcMAC, p.Src) || answersDHCP(p.Flow)) {
		return false
	}
	return established || src.Allows(vswitch.Egress, p.Flow) && dst.Allows(vswitch.Ingress, p.Flow)
}

// isLeg tells whether the address is the host's own in the network.
func (n *network) isLeg(a netip.Addr) bool {
	return a == vswitch.MetadataAddr || slices.ContainsFunc(n.spec.Subnets, func(s vswitch.Subnet) bool {
		return s.ServeGateway && n.spec.Physnet == "" && s.Gateway == a
	})
}

// cutRefused forgets the flows that could not begin now.
func (n *network) cutRefused() {
	policy := vswitch.NewPolicy(slices.Collect(maps.Values(n.filters)))
	maps.DeleteFunc(n.flows, func(_ flowKey, f vswitch.Flow) bool { return !policy.Allows(f) })
}

// A flowKey is a direction of a flow.
type flowKey struct {
	src, dst         netip.Addr
	protocol         uint8
	srcPort, dstPort uint16
}

// keyOf returns the flow's key and that of the flow it would answer. An echo and
// its reply, which have no ports, differ in their direction alone.
func keyOf(f vswitch.Flow) (key, answer flowKey) {
	key = flowKey{f.Src, f.Dst, f.Protocol, f.SrcPort, f.DstPort}
	return key, flowKey{f.Dst, f.Src, f.Protocol, f.DstPort, f.SrcPort}
}

func answersDHCP(f vswitch.Flow) bool {
	if f.Protocol != vswitch.ProtoUDP {
		return false
	}
	if f.Dst.Is4() {
		return f.SrcPort == 67 && f.DstPort == 68
	}
	return f.SrcPort == 547 && f.DstPort == 546
}

// owns tells whether the port may use the source.
func owns(f vswitch.PortFilter, mac string, ip netip.Addr) bool {
	return slices.ContainsFunc(f.Bindings(), func(b vswitch.Binding) bool {
		return b.MAC == mac && b.Prefix.Contains(ip)
	})
}
