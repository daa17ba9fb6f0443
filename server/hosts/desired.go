package hosts

import (
	"encoding/base64"
	"net/netip"
	"slices"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// desiredOf returns all that shall be on a host, as of the state r.
func desiredOf(r statestore.Reader, hostID string) *hostapi.Desired {
	d := &hostapi.Desired{Whole: true}
	for _, i := range compute.InstancesOfHost(r, hostID) {
		d.Instances = append(d.Instances, desiredInstance(r, i))
	}
	byNetwork := map[string][]network.Port{}
	for _, p := range network.PortsOfHost(r, hostID) {
		byNetwork[p.NetworkID] = append(byNetwork[p.NetworkID], p)
	}
	for id, ports := range byNetwork {
		if n, ok := network.Networks.Get(r, id); ok {
			d.Networks = append(d.Networks, desiredNetwork(r, hostID, n, ports))
		}
	}
	return d
}

func desiredInstance(r statestore.Reader, i compute.Instance) *hostapi.Instance {
	const gib = 1 << 30
	userData, _ := base64.StdEncoding.DecodeString(i.UserData) // checked when it was taken in
	m := &hostapi.Instance{
		Id: i.ID, Generation: i.Generation, Name: i.Name, Hostname: i.Hostname, ProjectId: i.ProjectID,
		Power: string(i.Desired), Asked: i.State != compute.Active && i.State != compute.Errored, RebootSerial: i.RebootSerial, RebootSoft: i.RebootSoft,
		Vcpus: int64(i.Flavor.VCPUs), MemoryMib: int64(i.Flavor.MemoryMiB), DiskBytes: max(int64(i.Flavor.DiskGiB)*gib, i.Image.VirtualSize),
		FlavorName: i.Flavor.Name, ExtraSpecs: i.Flavor.ExtraSpecs,
		ImageId: i.Image.ID, ImageSha256: i.Image.SHA256, ImageFormat: i.Image.Format, ImageProperties: i.Image.Properties,
		KeyName: i.KeyName, PublicKey: i.PublicKey, UserData: userData, Metadata: i.Metadata, ConfigDrive: i.ConfigDrive,
		AvailabilityZone: i.Zone, ReservationId: i.ReservationID, LaunchIndex: int64(i.LaunchIndex),
	}
	for _, g := range compute.GroupsOf(r, i) {
		m.SecurityGroups = append(m.SecurityGroups, g.Name)
	}
	for _, p := range compute.PortsOf(r, i) {
		if p.HostID == i.HostID {
			m.Nics = append(m.Nics, &hostapi.Nic{PortId: p.ID, NetworkId: p.NetworkID})
		}
	}
	return m
}

func desiredNetwork(r statestore.Reader, hostID string, n network.Network, ports []network.Port) *hostapi.Network {
	m := &hostapi.Network{Id: n.ID, Vni: int64(n.VNI), Mtu: int64(n.MTU), PhysicalNetwork: n.PhysicalNetwork, AdminUp: n.AdminStateUp}
	if n.Type == network.VXLAN {
		m.Peers = peers(r, hostID, n.ID)
	}
	for _, s := range network.SubnetsOfNetwork(r, n.ID) {
		m.Subnets = append(m.Subnets, desiredSubnet(r, n, s))
	}
	sets := map[string]bool{}
	for _, p := range ports {
		m.Ports = append(m.Ports, desiredPort(p))
		for _, g := range p.SecurityGroups {
			sets[g] = true
		}
	}
	members := map[string]bool{}
	for _, id := range sorted(sets) {
		set := &hostapi.RuleSet{Id: id}
		for _, rule := range network.SecurityGroupRules(r, id) {
			set.Rules = append(set.Rules, desiredRule(rule))
			if rule.RemoteGroupID != "" {
				members[rule.RemoteGroupID] = true
			}
		}
		m.RuleSets = append(m.RuleSets, set)
	}
	for _, id := range sorted(members) {
		set := &hostapi.AddressSet{Id: id}
		for _, p := range network.SecurityGroupAddresses(r, id) {
			set.Prefixes = append(set.Prefixes, p.String())
		}
		m.AddressSets = append(m.AddressSets, set)
	}
	return m
}

func sorted(set map[string]bool) []string {
	ids := make([]string, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// peers are the tunnel addresses of the other hosts with ports in a network.
func peers(r statestore.Reader, hostID, networkID string) []string {
	seen := map[string]bool{"": true, hostID: true}
	var out []string
	for p := range network.Ports.By(r, "network", networkID) {
		if seen[p.HostID] {
			continue
		}
		seen[p.HostID] = true
		if h, ok := compute.Hosts.Get(r, p.HostID); ok && h.VTEP.IsValid() {
			out = append(out, h.VTEP.String())
		}
	}
	slices.Sort(out)
	return out
}

func desiredSubnet(r statestore.Reader, n network.Network, s network.Subnet) *hostapi.Subnet {
	m := &hostapi.Subnet{Id: s.ID, Cidr: s.CIDR.String(), Gateway: address(s.Gateway), Dhcp: s.DHCP}
	if s.Gateway.IsValid() && n.Type == network.VXLAN {
		_, aPorts := network.Ports.First(r, "address", statestore.Key(s.ID, s.Gateway.String()))
		m.ServeGateway = !aPorts
	}
	for _, a := range s.DNS {
		m.Dns = append(m.Dns, a.String())
	}
	for _, route := range s.Routes {
		m.Routes = append(m.Routes, &hostapi.Route{Destination: route.Destination.String(), NextHop: route.NextHop.String()})
	}
	return m
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func desiredPort(p network.Port) *hostapi.Port {
	m := &hostapi.Port{Id: p.ID, Mac: p.MAC, AdminUp: p.AdminStateUp, PortSecurity: p.PortSecurity, RuleSets: p.SecurityGroups, InstanceId: p.DeviceID}
	for _, f := range p.FixedIPs {
		m.FixedIps = append(m.FixedIps, &hostapi.FixedIP{SubnetId: f.SubnetID, Address: f.Address.String()})
	}
	for _, a := range p.AllowedPairs {
		m.AllowedPairs = append(m.AllowedPairs, &hostapi.AddressPair{Mac: a.MAC, Prefix: a.Prefix.String()})
	}
	return m
}

func desiredRule(s network.SecurityRule) *hostapi.Rule {
	m := &hostapi.Rule{Egress: s.Direction == network.Egress, Ipv6: s.Ethertype == network.IPv6, RemoteSet: s.RemoteGroupID}
	if s.RemotePrefix.IsValid() {
		m.RemotePrefix = s.RemotePrefix.String()
	}
	number, some := s.ProtocolNumber()
	if some {
		m.Protocol = uint32(number)
	}
	if number == 1 || number == 58 { // ICMP, ICMPv6: type and code
		m.IcmpType, m.IcmpCode = unsigned(s.PortMin), unsigned(s.PortMax)
		return m
	}
	if s.PortMin != nil && s.PortMax != nil {
		m.PortMin, m.PortMax = uint32(*s.PortMin), uint32(*s.PortMax)
	}
	return m
}

func unsigned(n *int) *uint32 {
	if n == nil {
		return nil
	}
	u := uint32(*n)
	return &u
}
