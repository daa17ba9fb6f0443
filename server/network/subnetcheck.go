package network

import (
	"net/netip"
	"slices"

	"github.com/cloudlet/cloudlet/statestore"
)

// Neutron's limits for one subnet.
const (
	maxDNS    = 5
	maxRoutes = 20
)

// checkCIDR refuses prefixes that cannot be a subnet.
func checkCIDR(op string, p netip.Prefix, dhcp bool) error {
	a := p.Addr()
	bad := func(why string) error {
		return invalid(op, "subnet", "/cidr", "Invalid input for cidr. Reason: '%s' is not a valid IP subnet: %s.", p, why)
	}
	switch {
	case !p.IsValid():
		return invalid(op, "subnet", "/cidr", "Invalid input for cidr. Reason: a subnet needs a CIDR such as 10.0.0.0/24.")
	case p != p.Masked():
		return bad("it has bits set beyond the mask; " + p.Masked().String() + " is recommended")
	case a.IsMulticast():
		return bad("multicast addresses cannot be given to ports")
	case a.IsLoopback():
		return bad("loopback addresses never leave a guest")
	case a.IsLinkLocalUnicast():
		return bad("link-local addresses (169.254.0.0/16, fe80::/10) are used for metadata and neighbours")
	case p.Bits() == 0 || a.Is4() && a.As4()[0] == 0:
		return bad("0.0.0.0/8 and ::/0 stand for no address")
	case a.Is4In6():
		return bad("write an IPv4 subnet as such")
	case dhcp && a.Is4() && p.Bits() > 30, dhcp && a.Is6() && p.Bits() > 126:
		return bad("it has no room for DHCP; use a larger one or enable_dhcp false")
	}
	return nil
}

// checkOverlap refuses a subnet that overlaps with another of its network (I4).
func checkOverlap(tx *statestore.Txn, op string, s Subnet) error {
	if standsIn(s.NetworkID) {
		return nil
	}
	for o := range Subnets.By(tx, "network", s.NetworkID) {
		if o.ID == s.ID || !o.CIDR.Overlaps(s.CIDR) {
			continue
		}
		e := invalid(op, "subnet", "/cidr", "Invalid input for operation: Requested subnet with cidr: %s for network: %s overlaps with another subnet: %s (%s).", s.CIDR, s.NetworkID, o.CIDR, o.ID)
		// One that the session has changed is to stay: it does not go out of the way.
		asItWas := func(r statestore.Reader) bool {
			was, ok := Subnets.Get(r, o.ID)
			return ok && was.Revision == o.Revision
		}
		if err := contest(tx, asItWas, e); err != nil {
			return err
		}
	}
	return nil
}

// onSubnet reports whether a port can hold the address: it lies in the prefix
// and is neither its network nor, in IPv4, its broadcast address (RFC 3021 for
// /31, RFC 4291 for the subnet-router anycast address).
func onSubnet(p netip.Prefix, a netip.Addr) bool {
	if !p.Contains(a) {
		return false
	}
	if p.Addr().Is6() {
		return a != p.Addr() || p.Bits() >= 127
	}
	return p.Bits() > 30 || a != p.Addr() && a != lastAddr(p)
}

// lastAddr returns the last address of the prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// firstHost returns the first address that a port can hold.
func firstHost(p netip.Prefix) netip.Addr {
	if a := p.Addr(); onSubnet(p, a) {
		return a
	}
	return p.Addr().Next()
}

func lastHost(p netip.Prefix) netip.Addr {
	if a := lastAddr(p); onSubnet(p, a) {
		return a
	}
	return lastAddr(p).Prev()
}

// defaultPools is everything that ports can hold but the gateway.
func defaultPools(p netip.Prefix, gateway netip.Addr) []Range {
	all := Range{firstHost(p), lastHost(p)}
	if !gateway.IsValid() || !all.Contains(gateway) {
		return []Range{all}
	}
	var pools []Range
	if gateway != all.First {
		pools = append(pools, Range{all.First, gateway.Prev()})
	}
	if gateway != all.Last {
		pools = append(pools, Range{gateway.Next(), all.Last})
	}
	return pools
}

