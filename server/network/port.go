package network

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Status is what is known of a port on its host.
//
//	create ─▶ DOWN ──(host: in force)──▶ ACTIVE
//	           ▲                          │
//	           └──(host: gone; unbind)────┘
//
//	DOWN, ACTIVE ──(host: failed)──▶ ERROR ──(host: in force)──▶ ACTIVE
//
// A port whose AdminStateUp is false carries nothing and is shown DOWN.
type Status string

// The statuses, as Neutron names them.
const (
	Active Status = "ACTIVE"
	Down   Status = "DOWN"
	Failed Status = "ERROR"
)

// FixedIP is one address of a port. In a request, an empty SubnetID means the
// one that holds the address, the zero Address any free one.
type FixedIP struct {
	SubnetID string
	Address  netip.Addr
}

// AddressPair is something that a guest may send from besides its own MAC and addresses.
type AddressPair struct {
	MAC    string       // as in Port; empty in a request: the port's own
	Prefix netip.Prefix // one address has a full-length prefix
}

// Port is a network attachment: one NIC of something.
type Port struct {
	ID          string
	ProjectID   string
	NetworkID   string
	Name        string
	Description string

	MAC            string // lower case, with colons
	FixedIPs       []FixedIP
	AdminStateUp   bool
	PortSecurity   bool          // anti-spoofing and security groups are in force
	SecurityGroups []string      // sorted ids; none if PortSecurity is off
	AllowedPairs   []AddressPair // none if PortSecurity is off

	DeviceID    string // what it is plugged into: an instance's id
	DeviceOwner string // what kind of thing that is: "compute:nova"
	HostID      string // the host that provides it; set by PortBind alone
	BindingHost string // what binding:host_id shows: the host's name, or an admin's wish

	Status        Status
	StatusMessage string // why it is ERROR

	Tags                 []string
	Revision             int
	CreatedAt, UpdatedAt time.Time
}

// Ports is the table of ports.
//
//   - project, network, device, host, name: as the fields
//   - subnet: the subnets of its addresses
//   - address: subnet and address, by Key
//   - mac: network and MAC, by Key
//   - security_group: its groups
var Ports = statestore.NewTable(statestore.TableDef[Port]{
	Name:    "port",
	Version: 1,
	Key:     func(p *Port) string { return p.ID },
	Indexes: []statestore.Index[Port]{
		{Name: "project", Keys: func(p *Port) []string { return []string{p.ProjectID} }},
		{Name: "network", Keys: func(p *Port) []string { return []string{p.NetworkID} }},
		{Name: "name", Keys: func(p *Port) []string { return present(p.Name) }},
		{Name: "device", Keys: func(p *Port) []string { return present(p.DeviceID) }},
		{Name: "host", Keys: func(p *Port) []string { return present(p.HostID) }},
		{Name: "security_group", Keys: func(p *Port) []string { return p.SecurityGroups }},
		{Name: "subnet", Keys: func(p *Port) []string {
			var ids []string
			for _, f := range p.FixedIPs {
				if !slices.Contains(ids, f.SubnetID) {
					ids = append(ids, f.SubnetID)
				}
			}
			return ids
		}},
		{Name: "address", Keys: func(p *Port) []string {
			var keys []string
			for _, f := range p.FixedIPs {
				keys = append(keys, statestore.Key(f.SubnetID, f.Address.String()))
			}
			return keys
		}},
		{Name: "mac", Keys: func(p *Port) []string { return []string{statestore.Key(p.NetworkID, p.MAC)} }},
	},
})

