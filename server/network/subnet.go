package network

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Range is the addresses from First to Last, both included.
type Range struct{ First, Last netip.Addr }

// Contains reports whether a lies in the range.
func (r Range) Contains(a netip.Addr) bool {
	return a.Is4() == r.First.Is4() && r.First.Compare(a) <= 0 && a.Compare(r.Last) <= 0
}

func (r Range) String() string { return r.First.String() + "-" + r.Last.String() }

// Route is what guests are told to reach by another router than the gateway.
type Route struct {
	Destination netip.Prefix
	NextHop     netip.Addr
}

// Subnet is a block of addresses on a network, and what its guests are told by DHCP.
type Subnet struct {
	ID          string
	ProjectID   string // the network's owner
	NetworkID   string
	Name        string
	Description string

	CIDR    netip.Prefix // masked
	Gateway netip.Addr   // the zero Addr: none
	Pools   []Range      // in order: where addresses come from that nobody asked for by name
	DNS     []netip.Addr // in the order they are to be asked
	Routes  []Route
	DHCP    bool

	Tags                 []string
	Revision             int
	CreatedAt, UpdatedAt time.Time
}

// Subnets is the table of subnets.
//
//   - project: the owner
//   - network: the network
//   - name: the name; subnets may share one
var Subnets = statestore.NewTable(statestore.TableDef[Subnet]{
	Name:    "subnet",
	Version: 1,
	Key:     func(s *Subnet) string { return s.ID },
	Indexes: []statestore.Index[Subnet]{
		{Name: "project", Keys: func(s *Subnet) []string { return []string{s.ProjectID} }},
		{Name: "network", Keys: func(s *Subnet) []string { return []string{s.NetworkID} }},
		{Name: "name", Keys: func(s *Subnet) []string { return []string{s.Name} }},
	},
})

// SubnetGet returns the subnet if the caller may see it or its network, else NotFound.
func SubnetGet(r statestore.Reader, c cloud.Caller, id string) (Subnet, error) {
	s, ok := Subnets.Get(r, id)
	if ok && (c.Admin() || c.Owns(s.ProjectID)) {
		return s, nil
	}
	if n, found := Networks.Get(r, s.NetworkID); ok && found && NetworkVisible(c, n) {
		return s, nil
	}
	return Subnet{}, missing("SubnetGet", "subnet", id, "Subnet %s could not be found.")
}

