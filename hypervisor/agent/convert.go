package agent

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/hypervisor/dhcp"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/metadata"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// switchNetwork is a desired network in the switch's terms. It fails on what no
// server says.
func switchNetwork(n *hostapi.Network) (spec vswitch.Network, filters []vswitch.PortFilter, err error) {
	bad := func(what, value string, err error) error {
		return fmt.Errorf("network %s: %s %q: %w", n.Id, what, value, err)
	}
	spec = vswitch.Network{ID: n.Id, VNI: int(n.Vni), MTU: int(n.Mtu), Physnet: n.PhysicalNetwork}
	for _, p := range n.Peers {
		a, err := netip.ParseAddr(p)
		if err != nil {
			return spec, nil, bad("peer", p, err)
		}
		spec.Peers = append(spec.Peers, a)
	}
	for _, s := range n.Subnets {
		cidr, err := netip.ParsePrefix(s.Cidr)
		if err != nil {
			return spec, nil, bad("subnet", s.Cidr, err)
		}
		spec.Subnets = append(spec.Subnets, vswitch.Subnet{ID: s.Id, CIDR: cidr, Gateway: addr(s.Gateway), ServeGateway: s.ServeGateway, DHCP: s.Dhcp})
	}
	rules, err := ruleSets(n)
	if err != nil {
		return spec, nil, err
	}
	for _, p := range n.Ports {
		f := vswitch.PortFilter{Port: vswitch.Port{ID: p.Id, NetworkID: n.Id, MAC: p.Mac, MTU: int(n.Mtu)}, AdminUp: p.AdminUp && n.AdminUp, PortSecurity: p.PortSecurity}
		for _, ip := range p.FixedIps {
			f.FixedIPs = append(f.FixedIPs, addr(ip.Address))
		}
		for _, pair := range p.AllowedPairs {
			prefix, err := netip.ParsePrefix(pair.Prefix)
			if err != nil {
				return spec, nil, bad("allowed address pair", pair.Prefix, err)
			}
			f.AllowedPairs = append(f.AllowedPairs, vswitch.Pair{MAC: pair.Mac, Prefix: prefix})
		}
		for _, set := range p.RuleSets {
			f.Rules = append(f.Rules, rules[set]...)
		}
		filters = append(filters, f)
	}
	return spec, filters, nil
}

func ruleSets(n *hostapi.Network) (map[string][]vswitch.Rule, error) {
	members := map[string][]netip.Prefix{}
	for _, s := range n.AddressSets {
		for _, p := range s.Prefixes {
			prefix, err := netip.ParsePrefix(p)
			if err != nil {
				return nil, fmt.Errorf("network %s: address set %s: %w", n.Id, s.Id, err)
			}
			members[s.Id] = append(members[s.Id], prefix)
		}
	}
	sets := map[string][]vswitch.Rule{}
	for _, s := range n.RuleSets {
		for _, r := range s.Rules {
			rule := vswitch.Rule{Direction: vswitch.Ingress, IPv6: r.Ipv6, Protocol: uint8(r.Protocol), PortMin: uint16(r.PortMin), PortMax: uint16(r.PortMax),
				ICMPType: octet(r.IcmpType), ICMPCode: octet(r.IcmpCode)}
			if r.Egress {
				rule.Direction = vswitch.Egress
			}
			switch {
			case r.RemoteSet != "":
				rule.Remote = members[r.RemoteSet]
			case r.RemotePrefix != "":
				prefix, err := netip.ParsePrefix(r.RemotePrefix)
				if err != nil {
					return nil, fmt.Errorf("network %s: security group %s: %w", n.Id, s.Id, err)
				}
				rule.Remote = []netip.Prefix{prefix}
			case r.Ipv6:
				rule.Remote = []netip.Prefix{vswitch.AnyIPv6}
			default:
				rule.Remote = []netip.Prefix{vswitch.AnyIPv4}
			}
			sets[s.Id] = append(sets[s.Id], rule)
		}
	}
	return sets, nil
}

func octet(n *uint32) *uint8 {
	if n == nil {
		return nil
	}
	o := uint8(*n)
	return &o
}