func present(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// PortGet returns the port if the caller owns it or its network, else NotFound.
func PortGet(r statestore.Reader, c cloud.Caller, id string) (Port, error) {
	p, ok := Ports.Get(r, id)
	if !ok || !PortVisible(r, c, p) {
		return Port{}, missing("PortGet", "port", id, "Port %s could not be found.")
	}
	return p, nil
}

// PortVisible reports whether the caller may see the port: it is its own or on
// a network of its own. The row with cloud.UnknownID is seen by all.
func PortVisible(r statestore.Reader, c cloud.Caller, p Port) bool {
	if c.Admin() || c.Owns(p.ProjectID) || standsIn(p.ID) {
		return true
	}
	n, ok := Networks.Get(r, p.NetworkID)
	return ok && c.Owns(n.ProjectID)
}

// PortsOfDevice returns the ports plugged into a device, oldest first.
func PortsOfDevice(r statestore.Reader, deviceID string) []Port {
	return byAge(slices.Collect(Ports.By(r, "device", deviceID)))
}

// PortsOfHost returns the ports that a host provides, oldest first.
func PortsOfHost(r statestore.Reader, hostID string) []Port {
	return byAge(slices.Collect(Ports.By(r, "host", hostID)))
}

func byAge(list []Port) []Port {
	slices.SortFunc(list, func(a, b Port) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// PortSpec is what a new port is to be. Nil and empty fields mean the default.
type PortSpec struct {
	ProjectID         string // the caller's
	NetworkID         string
	Name, Description string
	MAC               string     // a free one
	FixedIPs          *[]FixedIP // nil: one IPv4 and one IPv6 address, where the network has subnets for them; empty: none
	AdminStateUp      *bool      // true
	PortSecurity      *bool      // the network's
	SecurityGroups    *[]string  // ids; nil: the project's default group, if PortSecurity
	AllowedPairs      []AddressPair
	DeviceID          string
	DeviceOwner       string
	BindingHost       string
	Tags              []string
}

// PortCreate makes a port with its addresses. The network must be the caller's
// own or shared; an external one takes an admin or its owner. Error kinds:
// NotFound (network, subnet, group), Invalid, Forbidden, Conflict (address or
// MAC in use, no address left), Quota.
func PortCreate(tx *statestore.Txn, c cloud.Caller, spec PortSpec) (Port, error) {
	const op = "PortCreate"
	project, err := owner(op, "port", c, spec.ProjectID)
	if err != nil {
		return Port{}, err
	}
	n, err := portNetwork(tx, op, c, spec.NetworkID)
	if err != nil {
		return Port{}, err
	}
	p := Port{ProjectID: project, NetworkID: n.ID, Name: spec.Name, Description: spec.Description, AdminStateUp: or(spec.AdminStateUp, true),
		PortSecurity: or(spec.PortSecurity, n.PortSecurity), DeviceID: spec.DeviceID, DeviceOwner: spec.DeviceOwner,
		BindingHost: spec.BindingHost, Status: Down}
	if p.Tags, err = checkTags(op, "port", spec.Tags); err != nil {
		return Port{}, err
	}
	if err := p.checkText(op); err != nil {
		return Port{}, err
	}
	if err := quotaTake(tx, op, QuotaPorts, project, Ports, func(p Port) string { return p.ID }); err != nil {
		return Port{}, err
	}
	if p.ID, err = idFor(tx, c, op, "port", Ports); err != nil {
		return Port{}, err
	}
	if err := takeMAC(tx, op, &p, spec.MAC); err != nil {
		return Port{}, err
	}
	if err := takeAddresses(tx, op, &p, n, spec.FixedIPs); err != nil {
		return Port{}, err
	}
	if err := p.setGroups(tx, op, c, spec.SecurityGroups); err != nil {
		return Port{}, err
	}
	if err := p.setPairs(op, spec.AllowedPairs); err != nil {
		return Port{}, err
	}
	p.CreatedAt, p.UpdatedAt, p.Revision = tx.Now(), tx.Now(), 1
	Ports.Put(tx, p)
	return p, nil
}

// portNetwork returns the network if the caller may plug into it.
func portNetwork(r statestore.Reader, op string, c cloud.Caller, id string) (Network, error) {
	n, err := NetworkGet(r, c, id)
	if err != nil {
		return n, cloud.AsError(err).At("/network_id")
	}
	if n.External && !n.Shared && !c.Admin() && !c.Owns(n.ProjectID) {
		return n, &cloud.Error{Kind: cloud.Forbidden, Op: op, Resource: "port", Field: "/network_id", Err: ExternalAttach,
			Msg: "It is not allowed to create an interface on external network " + id + "; use a network of your own."}
	}
	return n, nil
}

// PortChange is what is to change of a port; nil leaves a thing as it is.
type PortChange struct {
	Name, Description *string
	MAC               *string
	FixedIPs          *[]FixedIP // all of them; those it has already are kept
	AdminStateUp      *bool
	PortSecurity      *bool
	SecurityGroups    *[]string
	AllowedPairs      *[]AddressPair
	DeviceID          *string
	DeviceOwner       *string
	BindingHost       *string
	Tags              *[]string
}

// PortUpdate changes a port. Error kinds: NotFound, Invalid, Conflict.
func PortUpdate(tx *statestore.Txn, c cloud.Caller, id string, ch PortChange) (Port, error) {
	const op = "PortUpdate"
	p, err := PortGet(tx, c, id)
	if err != nil {
		return p, err
	}
	n, _ := Networks.Get(tx, p.NetworkID)
	set(&p.Name, ch.Name)
	set(&p.Description, ch.Description)
	set(&p.AdminStateUp, ch.AdminStateUp)
	set(&p.PortSecurity, ch.PortSecurity)
	set(&p.DeviceID, ch.DeviceID)
	set(&p.DeviceOwner, ch.DeviceOwner)
	set(&p.BindingHost, ch.BindingHost)
	if ch.Tags != nil {
		if p.Tags, err = checkTags(op, "port", *ch.Tags); err != nil {
			return p, err
		}
	}
	if err := p.checkText(op); err != nil {
		return p, err
	}
	if ch.MAC != nil {
		if err := p.changeMAC(tx, op, *ch.MAC); err != nil {
			return p, err
		}
	}
	if ch.FixedIPs != nil {
		if err := p.changeAddresses(tx, op, n, *ch.FixedIPs); err != nil {
			return p, err
		}
	}
	if ch.SecurityGroups != nil || ch.PortSecurity != nil {
		groups := ch.SecurityGroups
		if groups == nil {
			groups = &p.SecurityGroups
		}
		if err := p.setGroups(tx, op, c, groups); err != nil {
			return p, err
		}
	}
	pairs := p.AllowedPairs
	if ch.AllowedPairs != nil {
		pairs = *ch.AllowedPairs
	}
	if err := p.setPairs(op, pairs); err != nil {
		return p, err
	}
	return portTouch(tx, p), nil
}

func portTouch(tx *statestore.Txn, p Port) Port {
	p.Revision++
	p.UpdatedAt = tx.Now()
	Ports.Put(tx, p)
	return p
}

// PortDelete removes a port, also one that is plugged in: the device loses it
// (Neutron does the same). Its addresses are free at once. Error kinds: NotFound.
func PortDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	p, err := PortGet(tx, c, id)
	if err != nil {
		return err
	}
	releaseAddresses(tx, p.FixedIPs)
	Ports.Delete(tx, id)
	return nil
}

func (p Port) checkText(op string) error {
	if err := checkText(op, "port", map[string]string{"name": p.Name, "description": p.Description}); err != nil {
		return err
	}
	for field, s := range map[string]string{"device_id": p.DeviceID, "device_owner": p.DeviceOwner, "binding:host_id": p.BindingHost} {
		if len(s) > maxText {
			return invalid(op, "port", "/"+field, "Invalid input for %s. Reason: it exceeds maximum length of %d.", field, maxText)
		}
	}
	return nil
}
