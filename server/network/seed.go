package network

import (
	"net/netip"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// SeedSpec says what a fresh cloud's networks are.
type SeedSpec struct {
	AdminProjectID   string   // owns the external network
	DemoProjectID    string   // owns the private network
	PhysicalNetworks []string // further ones that are known from the start
}

// PublicPhysicalNetwork is what the seeded external network is mapped onto.
const PublicPhysicalNetwork = "public"

// Seed makes what DevStack has: network private with private-subnet for the demo
// project, and the external flat network public with public-subnet. It makes
// physical networks known each time, but networks only in a cloud that has none.
func Seed(tx *statestore.Txn, s SeedSpec) error {
	for _, name := range append([]string{PublicPhysicalNetwork}, s.PhysicalNetworks...) {
		PhysicalNetworkAdd(tx, name)
	}
	if Networks.Len(tx) > 0 {
		return nil
	}
	server := cloud.Caller{Service: true}
	for _, p := range []string{s.AdminProjectID, s.DemoProjectID} {
		SecurityGroupEnsureDefault(tx, p)
	}
	private, err := NetworkCreate(tx, server, NetworkSpec{ProjectID: s.DemoProjectID, Name: "private"})
	if err != nil {
		return err
	}
	if _, err := SubnetCreate(tx, server, SubnetSpec{ProjectID: s.DemoProjectID, NetworkID: private.ID, Name: "private-subnet",
		CIDR: netip.MustParsePrefix("10.0.0.0/26")}); err != nil {
		return err
	}
	public, err := NetworkCreate(tx, server, NetworkSpec{ProjectID: s.AdminProjectID, Name: "public", External: true, Default: true,
		Type: Flat, PhysicalNetwork: PublicPhysicalNetwork})
	if err != nil {
		return err
	}
	off := false
	_, err = SubnetCreate(tx, server, SubnetSpec{ProjectID: s.AdminProjectID, NetworkID: public.ID, Name: "public-subnet",
		CIDR: netip.MustParsePrefix("172.24.4.0/24"), DHCP: &off})
	return err
}

// StandIns puts the rows that stand, in a plan session, for what the plan will
// make: a network, a subnet, a port and a security group, owned by nobody, seen
// by all, compared with nothing (I9).
func StandIns(tx *statestore.Txn) {
	id, now := cloud.UnknownID, tx.Now()
	Networks.Put(tx, Network{ID: id, Name: "a network this plan makes", AdminStateUp: true, Shared: true, MTU: VXLANMTU, PortSecurity: true,
		Type: VXLAN, Revision: 1, CreatedAt: now, UpdatedAt: now})
	Subnets.Put(tx, Subnet{ID: id, NetworkID: id, Name: "a subnet this plan makes", DHCP: true, Revision: 1, CreatedAt: now, UpdatedAt: now})
	Ports.Put(tx, Port{ID: id, NetworkID: id, Name: "a port this plan makes", AdminStateUp: true, PortSecurity: true, Status: Down,
		Revision: 1, CreatedAt: now, UpdatedAt: now})
	SecurityGroups.Put(tx, SecurityGroup{ID: id, Name: "a security group this plan makes", Revision: 1, CreatedAt: now, UpdatedAt: now})
}
