package network

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

func pools(list ...string) *[]Range {
	var p []Range
	for i := 0; i+1 < len(list); i += 2 {
		p = append(p, Range{addr(list[i]), addr(list[i+1])})
	}
	return &p
}

func TestSubnetDefaults(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	none := netip.Addr{}
	mid := addr("10.1.0.9")
	off := false
	for _, c := range []struct {
		spec    SubnetSpec
		gateway netip.Addr
		pools   string
	}{
		{SubnetSpec{CIDR: prefix("10.0.0.0/24")}, addr("10.0.0.1"), "[10.0.0.2-10.0.0.254]"},
		{SubnetSpec{CIDR: prefix("10.1.0.0/28"), Gateway: &mid}, mid, "[10.1.0.1-10.1.0.8 10.1.0.10-10.1.0.14]"},
		{SubnetSpec{CIDR: prefix("10.2.0.0/29"), Gateway: &none}, none, "[10.2.0.1-10.2.0.6]"},
		{SubnetSpec{CIDR: prefix("10.3.0.0/31"), DHCP: &off, Gateway: &none}, none, "[10.3.0.0-10.3.0.1]"},
		{SubnetSpec{CIDR: prefix("fd00:1::/64")}, addr("fd00:1::1"), "[fd00:1::2-fd00:1::ffff:ffff:ffff:ffff]"},
		{SubnetSpec{CIDR: prefix("10.4.0.0/24"), Pools: pools("10.4.0.100", "10.4.0.110", "10.4.0.20", "10.4.0.30")}, addr("10.4.0.1"), "[10.4.0.20-10.4.0.30 10.4.0.100-10.4.0.110]"},
	} {
		c.spec.NetworkID = n.ID
		s := w.subnet(ann, c.spec)
		if s.Gateway != c.gateway || fmt.Sprint(s.Pools) != c.pools {
			t.Errorf("%s: gateway %s, pools %s; want %s, %s", c.spec.CIDR, s.Gateway, s.Pools, c.gateway, c.pools)
		}
	}
	if got, _ := Networks.Get(w.s.Snapshot(), n.ID); got.Revision != 7 {
		t.Errorf("the network's revision is %d, want 7: each subnet changes it", got.Revision)
	}
}

func TestSubnetRefused(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("192.168.0.0/24")})
	small := w.network(ann, NetworkSpec{MTU: 1000})
	theirs := w.network(bob, NetworkSpec{})
	shared := w.network(admin, NetworkSpec{Shared: true})
	gw := func(s string) *netip.Addr { a := addr(s); return &a }
	routes := make([]Route, 21)
	for i := range routes {
		routes[i] = Route{prefix(fmt.Sprintf("10.9.%d.0/24", i)), addr("10.0.0.5")}
	}
	for _, c := range []struct {
		what   string
		spec   SubnetSpec
		kind   cloud.Kind
		reason Reason
		field  string
		says   string
	}{
		{"an overlap", SubnetSpec{CIDR: prefix("192.168.0.128/25")}, cloud.Invalid, "", "/cidr", "overlaps with another subnet"},
		{"no CIDR", SubnetSpec{}, cloud.Invalid, "", "/cidr", "10.0.0.0/24"},
		{"host bits", SubnetSpec{CIDR: prefix("10.0.0.5/24")}, cloud.Invalid, "", "/cidr", "10.0.0.0/24 is recommended"},
		{"multicast", SubnetSpec{CIDR: prefix("224.0.0.0/24")}, cloud.Invalid, "", "/cidr", "multicast"},
		{"loopback", SubnetSpec{CIDR: prefix("127.0.0.0/8")}, cloud.Invalid, "", "/cidr", "loopback"},
		{"link-local", SubnetSpec{CIDR: prefix("169.254.0.0/16")}, cloud.Invalid, "", "/cidr", "link-local"},
		{"everything", SubnetSpec{CIDR: prefix("0.0.0.0/0")}, cloud.Invalid, "", "/cidr", "no address"},
		{"no room for DHCP", SubnetSpec{CIDR: prefix("10.0.0.0/31")}, cloud.Invalid, "", "/cidr", "DHCP"},
		{"a gateway outside", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Gateway: gw("10.0.1.1")}, cloud.Invalid, "", "/gateway_ip", "not a host address"},
		{"the broadcast address as gateway", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Gateway: gw("10.0.0.255")}, cloud.Invalid, "", "/gateway_ip", "not valid on subnet"},
		{"a gateway of the other IP version", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Gateway: gw("fd00::1")}, cloud.Invalid, "", "/gateway_ip", "ip_version"},
		{"a pool outside", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Pools: pools("10.0.0.5", "10.0.1.5")}, cloud.Invalid, PoolOutside, "/allocation_pools", "spans beyond"},
		{"a pool backwards", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Pools: pools("10.0.0.9", "10.0.0.5")}, cloud.Invalid, PoolInvalid, "/allocation_pools", "not valid"},
		{"pools that overlap", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Pools: pools("10.0.0.5", "10.0.0.9", "10.0.0.9", "10.0.0.20")}, cloud.Conflict, PoolsOverlap, "/allocation_pools", "overlapping"},
		{"the gateway in a pool", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Pools: pools("10.0.0.1", "10.0.0.9")}, cloud.Conflict, GatewayInPool, "/allocation_pools", "10.0.0.1"},
		{"the same name server twice", SubnetSpec{CIDR: prefix("10.0.0.0/24"), DNS: []netip.Addr{addr("8.8.8.8"), addr("8.8.8.8")}}, cloud.Invalid, "", "/dns_nameservers", "8.8.8.8"},
		{"too many routes", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Routes: routes}, cloud.Invalid, "", "/host_routes", "20"},
		{"a route of the other IP version", SubnetSpec{CIDR: prefix("10.0.0.0/24"), Routes: []Route{{prefix("fd00::/8"), addr("fd00::1")}}}, cloud.Invalid, "", "/host_routes", "IP version"},
		{"IPv6 on small packets", SubnetSpec{NetworkID: small.ID, CIDR: prefix("fd00::/64")}, cloud.Invalid, "", "/cidr", "1280"},
		{"a foreign network", SubnetSpec{NetworkID: theirs.ID, CIDR: prefix("10.0.0.0/24")}, cloud.NotFound, "", "/network_id", theirs.ID},
		{"somebody's shared network", SubnetSpec{NetworkID: shared.ID, CIDR: prefix("10.0.0.0/24")}, cloud.Forbidden, "", "/network_id", "owner"},
	} {
		if c.spec.NetworkID == "" {
			c.spec.NetworkID = n.ID
		}
		_, err := get(w, func(tx *statestore.Txn) (Subnet, error) { return SubnetCreate(tx, ann, c.spec) })
		wants(t, c.what, err, c.kind, c.reason, c.field, c.says)
	}
	w.subnet(bob, SubnetSpec{NetworkID: theirs.ID, CIDR: prefix("192.168.0.0/24")}) // other networks do not count
}