// addr parses an address; the zero Addr for what is none.
func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

// lease is what DHCP tells the port with the MAC on a network.
func (a *Agent) lease(networkID string, mac net.HardwareAddr) (dhcp.Lease, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.networks[networkID]
	for _, p := range n.GetPorts() {
		if !strings.EqualFold(p.Mac, mac.String()) {
			continue
		}
		for _, ip := range p.FixedIps {
			s := subnetOf(n, ip.SubnetId)
			if s == nil || !s.Dhcp || !addr(ip.Address).Is4() {
				continue
			}
			cidr, err := netip.ParsePrefix(s.Cidr)
			if err != nil {
				return dhcp.Lease{}, false
			}
			l := dhcp.Lease{IP: addr(ip.Address), Subnet: cidr, Gateway: addr(s.Gateway), DNS: addrs(s.Dns), MTU: int(n.Mtu)}
			if s.ServeGateway {
				l.MetadataVia = l.Gateway
			}
			for _, r := range s.Routes {
				if dest, err := netip.ParsePrefix(r.Destination); err == nil {
					l.Routes = append(l.Routes, dhcp.Route{Dest: dest, Via: addr(r.NextHop)})
				}
			}
			if i := a.instances[p.InstanceId]; i != nil {
				l.Hostname = i.Hostname
			}
			return l, true
		}
	}
	return dhcp.Lease{}, false
}

func subnetOf(n *hostapi.Network, id string) *hostapi.Subnet {
	for _, s := range n.GetSubnets() {
		if s.Id == id {
			return s
		}
	}
	return nil
}

func addrs(list []string) []netip.Addr {
	out := make([]netip.Addr, 0, len(list))
	for _, s := range list {
		out = append(out, addr(s))
	}
	return out
}

// metadataAt is what the guest with the address on a network is told of itself.
func (a *Agent) metadataAt(networkID string, ip netip.Addr) (metadata.Instance, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.networks[networkID].GetPorts() {
		for _, f := range p.FixedIps {
			if addr(f.Address) != ip {
				continue
			}
			if i := a.instances[p.InstanceId]; i != nil {
				return metadataOf(i, a.networks), true
			}
		}
	}
	return metadata.Instance{}, false
}

// metadataOf describes an instance to itself.
func metadataOf(i *hostapi.Instance, networks map[string]*hostapi.Network) metadata.Instance {
	m := metadata.Instance{ID: i.Id, Name: i.Name, Hostname: i.Hostname, ProjectID: i.ProjectId, AvailabilityZone: i.AvailabilityZone,
		FlavorName: i.FlavorName, ImageID: i.ImageId, ReservationID: i.ReservationId, LaunchIndex: int(i.LaunchIndex), Metadata: maps.Clone(i.Metadata),
		SecurityGroups: slices.Clone(i.SecurityGroups)}
	if len(i.UserData) > 0 {
		m.UserData = slices.Clone(i.UserData)
	}
	if i.PublicKey != "" {
		m.Keys = []metadata.Key{{Name: i.KeyName, Data: i.PublicKey}}
	}
	for _, nic := range i.Nics {
		n := networks[nic.NetworkId]
		p := portOf(n, nic.PortId)
		if p == nil {
			continue
		}
		card := metadata.NIC{PortID: p.Id, NetworkID: nic.NetworkId, MAC: p.Mac, MTU: int(n.Mtu)}
		for _, f := range p.FixedIps {
			s := subnetOf(n, f.SubnetId)
			cidr, err := netip.ParsePrefix(s.GetCidr())
			if err != nil {
				continue
			}
			at := metadata.Address{IP: addr(f.Address), Subnet: cidr, Gateway: addr(s.Gateway), DHCP: s.Dhcp, DNS: addrs(s.Dns)}
			for _, r := range s.Routes {
				if dest, err := netip.ParsePrefix(r.Destination); err == nil {
					at.Routes = append(at.Routes, metadata.Route{Dest: dest, Via: addr(r.NextHop)})
				}
			}
			card.Addresses = append(card.Addresses, at)
		}
		m.NICs = append(m.NICs, card)
	}
	return m
}
