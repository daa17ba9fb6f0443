package neutron

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func ports() *resource[network.Port] {
	return &resource[network.Port]{
		name: "port", plural: "ports", path: "/ports", gone: "Port %s could not be found.",
		attributes: portAttributes(), table: network.Ports,
		indexes:  map[string]string{"network_id": "network", "device_id": "device", "name": "name", "project_id": "project", "tenant_id": "project"},
		id:       func(p *network.Port) string { return p.ID },
		revision: func(p *network.Port) int { return p.Revision },
		tags:     func(p *network.Port) []string { return p.Tags },
		target: func(r statestore.Reader, p *network.Port) cloud.Target {
			n, _ := network.Networks.Get(r, p.NetworkID)
			return portTarget(p.ProjectID, n)
		},
		over: portOver, create: portCreate, update: portUpdate, remove: network.PortDelete,
		retag: func(tx *statestore.Txn, c cloud.Caller, id string, tags []string) error {
			_, err := network.PortUpdate(tx, c, id, network.PortChange{Tags: &tags})
			return err
		},
	}
}

// portTarget tells policy also whose network the port is on.
func portTarget(projectID string, n network.Network) cloud.Target {
	return cloud.Target{ProjectID: projectID, Attr: map[string]string{"network_project_id": n.ProjectID, "network_shared": strconv.FormatBool(n.Shared)}}
}

// portOver is the target of a new port's attributes. A network that the plan
// will make is the caller's; one that it may not see is for the domain to refuse.
func portOver(w writing, in *input) cloud.Target {
	n, err := network.NetworkGet(w.tx, w.caller(), deref(in.id("network_id")))
	if err != nil || n.ID == cloud.UnknownID {
		n.ProjectID = w.caller().ProjectID
	}
	return portTarget(in.project, n)
}

func portAttributes() []attribute[network.Port] {
	type P = network.Port
	const told = "network:port:get_binding"
	bind := always("network:port:set_binding")
	return slices.Concat([]attribute[P]{
		{name: "id", value: func(_ *view, p *P) any { return p.ID }},
		{name: "name", post: true, put: true, value: func(_ *view, p *P) any { return p.Name }},
		{name: "description", post: true, put: true, value: func(_ *view, p *P) any { return p.Description }},
		{name: "network_id", post: true, need: true, value: func(_ *view, p *P) any { return p.NetworkID }},
		{name: "admin_state_up", post: true, put: true, value: func(_ *view, p *P) any { return p.AdminStateUp }},
		{name: "status", value: portStatus},
		{name: "mac_address", post: true, put: true, set: portMACRule, value: func(_ *view, p *P) any { return p.MAC },
			match: portHasMAC},
		{name: "fixed_ips", post: true, put: true, set: portAddressRule, value: func(_ *view, p *P) any { return renderFixedIPs(p.FixedIPs) }, match: portHasAddress},
		{name: "device_id", post: true, put: true, value: func(_ *view, p *P) any { return p.DeviceID }},
		{name: "device_owner", post: true, put: true, set: portOwnerRule, value: func(_ *view, p *P) any { return p.DeviceOwner }},
		{name: "security_groups", post: true, put: true, value: func(_ *view, p *P) any { return p.SecurityGroups }},
		{name: "port_security_enabled", post: true, put: true, set: always("network:port:set_port_security"), value: func(_ *view, p *P) any { return p.PortSecurity }},
		{name: "allowed_address_pairs", post: true, put: true, set: unless("[]", "network:port:set_allowed_address_pairs"), value: func(_ *view, p *P) any { return renderPairs(p.AllowedPairs) }},
		{name: "binding:vnic_type", post: true, put: true, value: func(*view, *P) any { return "normal" }},
		{name: "binding:host_id", post: true, put: true, set: bind, get: told, value: func(_ *view, p *P) any { return p.BindingHost }},
		{name: "binding:profile", post: true, put: true, set: bind, get: told, value: func(*view, *P) any { return struct{}{} }},
		{name: "binding:vif_type", get: told, value: portVIF},
		{name: "binding:vif_details", get: told, value: portVIFDetails},
		tagged(func(p *P) []string { return p.Tags }),
	}, standard(func(p *P) string { return p.ProjectID }, func(p *P) int { return p.Revision },
		func(p *P) (time.Time, time.Time) { return p.CreatedAt, p.UpdatedAt }))
}

// portMACRule: guests are known by their MAC, so changing one takes more than choosing one.
func portMACRule(_ jsontext.Value, creating bool) string {
	if creating {
		return "network:port:set_mac_address"
	}
	return "network:port:change_mac_address"
}

// portAddressRule: naming an address takes more than naming a subnet.
func portAddressRule(v jsontext.Value, _ bool) string {
	if bytes.Contains(v, []byte(`"ip_address"`)) {
		return "network:port:set_address"
	}
	return "network:port:set_fixed_ips"
}

// portOwnerRule: the ports of the network's own services are its owner's.
func portOwnerRule(v jsontext.Value, _ bool) string {
	if s, _ := stringOf(v); strings.HasPrefix(s, "network:") {
		return "network:port:set_device_owner"
	}
	return ""
}

// portStatus shows a port that carries nothing as DOWN.
func portStatus(_ *view, p *network.Port) any {
	if !p.AdminStateUp {
		return string(network.Down)
	}
	return string(p.Status)
}

func portVIF(_ *view, p *network.Port) any {
	if p.HostID == "" {
		return "unbound"
	}
	return "bridge"
}

