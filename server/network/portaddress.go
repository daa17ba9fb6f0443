package network

import (
	"encoding/hex"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// maxFixedIPs and maxPairs are Neutron's limits for one port.
const (
	maxFixedIPs = 5
	maxPairs    = 10
)

// macBase begins the MACs that we give: Neutron's, locally administered.
const macBase = "fa:16:3e:"

// ParseMAC returns a MAC as Port keeps it; false if it is none that a NIC can have.
func ParseMAC(s string) (string, bool) {
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != 6 || hw[0]&1 != 0 || slices.Equal(hw, make([]byte, 6)) {
		return "", false
	}
	return hw.String(), true
}

// takeMAC gives the port the MAC that is wanted, or a free one.
func takeMAC(tx *statestore.Txn, op string, p *Port, want string) error {
	if want != "" {
		return p.claimMAC(tx, op, want)
	}
	for {
		id := strings.ReplaceAll(tx.NewID(), "-", "")
		b, err := hex.DecodeString(id[len(id)-6:])
		if err != nil {
			return &cloud.Error{Kind: cloud.Internal, Op: op, Resource: "port", Err: err}
		}
		p.MAC = macBase + net.HardwareAddr(b).String()
		if _, taken := Ports.First(tx, "mac", statestore.Key(p.NetworkID, p.MAC)); !taken || standsIn(p.NetworkID) {
			return nil
		}
	}
}

func (p *Port) claimMAC(tx *statestore.Txn, op, want string) error {
	mac, ok := ParseMAC(want)
	if !ok {
		return invalid(op, "port", "/mac_address", "Invalid input for mac_address. Reason: '%s' is not a valid MAC address of a NIC.", want)
	}
	p.MAC = mac
	if standsIn(p.NetworkID) {
		return nil
	}
	for o := range Ports.By(tx, "mac", statestore.Key(p.NetworkID, mac)) {
		if o.ID == p.ID {
			continue
		}
		e := conflict(MACInUse, op, "port", p.ID, "/mac_address", "Unable to complete operation for network %s. The mac address %s is in use.", p.NetworkID, mac)
		if err := contest(tx, exists(Ports, o.ID), e); err != nil {
			return err
		}
	}
	return nil
}

// changeMAC gives an unbound port another MAC; allowed pairs that had the old
// one follow.
func (p *Port) changeMAC(tx *statestore.Txn, op, want string) error {
	old := p.MAC
	if mac, ok := ParseMAC(want); ok && mac == old {
		return nil
	}
	if p.HostID != "" {
		return conflict(PortBound, op, "port", p.ID, "/mac_address", "Unable to complete operation on port %s, port is already bound, port type: bridge, old_mac %s, new_mac %s.", p.ID, old, want)
	}
	if err := p.claimMAC(tx, op, want); err != nil {
		return err
	}
	p.AllowedPairs = slices.Clone(p.AllowedPairs)
	for i := range p.AllowedPairs {
		if p.AllowedPairs[i].MAC == old {
			p.AllowedPairs[i].MAC = p.MAC
		}
	}
	return nil
}

// takeAddresses gives a new port its addresses.
func takeAddresses(tx *statestore.Txn, op string, p *Port, n Network, want *[]FixedIP) error {
	if want == nil {
		return takeUsual(tx, op, p, n)
	}
	var have []FixedIP
	return takeWanted(tx, op, p, n, have, *want)
}

// takeUsual gives one address of each IP version that the network has subnets for.
func takeUsual(tx *statestore.Txn, op string, p *Port, n Network) error {
	if standsIn(n.ID) {
		return nil
	}
	subnets := SubnetsOfNetwork(tx, n.ID)
	for _, v6 := range []bool{false, true} {
		any, done := false, false
		for _, s := range subnets {
			if s.CIDR.Addr().Is6() != v6 {
				continue
			}
			any = true
			if a, ok := addressNext(tx, s); ok {
				p.FixedIPs, done = append(p.FixedIPs, FixedIP{s.ID, a}), true
				break
			}
		}
		if any && !done {
			if err := exhausted(tx, op, p, n.ID, subnets, "/network_id"); err != nil {
				return err
			}
		}
	}
	return nil
}

// exhausted decides about subnets without a free address: in a plan session it
// is an error only if the session alone took them all.
func exhausted(tx *statestore.Txn, op string, p *Port, networkID string, subnets []Subnet, field string) error {
	e := conflict(AddressesExhausted, op, "port", p.ID, field, "No more IP addresses available on network %s.", networkID)
	heldBefore := func(base statestore.Reader) bool {
		for _, s := range subnets {
			for q := range Ports.By(base, "subnet", s.ID) {
				for _, f := range q.FixedIPs {
					if f.SubnetID == s.ID && s.inPools(f.Address) {
						return true
					}
				}
			}
		}
		return false
	}
	return contest(tx, heldBefore, e)
}

// takeWanted gives the port the addresses in want, of which it has those in have.
func takeWanted(tx *statestore.Txn, op string, p *Port, n Network, have, want []FixedIP) error {
	if len(want) > maxFixedIPs {
		return invalid(op, "port", "/fixed_ips", "Invalid input for operation: Exceeded maximum amount of fixed ips per port: a port has at most %d.", maxFixedIPs)
	}
	got := make([]FixedIP, len(want))
	fields := make([]string, len(want))
	subnets := make([]Subnet, len(want))
	// Those asked for by name first, so that none is given out unasked before.
	for i, w := range want {
		fields[i] = "/fixed_ips/" + itoa(i)
		s, err := wantedSubnet(tx, op, n, w, fields[i])
		if err != nil {
			return err
		}
		subnets[i] = s
		if !w.Address.IsValid() {
			continue
		}
		f := FixedIP{s.ID, w.Address}
		if slices.Contains(got[:i], f) {
			return invalid(op, "port", fields[i]+"/ip_address", "Invalid input for operation: Duplicate IP address '%s'.", w.Address)
		}
		if !slices.Contains(have, f) {
			if err := takeOne(tx, op, p, s, w.Address, fields[i]+"/ip_address"); err != nil {
				return err
			}
		}
		got[i] = f
	}
	for i, w := range want {
		if w.Address.IsValid() || standsIn(subnets[i].ID) {
			continue
		}
		// A subnet without an address asks for any: one that the port has already will do.
		if k := slices.IndexFunc(have, func(h FixedIP) bool { return h.SubnetID == subnets[i].ID && !slices.Contains(got, h) }); k >= 0 {
			got[i] = have[k]
			continue
		}
		a, ok := addressNext(tx, subnets[i])
		if !ok {
			if err := exhausted(tx, op, p, n.ID, subnets[i:i+1], fields[i]); err != nil {
				return err
			}
			continue
		}
		got[i] = FixedIP{subnets[i].ID, a}
	}
	p.FixedIPs = slices.DeleteFunc(got, func(f FixedIP) bool { return f == FixedIP{} })
	return nil
}

// wantedSubnet returns the subnet that a wanted address is to come from.
func wantedSubnet(tx *statestore.Txn, op string, n Network, w FixedIP, field string) (Subnet, error) {
	if w.SubnetID == "" {
		if !w.Address.IsValid() {
			return Subnet{}, invalid(op, "port", field, "Invalid input for operation: IP allocation requires subnet_id or ip_address.")
		}
		for s := range Subnets.By(tx, "network", n.ID) {
			if onSubnet(s.CIDR, w.Address) {
				return s, nil
			}
		}
		if standsIn(n.ID) {
			return Subnet{ID: cloud.UnknownID}, nil
		}
		return Subnet{}, invalid(op, "port", field+"/ip_address", "IP address %s is not a valid IP for any of the subnets on the specified network.", w.Address).Because(AddressOffNetwork)
	}
	s, ok := Subnets.Get(tx, w.SubnetID)
	if !ok || !standsIn(s.ID) && !standsIn(n.ID) && s.NetworkID != n.ID {
		if _, other := Subnets.Get(tx, w.SubnetID); other {
			return s, invalid(op, "port", field+"/subnet_id", "Invalid input for operation: Failed to create port on network %s, because fixed_ips included invalid subnet %s.", n.ID, w.SubnetID)
		}
		e := missing(op, "subnet", w.SubnetID, "Subnet %s could not be found.")
		return s, e.At(field + "/subnet_id")
	}
	if w.Address.IsValid() && !standsIn(s.ID) && !onSubnet(s.CIDR, w.Address) {
		return s, invalid(op, "port", field+"/ip_address", "IP address %s is not a valid IP for the specified subnet: %s.", w.Address, s.CIDR).Because(AddressOffSubnet)
	}
	return s, nil
}

// takeOne takes an address that was asked for by name.
func takeOne(tx *statestore.Txn, op string, p *Port, s Subnet, a netip.Addr, field string) error {
	if standsIn(s.ID) {
		return nil
	}
	for o := range Ports.By(tx, "address", statestore.Key(s.ID, a.String())) {
		if o.ID == p.ID {
			continue
		}
		e := conflict(AddressInUse, op, "port", p.ID, field, "IP address %s already allocated in subnet %s.", a, s.ID)
		if err := contest(tx, exists(Ports, o.ID), e); err != nil {
			return err
		}
	}
	addressMark(tx, s, a, true)
	return nil
}

// changeAddresses gives the port exactly the wanted addresses.
func (p *Port) changeAddresses(tx *statestore.Txn, op string, n Network, want []FixedIP) error {
	have := p.FixedIPs
	if err := takeWanted(tx, op, p, n, have, want); err != nil {
		return err
	}
	var gone []FixedIP
	for _, f := range have {
		if !slices.Contains(p.FixedIPs, f) {
			gone = append(gone, f)
		}
	}
	releaseAddresses(tx, gone)
	return nil
}

func releaseAddresses(tx *statestore.Txn, list []FixedIP) {
	for _, f := range list {
		if s, ok := Subnets.Get(tx, f.SubnetID); ok && !standsIn(s.ID) {
			addressMark(tx, s, f.Address, false)
		}
	}
}

// setPairs checks and sets the allowed address pairs.
func (p *Port) setPairs(op string, pairs []AddressPair) error {
	const field = "/allowed_address_pairs"
	if len(pairs) == 0 {
		p.AllowedPairs = nil
		return nil
	}
	if !p.PortSecurity {
		return conflict(PairsNeedSecurity, op, "port", p.ID, field, "Port Security must be enabled in order to have allowed address pairs on a port.")
	}
	if len(pairs) > maxPairs {
		return invalid(op, "port", field, "The number of allowed address pair exceeds the maximum %d.", maxPairs)
	}
	list := make([]AddressPair, len(pairs))
	for i, a := range pairs {
		at := field + "/" + itoa(i)
		if a.MAC == "" {
			a.MAC = p.MAC
		}
		mac, ok := ParseMAC(a.MAC)
		if !ok {
			return invalid(op, "port", at+"/mac_address", "Invalid input for allowed_address_pairs. Reason: '%s' is not a valid MAC address of a NIC.", a.MAC)
		}
		if !a.Prefix.IsValid() || a.Prefix.Addr().Is4In6() {
			return invalid(op, "port", at+"/ip_address", "Invalid input for allowed_address_pairs. Reason: ip_address must be an IP address or a CIDR.")
		}
		list[i] = AddressPair{mac, a.Prefix.Masked()}
		if slices.Contains(list[:i], list[i]) {
			return invalid(op, "port", at, "Invalid input for allowed_address_pairs. Reason: Request contains duplicate address pair: mac_address %s ip_address %s.", mac, a.Prefix)
		}
	}
	p.AllowedPairs = list
	return nil
}
