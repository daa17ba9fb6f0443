package network

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// MaxVNI is the largest VXLAN network identifier (RFC 7348, 24 bits).
const MaxVNI = 1<<24 - 1

// Counter is a number that only rises, to find a free one from.
type Counter struct {
	Name string
	Next int
}

// Counters is the table of counters.
var Counters = statestore.NewTable(statestore.TableDef[Counter]{Name: "network_counter", Version: 1, Key: func(c *Counter) string { return c.Name }})

// PhysicalNetwork is a network between hosts that is there without us; flat
// networks are mapped onto it.
type PhysicalNetwork struct {
	Name  string
	Hosts []string // sorted ids of the hosts that say they reach it
	Fixed bool     // configured on the server: known even if no host has said so yet
}

// PhysicalNetworks is the table of physical networks.
var PhysicalNetworks = statestore.NewTable(statestore.TableDef[PhysicalNetwork]{
	Name: "physical_network", Version: 1, Key: func(p *PhysicalNetwork) string { return p.Name },
})

// PhysicalNetworkAdd makes a physical network known that no host need have told of.
func PhysicalNetworkAdd(tx *statestore.Txn, name string) {
	p, _ := PhysicalNetworks.Get(tx, name)
	if name != "" && !p.Fixed {
		p.Name, p.Fixed = name, true
		PhysicalNetworks.Put(tx, p)
	}
}

// PhysicalNetworksOfHost notes which physical networks a host reaches, all of
// them at once. Networks made on one that no host reaches any more stay.
func PhysicalNetworksOfHost(tx *statestore.Txn, hostID string, names []string) {
	for _, p := range slices.Collect(PhysicalNetworks.All(tx)) {
		if slices.Contains(p.Hosts, hostID) && !slices.Contains(names, p.Name) {
			p.Hosts = slices.DeleteFunc(slices.Clone(p.Hosts), func(h string) bool { return h == hostID })
			PhysicalNetworks.Put(tx, p)
		}
	}
	for _, name := range names {
		p, _ := PhysicalNetworks.Get(tx, name)
		if name == "" || slices.Contains(p.Hosts, hostID) {
			continue
		}
		p.Name = name
		p.Hosts = append(slices.Clone(p.Hosts), hostID)
		slices.Sort(p.Hosts)
		PhysicalNetworks.Put(tx, p)
	}
}

// takeSegment checks what a new network is to occupy, or finds it something free.
func takeSegment(tx *statestore.Txn, op string, n *Network) error {
	switch n.Type {
	case Flat:
		return takeFlat(tx, op, n)
	case VXLAN, "":
		n.Type = VXLAN
		return takeVNI(tx, op, n)
	}
	return invalid(op, "network", "/provider:network_type", "Invalid input for operation: provider:network_type %q is not supported; use flat or vxlan.", n.Type)
}

func takeFlat(tx *statestore.Txn, op string, n *Network) error {
	const field = "/provider:physical_network"
	switch {
	case n.VNI != 0:
		return invalid(op, "network", "/provider:segmentation_id", "Invalid input for operation: provider:segmentation_id specified for flat network.")
	case n.PhysicalNetwork == "":
		return invalid(op, "network", field, "Invalid input for operation: physical_network required for flat provider network; known: %s.", known(tx))
	}
	if p, ok := PhysicalNetworks.Get(tx, n.PhysicalNetwork); !ok || len(p.Hosts) == 0 && !p.Fixed {
		return invalid(op, "network", field, "Invalid input for operation: physical_network '%s' unknown for flat provider network; known: %s.", n.PhysicalNetwork, known(tx))
	}
	if other, ok := Networks.First(tx, "segment", statestore.Key(string(Flat), n.PhysicalNetwork)); ok {
		return contest(tx, exists(Networks, other.ID), conflict(PhysicalNetworkInUse, op, "network", "", field,
			"Unable to create the flat network. Physical network %s is in use.", n.PhysicalNetwork))
	}
	return nil
}

func known(r statestore.Reader) string {
	var names []string
	for p := range PhysicalNetworks.All(r) {
		if p.Fixed || len(p.Hosts) > 0 {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func takeVNI(tx *statestore.Txn, op string, n *Network) error {
	const field = "/provider:segmentation_id"
	if n.PhysicalNetwork != "" {
		return invalid(op, "network", "/provider:physical_network", "Invalid input for operation: provider:physical_network specified for vxlan network.")
	}
	if n.VNI < 0 || n.VNI > MaxVNI {
		return invalid(op, "network", field, "Invalid input for operation: provider:segmentation_id %d is not a VXLAN identifier; it is 1 to %d.", n.VNI, MaxVNI)
	}
	if n.VNI != 0 {
		if other, ok := vniOwner(tx, n.VNI); ok {
			return contest(tx, exists(Networks, other.ID), conflict(VNIInUse, op, "network", "", field,
				"Unable to create the network. The tunnel ID %d is in use.", n.VNI))
		}
		return nil
	}
	// From one after the last that was given out: what hosts may still be
	// taking down is not used again at once.
	next, _ := Counters.Get(tx, "vni")
	for range MaxVNI {
		next.Next = next.Next%MaxVNI + 1
		if _, taken := vniOwner(tx, next.Next); !taken {
			next.Name, n.VNI = "vni", next.Next
			Counters.Put(tx, next)
			return nil
		}
	}
	return &cloud.Error{Kind: cloud.Unavailable, Op: op, Resource: "network", Msg: "Unable to create the network. No tenant network is available for allocation.", Err: VNIsExhausted}
}

func vniOwner(r statestore.Reader, vni int) (Network, bool) {
	return Networks.First(r, "segment", statestore.Key(string(VXLAN), strconv.Itoa(vni)))
}
