package neutron

import (
	"net/netip"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func subnets() *resource[network.Subnet] {
	return &resource[network.Subnet]{
		name: "subnet", plural: "subnets", path: "/subnets", gone: "Subnet %s could not be found.",
		attributes: subnetAttributes(), table: network.Subnets,
		indexes:  map[string]string{"network_id": "network", "name": "name", "project_id": "project", "tenant_id": "project"},
		id:       func(s *network.Subnet) string { return s.ID },
		revision: func(s *network.Subnet) int { return s.Revision },
		tags:     func(s *network.Subnet) []string { return s.Tags },
		target:   subnetTarget,
		create:   subnetCreate, update: subnetUpdate, remove: network.SubnetDelete,
		retag: func(tx *statestore.Txn, c cloud.Caller, id string, tags []string) error {
			_, err := network.SubnetUpdate(tx, c, id, network.SubnetChange{Tags: &tags})
			return err
		},
	}
}

// subnetTarget makes a subnet public if its network is shared. One of a network
// that is only external is its owner's alone, as in Neutron.
func subnetTarget(r statestore.Reader, s *network.Subnet) cloud.Target {
	n, _ := network.Networks.Get(r, s.NetworkID)
	return cloud.Target{ProjectID: s.ProjectID, Public: n.Shared, Attr: map[string]string{"network_project_id": n.ProjectID}}
}

func subnetAttributes() []attribute[network.Subnet] {
	type S = network.Subnet
	nothing := func(*view, *S) any { return nil }
	return slices.Concat([]attribute[S]{
		{name: "id", value: func(_ *view, s *S) any { return s.ID }},
		{name: "name", post: true, put: true, value: func(_ *view, s *S) any { return s.Name }},
		{name: "description", post: true, put: true, value: func(_ *view, s *S) any { return s.Description }},
		{name: "network_id", post: true, need: true, value: func(_ *view, s *S) any { return s.NetworkID }},
		{name: "ip_version", post: true, need: true, value: func(_ *view, s *S) any { return version(s.CIDR.Addr()) }},
		{name: "cidr", post: true, value: func(_ *view, s *S) any { return s.CIDR.String() }},
		{name: "gateway_ip", post: true, put: true, value: subnetGateway},
		{name: "enable_dhcp", post: true, put: true, value: func(_ *view, s *S) any { return s.DHCP }},
		{name: "allocation_pools", post: true, put: true, value: func(_ *view, s *S) any { return renderPools(s.Pools) }},
		{name: "dns_nameservers", post: true, put: true, value: func(_ *view, s *S) any { return renderAddresses(s.DNS) }},
		{name: "host_routes", post: true, put: true, value: func(_ *view, s *S) any { return renderRoutes(s.Routes) }},
		{name: "ipv6_address_mode", post: true, value: nothing},
		{name: "ipv6_ra_mode", post: true, value: nothing},
		{name: "subnetpool_id", post: true, value: nothing},
		tagged(func(s *S) []string { return s.Tags }),
	}, standard(func(s *S) string { return s.ProjectID }, func(s *S) int { return s.Revision },
		func(s *S) (time.Time, time.Time) { return s.CreatedAt, s.UpdatedAt }))
}

func version(a netip.Addr) int {
	if a.Is6() {
		return 6
	}
	return 4
}

func subnetGateway(_ *view, s *network.Subnet) any {
	if !s.Gateway.IsValid() {
		return nil
	}
	return s.Gateway.String()
}

type poolWire struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

func renderPools(pools []network.Range) []poolWire {
	out := make([]poolWire, len(pools))
	for i, p := range pools {
		out[i] = poolWire{p.First.String(), p.Last.String()}
	}
	return out
}

func renderAddresses(list []netip.Addr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

type routeWire struct {
	Destination string `json:"destination"`
	NextHop     string `json:"nexthop"`
}

func renderRoutes(routes []network.Route) []routeWire {
	out := make([]routeWire, len(routes))
	for i, r := range routes {
		out[i] = routeWire{r.Destination.String(), r.NextHop.String()}
	}
	return out
}

func subnetCreate(w writing, in *input) (network.Subnet, error) {
	spec := network.SubnetSpec{
		ProjectID: in.project, NetworkID: deref(in.id("network_id")), Name: deref(in.text("name")), Description: deref(in.text("description")),
		CIDR: in.prefix("cidr", false), Gateway: in.address("gateway_ip"), Pools: in.pools(), DNS: deref(in.nameservers()),
		Routes: deref(in.hostRoutes()), DHCP: in.truth("enable_dhcp"), Tags: deref(in.texts("tags")),
	}
	ipVersion := deref(in.number("ip_version"))
	if ipVersion != 4 && ipVersion != 6 {
		in.fail("ip_version", "'%d' is not in [4, 6]", ipVersion)
	}
	for _, name := range []string{"ipv6_address_mode", "ipv6_ra_mode", "subnetpool_id"} {
		if v, given := in.raw(name); given {
			in.fail(name, "'%s' is not offered by this cloud, leave it out", v)
		}
	}
	if err := in.fault(); err != nil {
		return network.Subnet{}, err
	}
	if _, given := in.raw("cidr"); !given {
		return network.Subnet{}, cloud.Errorf(cloud.Invalid, "subnet", "Bad subnets request: a subnetpool must be specified in the absence of a cidr.").At("/cidr")
	}
	if version(spec.CIDR.Addr()) != ipVersion {
		return network.Subnet{}, cloud.Errorf(cloud.Invalid, "subnet", "Invalid input for operation: cidr '%s' does not match the ip_version '%d'.", spec.CIDR, ipVersion).At("/ip_version")
	}
	return network.SubnetCreate(w.tx, w.caller(), spec)
}

func subnetUpdate(w writing, id string, in *input) (network.Subnet, error) {
	ch := network.SubnetChange{
		Name: in.text("name"), Description: in.text("description"), Gateway: in.address("gateway_ip"), Pools: in.pools(),
		DNS: in.nameservers(), Routes: in.hostRoutes(), DHCP: in.truth("enable_dhcp"),
	}
	if err := in.fault(); err != nil {
		return network.Subnet{}, err
	}
	return network.SubnetUpdate(w.tx, w.caller(), id, ch)
}

// pools returns allocation_pools; null is as good as not given.
func (in *input) pools() *[]network.Range {
	list, given := in.objects("allocation_pools", "start", "end")
	if !given {
		return nil
	}
	out := make([]network.Range, len(list))
	for i, o := range list {
		out[i] = network.Range{First: o.needAddress("start"), Last: o.needAddress("end")}
	}
	return &out
}

// needAddress returns an address that must be there.
func (in *input) needAddress(name string) netip.Addr {
	s := in.id(name)
	if s == nil {
		in.fail(name, "an IP address is required")
		return netip.Addr{}
	}
	a, _ := in.parseAddress(name, *s)
	return a
}

// nameservers returns dns_nameservers; null is none.
func (in *input) nameservers() *[]netip.Addr {
	if !in.has("dns_nameservers") {
		return nil
	}
	list := deref(in.texts("dns_nameservers"))
	out := make([]netip.Addr, len(list))
	for i, s := range list {
		out[i], _ = in.parseAddress("dns_nameservers", s)
	}
	return &out
}

// hostRoutes returns host_routes; null is none.
func (in *input) hostRoutes() *[]network.Route {
	if !in.has("host_routes") {
		return nil
	}
	list, _ := in.objects("host_routes", "destination", "nexthop")
	out := make([]network.Route, len(list))
	for i, o := range list {
		if _, given := o.raw("destination"); !given {
			o.fail("destination", "a CIDR is required")
		}
		out[i] = network.Route{Destination: o.prefix("destination", false), NextHop: o.needAddress("nexthop")}
	}
	return &out
}