func sortPools(pools []Range) []Range {
	pools = slices.Clone(pools)
	slices.SortFunc(pools, func(a, b Range) int { return a.First.Compare(b.First) })
	return pools
}

// check holds what must be true of a subnet by itself.
func (s Subnet) check(op string) error {
	if err := checkText(op, "subnet", map[string]string{"name": s.Name, "description": s.Description}); err != nil {
		return err
	}
	if err := s.checkGateway(op); err != nil {
		return err
	}
	if err := s.checkPools(op); err != nil {
		return err
	}
	if len(s.DNS) > maxDNS {
		return invalid(op, "subnet", "/dns_nameservers", "Unable to complete operation for %s. The number of DNS nameservers exceeds the limit %d.", s.ID, maxDNS)
	}
	for i, d := range s.DNS {
		if slices.Index(s.DNS, d) != i {
			return invalid(op, "subnet", "/dns_nameservers", "Invalid input for dns_nameservers. Reason: Duplicate nameserver '%s'.", d)
		}
	}
	if len(s.Routes) > maxRoutes {
		return invalid(op, "subnet", "/host_routes", "Unable to complete operation for %s. The number of host routes exceeds the limit %d.", s.ID, maxRoutes)
	}
	for i, r := range s.Routes {
		if r.Destination.Addr().Is4() != s.CIDR.Addr().Is4() || r.NextHop.Is4() != s.CIDR.Addr().Is4() {
			return invalid(op, "subnet", "/host_routes", "Invalid input for host_routes. Reason: %s via %s is not of the subnet's IP version.", r.Destination, r.NextHop)
		}
		if slices.Index(s.Routes, r) != i {
			return invalid(op, "subnet", "/host_routes", "Invalid input for host_routes. Reason: Duplicate hostroute %s via %s.", r.Destination, r.NextHop)
		}
	}
	return nil
}

func (s Subnet) checkGateway(op string) error {
	g := s.Gateway
	switch {
	case !g.IsValid():
		return nil
	case g.Is4() != s.CIDR.Addr().Is4():
		return invalid(op, "subnet", "/gateway_ip", "Invalid input for operation: gateway_ip '%s' does not match the ip_version of subnet %s.", g, s.CIDR)
	case g.Is6() && g.IsLinkLocalUnicast():
		return nil
	case !onSubnet(s.CIDR, g):
		return invalid(op, "subnet", "/gateway_ip", "Invalid input for operation: Gateway is not valid on subnet: %s is not a host address of %s.", g, s.CIDR)
	}
	return nil
}

func (s Subnet) checkPools(op string) error {
	const field = "/allocation_pools"
	for i, p := range s.Pools {
		switch {
		case p.First.Is4() != p.Last.Is4() || p.Last.Less(p.First):
			e := invalid(op, "subnet", field, "The allocation pool %s is not valid: its end comes before its start.", p)
			return e.Because(PoolInvalid)
		case !onSubnet(s.CIDR, p.First) || !onSubnet(s.CIDR, p.Last):
			return invalid(op, "subnet", field, "The allocation pool %s spans beyond the subnet cidr %s.", p, s.CIDR).Because(PoolOutside)
		case i > 0 && !s.Pools[i-1].Last.Less(p.First):
			return conflict(PoolsOverlap, op, "subnet", s.ID, field, "Found overlapping allocation pools: %s %s for subnet %s.", s.Pools[i-1], p, s.CIDR)
		case s.Gateway.IsValid() && p.Contains(s.Gateway):
			return conflict(GatewayInPool, op, "subnet", s.ID, field, "Gateway ip %s conflicts with allocation pool %s.", s.Gateway, p)
		}
	}
	return nil
}
