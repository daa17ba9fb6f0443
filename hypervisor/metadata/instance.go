package metadata

import (
	"encoding/json"
	"net/netip"
)

// Instance describes a guest to itself.
type Instance struct {
	ID               string // UUID
	Name             string
	Hostname         string // empty: Name
	ProjectID        string
	AvailabilityZone string
	FlavorName       string // EC2's instance type
	ImageID          string // UUID
	ReservationID    string // "r-…"; empty: made of ID
	LaunchIndex      int    // of the instances that one request made
	Metadata         map[string]string
	Keys             []Key
	// UserData as the guest reads it (already decoded); nil: none.
	UserData []byte
	// VendorData and VendorData2 are the operator's; nil: {}.
	VendorData, VendorData2 json.RawMessage
	NICs                    []NIC // in the order of the guest's cards
	SecurityGroups          []string
	// Password is the administrator's password that the guest posted, encrypted
	// with the instance's key; empty: none yet.
	Password string
}

// Key is a public key for logging in.
type Key struct {
	Name string
	Type string // empty: "ssh"
	Data string
}

// NIC is a network card.
type NIC struct {
	PortID, NetworkID string
	MAC               string
	MTU               int // bytes
	Addresses         []Address
}

// Address is one of a card's.
type Address struct {
	IP      netip.Addr
	Subnet  netip.Prefix // it is in
	Gateway netip.Addr   // the zero Addr for none
	DHCP    bool         // the guest is to ask for it
	DNS     []netip.Addr
	Routes  []Route
}

// Route is a host route of a subnet.
type Route struct {
	Dest netip.Prefix
	Via  netip.Addr
}

func (i Instance) hostname() string {
	if i.Hostname != "" {
		return i.Hostname
	}
	return i.Name
}

// firstIPv4 is the address by which EC2 names the guest.
func (i Instance) firstIPv4() string {
	for _, n := range i.NICs {
		for _, a := range n.Addresses {
			if a.IP.Is4() {
				return a.IP.String()
			}
		}
	}
	return ""
}