func TestSubnetUpdateAndDelete(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	s := w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/24"), Pools: pools("10.0.0.10", "10.0.0.11")})
	p := w.port(ann, PortSpec{NetworkID: n.ID})
	update := func(ch SubnetChange) (Subnet, error) {
		return get(w, func(tx *statestore.Txn) (Subnet, error) { return SubnetUpdate(tx, ann, s.ID, ch) })
	}
	if _, err := update(SubnetChange{Pools: pools("10.0.0.11", "10.0.0.11", "10.0.0.20", "10.0.0.20")}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 2 {
		got = append(got, w.port(ann, PortSpec{NetworkID: n.ID}).FixedIPs[0].Address.String())
	}
	if !slices.Equal(got, []string{"10.0.0.11", "10.0.0.20"}) {
		t.Errorf("got %v from the new pools", got)
	}
	_, err := w.tryPort(ann, PortSpec{NetworkID: n.ID})
	wants(t, "no address left", err, cloud.Conflict, AddressesExhausted, "/network_id", "No more IP addresses")
	gw := addr("10.0.0.20")
	_, err = update(SubnetChange{Gateway: &gw})
	wants(t, "a gateway in a pool", err, cloud.Conflict, GatewayInPool, "/allocation_pools", "10.0.0.20")
	err = w.try(func(tx *statestore.Txn) error { return SubnetDelete(tx, ann, s.ID) })
	wants(t, "deleting in use", err, cloud.Conflict, SubnetInUse, "", "IP allocation")
	w.do(func(tx *statestore.Txn) error {
		for _, p := range slices.Collect(Ports.All(tx)) {
			if err := PortDelete(tx, ann, p.ID); err != nil {
				return err
			}
		}
		return SubnetDelete(tx, ann, s.ID)
	})
	r := w.s.Snapshot()
	if AddressBlocks.Len(r)+AddressPools.Len(r)+Subnets.Len(r) != 0 {
		t.Error("something of the subnet is left")
	}
	_ = p
}

func TestNetworkDeleteTakesSubnets(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/24")})
	w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.1.0/24")})
	w.do(func(tx *statestore.Txn) error { return NetworkDelete(tx, ann, n.ID) })
	r := w.s.Snapshot()
	if Networks.Len(r)+Subnets.Len(r)+AddressPools.Len(r) != 0 {
		t.Error("something of the network is left")
	}
}