func portVIFDetails(_ *view, p *network.Port) any {
	if p.HostID == "" {
		return map[string]any{}
	}
	return map[string]any{"port_filter": true}
}

type fixedIPWire struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

func renderFixedIPs(list []network.FixedIP) []fixedIPWire {
	out := make([]fixedIPWire, len(list))
	for i, f := range list {
		out[i] = fixedIPWire{f.SubnetID, f.Address.String()}
	}
	return out
}

type pairWire struct {
	MAC     string `json:"mac_address"`
	Address string `json:"ip_address"`
}

func renderPairs(list []network.AddressPair) []pairWire {
	out := make([]pairWire, len(list))
	for i, a := range list {
		out[i] = pairWire{a.MAC, a.Prefix.String()}
		if a.Prefix.IsSingleIP() {
			out[i].Address = a.Prefix.Addr().String()
		}
	}
	return out
}

func portCreate(w writing, in *input) (network.Port, error) {
	spec := network.PortSpec{
		ProjectID: in.project, NetworkID: deref(in.id("network_id")), Name: deref(in.text("name")), Description: deref(in.text("description")),
		MAC: deref(in.id("mac_address")), FixedIPs: in.fixedIPs(), AdminStateUp: in.truth("admin_state_up"), PortSecurity: in.truth("port_security_enabled"),
		SecurityGroups: in.texts("security_groups"), AllowedPairs: deref(in.pairs()), DeviceID: deref(in.text("device_id")),
		DeviceOwner: deref(in.text("device_owner")), BindingHost: deref(in.id("binding:host_id")), Tags: deref(in.texts("tags")),
	}
	in.binding()
	if err := in.fault(); err != nil {
		return network.Port{}, err
	}
	return network.PortCreate(w.tx, w.caller(), spec)
}

func portUpdate(w writing, id string, in *input) (network.Port, error) {
	ch := network.PortChange{
		Name: in.text("name"), Description: in.text("description"), MAC: in.id("mac_address"), FixedIPs: in.fixedIPs(),
		AdminStateUp: in.truth("admin_state_up"), PortSecurity: in.truth("port_security_enabled"), SecurityGroups: in.texts("security_groups"),
		AllowedPairs: in.pairs(), DeviceID: in.text("device_id"), DeviceOwner: in.text("device_owner"), BindingHost: in.id("binding:host_id"),
	}
	// Null takes all away.
	if v, given := in.given["fixed_ips"]; given && null(v) {
		ch.FixedIPs = &[]network.FixedIP{}
	}
	if v, given := in.given["security_groups"]; given && null(v) {
		ch.SecurityGroups = &[]string{}
	}
	if v, given := in.given["binding:host_id"]; given && null(v) {
		ch.BindingHost = new(string)
	}
	in.binding()
	if err := in.fault(); err != nil {
		return network.Port{}, err
	}
	return network.PortUpdate(w.tx, w.caller(), id, ch)
}

// binding refuses kinds of NICs that no host gives.
func (in *input) binding() {
	if t := in.id("binding:vnic_type"); t != nil && *t != "normal" {
		in.fail("binding:vnic_type", "'%s' is not in ['normal']", *t)
	}
	if v, given := in.raw("binding:profile"); given && strings.Join(strings.Fields(string(v)), "") != "{}" {
		in.fail("binding:profile", "hosts take no profile, only {} is accepted")
	}
}

// fixedIPs returns fixed_ips.
func (in *input) fixedIPs() *[]network.FixedIP {
	list, given := in.objects("fixed_ips", "subnet_id", "ip_address")
	if !given {
		return nil
	}
	out := make([]network.FixedIP, len(list))
	for i, o := range list {
		out[i].SubnetID = deref(o.id("subnet_id"))
		if s := o.id("ip_address"); s != nil {
			out[i].Address, _ = o.parseAddress("ip_address", *s)
		}
	}
	return &out
}

// pairs returns allowed_address_pairs; null is none.
func (in *input) pairs() *[]network.AddressPair {
	if !in.has("allowed_address_pairs") {
		return nil
	}
	list, _ := in.objects("allowed_address_pairs", "mac_address", "ip_address")
	out := make([]network.AddressPair, len(list))
	for i, o := range list {
		out[i] = network.AddressPair{MAC: deref(o.id("mac_address")), Prefix: o.prefix("ip_address", true)}
	}
	return &out
}

func portHasMAC(p *network.Port, wants []string) bool {
	return slices.ContainsFunc(wants, func(want string) bool {
		mac, ok := network.ParseMAC(want)
		return ok && mac == p.MAC
	})
}

// portHasAddress is the filter fixed_ips=ip_address=10.0.0.3, subnet_id=… or
// ip_address_substr=0.0.3: one address is any of those that are wanted of each key.
func portHasAddress(p *network.Port, wants []string) bool {
	byKey := map[string][]string{}
	for _, want := range wants {
		key, value, _ := strings.Cut(want, "=")
		byKey[key] = append(byKey[key], value)
	}
	return slices.ContainsFunc(p.FixedIPs, func(f network.FixedIP) bool {
		for key, values := range byKey {
			if !slices.ContainsFunc(values, func(v string) bool { return addressIs(f, key, v) }) {
				return false
			}
		}
		return true
	})
}

func addressIs(f network.FixedIP, key, value string) bool {
	switch key {
	case "subnet_id":
		return f.SubnetID == value
	case "ip_address":
		a, err := netip.ParseAddr(value)
		return err == nil && a.Unmap() == f.Address
	case "ip_address_substr":
		return strings.Contains(f.Address.String(), value)
	}
	return false
}
