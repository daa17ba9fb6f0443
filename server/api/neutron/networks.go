package neutron

import (
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) networks() *resource[network.Network] {
	return &resource[network.Network]{
		name: "network", plural: "networks", path: "/networks", gone: "Network %s could not be found.",
		attributes: a.networkAttributes(), table: network.Networks,
		indexes:  map[string]string{"name": "name", "project_id": "project", "tenant_id": "project"},
		id:       func(n *network.Network) string { return n.ID },
		revision: func(n *network.Network) int { return n.Revision },
		tags:     func(n *network.Network) []string { return n.Tags },
		target:   networkTarget,
		create:   a.networkCreate, update: networkUpdate, remove: network.NetworkDelete,
		retag: func(tx *statestore.Txn, c cloud.Caller, id string, tags []string) error {
			_, err := network.NetworkUpdate(tx, c, id, network.NetworkChange{Tags: &tags})
			return err
		},
	}
}

func networkTarget(_ statestore.Reader, n *network.Network) cloud.Target {
	return cloud.Target{ProjectID: n.ProjectID, Public: n.Public()}
}

func (a *api) networkAttributes() []attribute[network.Network] {
	type N = network.Network
	provider := always("network:network:set_provider")
	const told = "network:network:get_provider"
	return slices.Concat([]attribute[N]{
		{name: "id", value: func(_ *view, n *N) any { return n.ID }},
		{name: "name", post: true, put: true, value: func(_ *view, n *N) any { return n.Name }},
		{name: "description", post: true, put: true, value: func(_ *view, n *N) any { return n.Description }},
		{name: "admin_state_up", post: true, put: true, value: func(_ *view, n *N) any { return n.AdminStateUp }},
		{name: "status", value: func(*view, *N) any { return "ACTIVE" }},
		{name: "subnets", value: func(v *view, n *N) any { return subnetIDs(v.r, n.ID) }},
		{name: "shared", post: true, put: true, set: unless("false", "network:network:set_shared"), value: func(_ *view, n *N) any { return n.Shared }},
		{name: "router:external", post: true, put: true, set: unless("false", "network:network:set_external"), value: func(_ *view, n *N) any { return n.External }},
		{name: "is_default", post: true, put: true, set: unless("false", "network:network:set_default"), value: networkDefault},
		{name: "mtu", post: true, put: true, value: func(_ *view, n *N) any { return n.MTU }},
		{name: "port_security_enabled", post: true, put: true, set: always("network:network:set_port_security"), value: func(_ *view, n *N) any { return n.PortSecurity }},
		{name: "availability_zone_hints", post: true, value: func(_ *view, n *N) any { return n.ZoneHints }},
		{name: "availability_zones", value: func(v *view, n *N) any { return a.networkZones(v, n) }},
		{name: "provider:network_type", post: true, set: provider, get: told, value: func(_ *view, n *N) any { return string(n.Type) }},
		{name: "provider:physical_network", post: true, set: provider, get: told, value: func(_ *view, n *N) any { return orNull(n.PhysicalNetwork) }},
		{name: "provider:segmentation_id", post: true, set: provider, get: told, value: networkSegment},
		tagged(func(n *N) []string { return n.Tags }),
	}, standard(func(n *N) string { return n.ProjectID }, func(n *N) int { return n.Revision },
		func(n *N) (time.Time, time.Time) { return n.CreatedAt, n.UpdatedAt }))
}

func subnetIDs(r statestore.Reader, networkID string) []string {
	ids := []string{}
	for _, s := range network.SubnetsOfNetwork(r, networkID) {
		ids = append(ids, s.ID)
	}
	return ids
}

// networkDefault is told of external networks only.
func networkDefault(_ *view, n *network.Network) any {
	if !n.External {
		return omitted{}
	}
	return n.Default
}

func networkSegment(_ *view, n *network.Network) any {
	if n.VNI == 0 {
		return nil
	}
	return n.VNI
}

// networkZones are those in which the network's addresses are given out: all,
// since each host does that for itself.
func (a *api) networkZones(v *view, n *network.Network) any {
	if network.Subnets.Count(v.r, "network", n.ID) == 0 {
		return []string{}
	}
	return a.zones(v.r)
}

func (a *api) networkCreate(w writing, in *input) (network.Network, error) {
	spec := network.NetworkSpec{
		ProjectID: in.project, Name: deref(in.text("name")), Description: deref(in.text("description")), AdminStateUp: in.truth("admin_state_up"),
		Shared: deref(in.truth("shared")), External: deref(in.truth("router:external")), Default: deref(in.truth("is_default")),
		MTU: deref(in.number("mtu")), PortSecurity: in.truth("port_security_enabled"), Type: network.Type(deref(in.id("provider:network_type"))),
		PhysicalNetwork: deref(in.id("provider:physical_network")), VNI: deref(in.number("provider:segmentation_id")),
		ZoneHints: deref(in.texts("availability_zone_hints")), Tags: deref(in.texts("tags")),
	}
	if v, given := in.raw("mtu"); given && spec.MTU <= 0 {
		in.fail("mtu", "'%s' is not a size of packets", v)
	}
	if err := in.fault(); err != nil {
		return network.Network{}, err
	}
	for n, z := range spec.ZoneHints {
		if slices.Contains(spec.ZoneHints[:n], z) {
			return network.Network{}, cloud.Errorf(cloud.Invalid, "network", "Invalid input for availability_zone_hints. Reason: Duplicate items in the list: '%s'.", z).At("/availability_zone_hints")
		}
		if !slices.Contains(a.zones(w.tx), z) {
			return network.Network{}, cloud.Errorf(cloud.NotFound, "availability_zone", "AvailabilityZone %s could not be found.", z).At("/availability_zone_hints")
		}
	}
	return network.NetworkCreate(w.tx, w.caller(), spec)
}

func networkUpdate(w writing, id string, in *input) (network.Network, error) {
	ch := network.NetworkChange{
		Name: in.text("name"), Description: in.text("description"), AdminStateUp: in.truth("admin_state_up"), Shared: in.truth("shared"),
		External: in.truth("router:external"), Default: in.truth("is_default"), MTU: in.number("mtu"), PortSecurity: in.truth("port_security_enabled"),
	}
	if err := in.fault(); err != nil {
		return network.Network{}, err
	}
	return network.NetworkUpdate(w.tx, w.caller(), id, ch)
}
