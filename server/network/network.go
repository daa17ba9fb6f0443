package network

import (
	"slices"
	"strconv"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Type says how a network reaches other hosts.
type Type string

// The types.
const (
	VXLAN Type = "vxlan" // a tunnel between hosts, told apart by its VNI
	Flat  Type = "flat"  // a physical network of the hosts, untagged
)

// Network is a layer-2 segment that ports are plugged into.
type Network struct {
	ID          string
	ProjectID   string // the owner
	Name        string
	Description string

	AdminStateUp bool // whether it carries traffic
	Shared       bool // all projects may see it and plug into it
	External     bool // it leads outside the cloud: all projects may see it
	Default      bool // the external network that is meant when none is named
	MTU          int  // bytes
	PortSecurity bool // what new ports get that do not say

	Type            Type
	PhysicalNetwork string // of a flat one, the name that hosts give it
	VNI             int    // of a vxlan one, 1 to MaxVNI (RFC 7348)

	ZoneHints            []string // availability zones that its services were wished for in
	Tags                 []string // sorted, each once
	Revision             int      // rises with every change
	CreatedAt, UpdatedAt time.Time
}

// Public reports whether projects that do not own the network may see it.
func (n Network) Public() bool { return n.Shared || n.External }

// Networks is the table of networks.
//
//   - project: the owner
//   - name: the name; networks may share one
//   - public: "yes" for those that all projects see
//   - segment: what it occupies: vni or physical network (see segment.go)
var Networks = statestore.NewTable(statestore.TableDef[Network]{
	Name:    "network",
	Version: 1,
	Key:     func(n *Network) string { return n.ID },
	Indexes: []statestore.Index[Network]{
		{Name: "project", Keys: func(n *Network) []string { return []string{n.ProjectID} }},
		{Name: "name", Keys: func(n *Network) []string { return []string{n.Name} }},
		{Name: "public", Keys: func(n *Network) []string {
			if !n.Public() {
				return nil
			}
			return []string{"yes"}
		}},
		{Name: "segment", Keys: func(n *Network) []string {
			switch {
			case standsIn(n.ID):
				return nil
			case n.Type == Flat:
				return []string{statestore.Key(string(Flat), n.PhysicalNetwork)}
			}
			return []string{statestore.Key(string(VXLAN), strconv.Itoa(n.VNI))}
		}},
	},
})

// Tables are the package's tables, for statestore.Options.
var Tables = []statestore.AnyTable{Networks, Subnets, AddressBlocks, AddressPools, Ports, SecurityGroups, SecurityRules,
	Quotas, PhysicalNetworks, Counters}

// NetworkVisible reports whether the caller may see the network.
func NetworkVisible(c cloud.Caller, n Network) bool {
	return n.Public() || c.Admin() || c.Owns(n.ProjectID)
}

// NetworkGet returns the network if the caller may see it, else NotFound.
func NetworkGet(r statestore.Reader, c cloud.Caller, id string) (Network, error) {
	n, ok := Networks.Get(r, id)
	if !ok || !NetworkVisible(c, n) {
		return Network{}, missing("NetworkGet", "network", id, "Network %s could not be found.")
	}
	return n, nil
}

// NetworkSpec is what a new network is to be. Nil and empty fields mean the default.
type NetworkSpec struct {
	ProjectID         string // the caller's
	Name, Description string
	AdminStateUp      *bool // true
	Shared, External  bool
	Default           bool
	MTU               int   // what the type can carry
	PortSecurity      *bool // true
	Type              Type  // VXLAN
	PhysicalNetwork   string
	VNI               int // a free one
	ZoneHints         []string
	Tags              []string
}

// Sizes of packets, in bytes.
const (
	MinMTU   = 68           // RFC 791
	MinMTU6  = 1280         // RFC 8200, on a network with an IPv6 subnet
	HostMTU  = 1500         // of the network between hosts
	VXLANMTU = HostMTU - 50 // less outer Ethernet, IPv4, UDP and VXLAN headers (RFC 7348)
)

// NetworkCreate makes a network. Error kinds: Invalid, Quota, Conflict if the
// segment is taken or none is free.
func NetworkCreate(tx *statestore.Txn, c cloud.Caller, s NetworkSpec) (Network, error) {
	const op = "NetworkCreate"
	project, err := owner(op, "network", c, s.ProjectID)
	if err != nil {
		return Network{}, err
	}
	n := Network{
		ProjectID: project, Name: s.Name, Description: s.Description, AdminStateUp: or(s.AdminStateUp, true),
		Shared: s.Shared, External: s.External, Default: s.Default, MTU: s.MTU, PortSecurity: or(s.PortSecurity, true),
		Type: s.Type, PhysicalNetwork: s.PhysicalNetwork, VNI: s.VNI, ZoneHints: s.ZoneHints,
	}
	if n.Tags, err = checkTags(op, "network", s.Tags); err != nil {
		return Network{}, err
	}
	if err := quotaTake(tx, op, QuotaNetworks, project, Networks, func(n Network) string { return n.ID }); err != nil {
		return Network{}, err
	}
	if err := takeSegment(tx, op, &n); err != nil {
		return Network{}, err
	}
	if n.MTU == 0 {
		n.MTU = n.maxMTU()
	}
	if err := n.check(op); err != nil {
		return Network{}, err
	}
	if n.ID, err = idFor(tx, c, op, "network", Networks); err != nil {
		return Network{}, err
	}
	n.CreatedAt, n.UpdatedAt, n.Revision = tx.Now(), tx.Now(), 1
	if n.Default {
		undefault(tx, n.ID)
	}
	Networks.Put(tx, n)
	return n, nil
}

// maxMTU is the largest packet that the type carries without being told of jumbo frames.
func (n Network) maxMTU() int {
	if n.Type == Flat {
		return HostMTU
	}
	return VXLANMTU
}

func (n Network) check(op string) error {
	if err := checkText(op, "network", map[string]string{"name": n.Name, "description": n.Description}); err != nil {
		return err
	}
	if n.MTU < MinMTU || n.MTU > n.maxMTU() {
		return invalid(op, "network", "/mtu", "Invalid input for mtu. Reason: a %s network carries packets of %d to %d bytes, not %d.", n.Type, MinMTU, n.maxMTU(), n.MTU)
	}
	if n.Default && !n.External {
		return invalid(op, "network", "/is_default", "Only an external network can be the default one.")
	}
	return nil
}

// checkMTU6 refuses packets too small for the network's IPv6 subnets.
func checkMTU6(r statestore.Reader, op string, n Network) error {
	for s := range Subnets.By(r, "network", n.ID) {
		if s.CIDR.Addr().Is6() && n.MTU < MinMTU6 {
			return invalid(op, "network", "/mtu", "Invalid input for mtu. Reason: a network with an IPv6 subnet carries packets of at least %d bytes, not %d.", MinMTU6, n.MTU)
		}
	}
	return nil
}

// undefault takes the mark of the default external network from all but one.
func undefault(tx *statestore.Txn, but string) {
	for _, n := range slices.Collect(Networks.By(tx, "public", "yes")) {
		if n.Default && n.ID != but {
			n.Default = false
			networkTouch(tx, n)
		}
	}
}

// networkTouch stores a changed network.
func networkTouch(tx *statestore.Txn, n Network) Network {
	n.Revision++
	n.UpdatedAt = tx.Now()
	Networks.Put(tx, n)
	return n
}

// NetworkChange is what is to change of a network; nil leaves a thing as it is.
type NetworkChange struct {
	Name, Description *string
	AdminStateUp      *bool
	Shared, External  *bool
	Default           *bool
	MTU               *int
	PortSecurity      *bool
	Tags              *[]string
}

// NetworkUpdate changes a network. Error kinds: NotFound, Invalid, Conflict.
func NetworkUpdate(tx *statestore.Txn, c cloud.Caller, id string, ch NetworkChange) (Network, error) {
	const op = "NetworkUpdate"
	n, err := NetworkGet(tx, c, id)
	if err != nil {
		return Network{}, err
	}
	was := n
	set(&n.Name, ch.Name)
	set(&n.Description, ch.Description)
	set(&n.AdminStateUp, ch.AdminStateUp)
	set(&n.Shared, ch.Shared)
	set(&n.External, ch.External)
	set(&n.Default, ch.Default)
	set(&n.MTU, ch.MTU)
	set(&n.PortSecurity, ch.PortSecurity)
	if ch.Tags != nil {
		if n.Tags, err = checkTags(op, "network", *ch.Tags); err != nil {
			return Network{}, err
		}
	}
	if err := n.check(op); err != nil {
		return Network{}, err
	}
	if err := checkMTU6(tx, op, n); err != nil {
		return Network{}, err
	}
	if was.Shared && !n.Shared {
		if err := checkUnshare(tx, op, n); err != nil {
			return Network{}, err
		}
	}
	if n.Default && !was.Default {
		undefault(tx, n.ID)
	}
	return networkTouch(tx, n), nil
}

// checkUnshare refuses to make a network private that other projects use.
func checkUnshare(tx *statestore.Txn, op string, n Network) error {
	for p := range Ports.By(tx, "network", n.ID) {
		if p.ProjectID == n.ProjectID {
			continue
		}
		e := conflict(SharedInUse, op, "network", n.ID, "/shared", "Unable to reconfigure sharing settings for network %s. Multiple tenants are using it.", n.ID)
		if err := contest(tx, exists(Ports, p.ID), e); err != nil {
			return err
		}
	}
	return nil
}

// NetworkDelete removes a network and its subnets. Error kinds: NotFound,
// Conflict while it has ports.
func NetworkDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	const op = "NetworkDelete"
	if _, err := NetworkGet(tx, c, id); err != nil {
		return err
	}
	for p := range Ports.By(tx, "network", id) {
		e := conflict(NetworkInUse, op, "network", id, "", "Unable to complete operation on network %s. There are one or more ports still in use on the network, for example port %s.", id, p.ID)
		if err := contest(tx, exists(Ports, p.ID), e); err != nil {
			return err
		}
		break
	}
	for _, s := range SubnetsOfNetwork(tx, id) {
		subnetRemove(tx, s)
	}
	Networks.Delete(tx, id)
	return nil
}

// NetworkDefaultFor returns the network that an instance gets whose maker says
// "auto": the only one that the project owns or, if it owns none, the only
// shared one. Error kinds: NotFound if there is none, Conflict (Ambiguous) if
// there are several.
func NetworkDefaultFor(r statestore.Reader, c cloud.Caller) (Network, error) {
	const op = "NetworkDefaultFor"
	var found []Network
	for n := range Networks.By(r, "project", c.ProjectID) {
		if c.ProjectID != "" && (!n.External || n.Shared) {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		for n := range Networks.By(r, "public", "yes") {
			if n.Shared && !standsIn(n.ID) {
				found = append(found, n)
			}
		}
	}
	switch len(found) {
	case 0:
		return Network{}, &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: "network", Msg: "The project has no network to use; create one with a subnet, or name one."}
	case 1:
		return found[0], nil
	}
	return Network{}, conflict(Ambiguous, op, "network", "", "", "Multiple possible networks found (%s and %s, for example), use a Network ID to be more specific.", found[0].Name, found[1].Name)
}