// SubnetsOfNetwork returns a network's subnets, oldest first.
func SubnetsOfNetwork(r statestore.Reader, networkID string) []Subnet {
	list := slices.Collect(Subnets.By(r, "network", networkID))
	slices.SortFunc(list, func(a, b Subnet) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// SubnetSpec is what a new subnet is to be.
type SubnetSpec struct {
	ProjectID         string // the caller's
	NetworkID         string
	Name, Description string
	CIDR              netip.Prefix
	Gateway           *netip.Addr // nil: the first address; the zero Addr: none
	Pools             *[]Range    // nil: everything but the gateway
	DNS               []netip.Addr
	Routes            []Route
	DHCP              *bool // true
	Tags              []string
}

// SubnetCreate makes a subnet. Error kinds: NotFound for the network, Invalid
// (also for an overlap with another subnet of the network), Conflict (pools),
// Quota.
func SubnetCreate(tx *statestore.Txn, c cloud.Caller, spec SubnetSpec) (Subnet, error) {
	const op = "SubnetCreate"
	project, err := owner(op, "subnet", c, spec.ProjectID)
	if err != nil {
		return Subnet{}, err
	}
	n, err := subnetNetwork(tx, op, c, spec.NetworkID, project)
	if err != nil {
		return Subnet{}, err
	}
	s := Subnet{ProjectID: project, NetworkID: n.ID, Name: spec.Name, Description: spec.Description, CIDR: spec.CIDR.Masked(),
		DNS: spec.DNS, Routes: spec.Routes, DHCP: or(spec.DHCP, true)}
	if s.Tags, err = checkTags(op, "subnet", spec.Tags); err != nil {
		return Subnet{}, err
	}
	if err := quotaTake(tx, op, QuotaSubnets, project, Subnets, func(s Subnet) string { return s.ID }); err != nil {
		return Subnet{}, err
	}
	if err := checkCIDR(op, spec.CIDR, s.DHCP); err != nil {
		return Subnet{}, err
	}
	if s.CIDR.Addr().Is6() && !standsIn(n.ID) && n.MTU < MinMTU6 {
		return Subnet{}, invalid(op, "subnet", "/cidr", "Invalid input for operation: network %s carries packets of %d bytes, an IPv6 subnet needs %d.", n.ID, n.MTU, MinMTU6)
	}
	if err := checkOverlap(tx, op, s); err != nil {
		return Subnet{}, err
	}
	s.Gateway = firstHost(s.CIDR)
	if spec.Gateway != nil {
		s.Gateway = *spec.Gateway
	}
	if spec.Pools == nil {
		s.Pools = defaultPools(s.CIDR, s.Gateway)
	} else {
		s.Pools = sortPools(*spec.Pools)
	}
	if err := s.check(op); err != nil {
		return Subnet{}, err
	}
	if s.ID, err = idFor(tx, c, op, "subnet", Subnets); err != nil {
		return Subnet{}, err
	}
	s.CreatedAt, s.UpdatedAt, s.Revision = tx.Now(), tx.Now(), 1
	Subnets.Put(tx, s)
	poolBegin(tx, s)
	if !standsIn(n.ID) {
		networkTouch(tx, n)
	}
	return s, nil
}

// subnetNetwork returns the network of a new subnet: its owner's or an admin's to extend.
func subnetNetwork(r statestore.Reader, op string, c cloud.Caller, id, project string) (Network, error) {
	n, err := NetworkGet(r, c, id)
	if err != nil {
		return n, cloud.AsError(err).At("/network_id")
	}
	if !standsIn(id) && !c.Admin() && !c.Owns(n.ProjectID) {
		return n, &cloud.Error{Kind: cloud.Forbidden, Op: op, Resource: "subnet", Field: "/network_id", Msg: "Only its owner may make subnets on network " + id + "."}
	}
	return n, nil
}

// SubnetChange is what is to change of a subnet; nil leaves a thing as it is.
type SubnetChange struct {
	Name, Description *string
	Gateway           *netip.Addr // the zero Addr: none
	Pools             *[]Range
	DNS               *[]netip.Addr
	Routes            *[]Route
	DHCP              *bool
	Tags              *[]string
}

// SubnetUpdate changes a subnet. Ports keep addresses that lie in no pool any
// more. Error kinds: NotFound, Invalid, Conflict.
func SubnetUpdate(tx *statestore.Txn, c cloud.Caller, id string, ch SubnetChange) (Subnet, error) {
	const op = "SubnetUpdate"
	s, err := SubnetGet(tx, c, id)
	if err != nil {
		return s, err
	}
	set(&s.Name, ch.Name)
	set(&s.Description, ch.Description)
	set(&s.DNS, ch.DNS)
	set(&s.Routes, ch.Routes)
	set(&s.DHCP, ch.DHCP)
	set(&s.Gateway, ch.Gateway)
	if ch.Pools != nil {
		s.Pools = sortPools(*ch.Pools)
	}
	if ch.Tags != nil {
		if s.Tags, err = checkTags(op, "subnet", *ch.Tags); err != nil {
			return s, err
		}
	}
	if s.DHCP {
		if err := checkCIDR(op, s.CIDR, s.DHCP); err != nil {
			return s, err
		}
	}
	if err := s.check(op); err != nil {
		return s, err
	}
	if tx.Base() != nil { // it is to stay: does something of the plan count on its going?
		if err := checkOverlap(tx, op, s); err != nil {
			return s, err
		}
	}
	if ch.Pools != nil {
		poolEnd(tx, s.ID)
		poolBegin(tx, s)
	}
	s.Revision++
	s.UpdatedAt = tx.Now()
	Subnets.Put(tx, s)
	return s, nil
}

// SubnetDelete removes a subnet. Error kinds: NotFound, Conflict while a port
// holds an address of it.
func SubnetDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	const op = "SubnetDelete"
	s, err := SubnetGet(tx, c, id)
	if err != nil {
		return err
	}
	if p, used := Ports.First(tx, "subnet", id); used {
		e := conflict(SubnetInUse, op, "subnet", id, "", "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet, for example port %s.", id, p.ID)
		if err := contest(tx, exists(Ports, p.ID), e); err != nil {
			return err
		}
	}
	subnetRemove(tx, s)
	if n, ok := Networks.Get(tx, s.NetworkID); ok && !standsIn(n.ID) {
		networkTouch(tx, n)
	}
	return nil
}

func subnetRemove(tx *statestore.Txn, s Subnet) {
	poolEnd(tx, s.ID)
	Subnets.Delete(tx, s.ID)
}
