package subnet

import (
	"context"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

type pool struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type route struct {
	Destination string `json:"destination"`
	NextHop     string `json:"nexthop"`
}

// wire is a subnet as the API gives it.
type wire struct {
	ID              string   `json:"id"`
	ProjectID       string   `json:"project_id"`
	NetworkID       string   `json:"network_id"`
	Name            string   `json:"name"`
	Description     string   `json:"description"`
	IPVersion       int64    `json:"ip_version"`
	CIDR            string   `json:"cidr"`
	GatewayIP       string   `json:"gateway_ip"`
	EnableDHCP      bool     `json:"enable_dhcp"`
	DNSNameservers  []string `json:"dns_nameservers"`
	AllocationPools []pool   `json:"allocation_pools"`
	HostRoutes      []route  `json:"host_routes"`
	IPv6AddressMode string   `json:"ipv6_address_mode"`
	IPv6RAMode      string   `json:"ipv6_ra_mode"`
}

var (
	poolType  = types.ObjectType{AttrTypes: map[string]attr.Type{"start": types.StringType, "end": types.StringType}}
	routeType = types.ObjectType{AttrTypes: map[string]attr.Type{"destination": types.StringType, "nexthop": types.StringType}}
)

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	ProjectID       types.String `tfsdk:"project_id"`
	NetworkID       types.String `tfsdk:"network_id"`
	Name            types.String `tfsdk:"name"`
	Description     types.String `tfsdk:"description"`
	IPVersion       types.Int64  `tfsdk:"ip_version"`
	CIDR            types.String `tfsdk:"cidr"`
	GatewayIP       types.String `tfsdk:"gateway_ip"`
	NoGateway       types.Bool   `tfsdk:"no_gateway"`
	EnableDHCP      types.Bool   `tfsdk:"enable_dhcp"`
	DNSNameservers  types.List   `tfsdk:"dns_nameservers"`
	AllocationPools types.Set    `tfsdk:"allocation_pools"`
	HostRoutes      types.Set    `tfsdk:"host_routes"`
	IPv6AddressMode types.String `tfsdk:"ipv6_address_mode"`
	IPv6RAMode      types.String `tfsdk:"ipv6_ra_mode"`
}

// Attributes maps a field of the API to the attribute it comes from, for what
// a create sends and an update may send.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "network_id", Value: m.NetworkID},
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "ip_version", Value: m.IPVersion},
		{Wire: "cidr", Value: m.CIDR},
		{Wire: "gateway_ip", Value: m.GatewayIP, Update: true},
		{Wire: "enable_dhcp", Value: m.EnableDHCP, Update: true},
		{Wire: "dns_nameservers", Value: m.DNSNameservers, Update: true},
		{Wire: "allocation_pools", Value: m.AllocationPools, Update: true},
		{Wire: "host_routes", Value: m.HostRoutes, Update: true},
		{Wire: "ipv6_address_mode", Value: m.IPv6AddressMode},
		{Wire: "ipv6_ra_mode", Value: m.IPv6RAMode},
	}
}

// createBody is what a create sends: no gateway is said by null.
func (m *model) createBody() map[string]any {
	body := client.CreateBody(m.Attributes())
	if m.NoGateway.ValueBool() {
		body["gateway_ip"] = nil
	}
	return body
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/subnet/network_id":        path.Root("network_id"),
	"/subnet/name":              path.Root("name"),
	"/subnet/ip_version":        path.Root("ip_version"),
	"/subnet/cidr":              path.Root("cidr"),
	"/subnet/gateway_ip":        path.Root("gateway_ip"),
	"/subnet/enable_dhcp":       path.Root("enable_dhcp"),
	"/subnet/dns_nameservers":   path.Root("dns_nameservers"),
	"/subnet/allocation_pools":  path.Root("allocation_pools"),
	"/subnet/host_routes":       path.Root("host_routes"),
	"/subnet/ipv6_address_mode": path.Root("ipv6_address_mode"),
	"/subnet/ipv6_ra_mode":      path.Root("ipv6_ra_mode"),
}

// Fill sets the model from what the API gives.
func (m *model) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.ProjectID = types.StringValue(w.ProjectID)
	m.NetworkID = types.StringValue(w.NetworkID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	m.IPVersion = types.Int64Value(w.IPVersion)
	m.CIDR = types.StringValue(w.CIDR)
	m.GatewayIP = client.StringOrNull(w.GatewayIP)
	m.NoGateway = types.BoolValue(w.GatewayIP == "")
	m.EnableDHCP = types.BoolValue(w.EnableDHCP)
	m.IPv6AddressMode = client.StringOrNull(w.IPv6AddressMode)
	m.IPv6RAMode = client.StringOrNull(w.IPv6RAMode)
	m.DNSNameservers = client.List(ctx, w.DNSNameservers, diags)
	pools := make([]attr.Value, 0, len(w.AllocationPools))
	for _, p := range w.AllocationPools {
		pools = append(pools, types.ObjectValueMust(poolType.AttrTypes, map[string]attr.Value{"start": types.StringValue(p.Start), "end": types.StringValue(p.End)}))
	}
	m.AllocationPools = types.SetValueMust(poolType, pools)
	routes := make([]attr.Value, 0, len(w.HostRoutes))
	for _, r := range w.HostRoutes {
		routes = append(routes, types.ObjectValueMust(routeType.AttrTypes, map[string]attr.Value{"destination": types.StringValue(r.Destination), "nexthop": types.StringValue(r.NextHop)}))
	}
	m.HostRoutes = types.SetValueMust(routeType, routes)
}

// plan returns the gateway and the IP version that a change leads to, as far as
// the configuration tells. state is nil for a create.
func (m *model) plan(config, state *model) {
	if config.IPVersion.IsNull() && !config.CIDR.IsUnknown() {
		if p, err := netip.ParsePrefix(config.CIDR.ValueString()); err == nil {
			m.IPVersion = types.Int64Value(4)
			if p.Addr().Is6() {
				m.IPVersion = types.Int64Value(6)
			}
		}
	}
	switch {
	case m.NoGateway.ValueBool():
		m.GatewayIP = types.StringNull()
	case config.GatewayIP.IsNull() && state != nil && state.GatewayIP.IsNull():
		// The API only chooses a gateway at creation: choose as it would.
		if p, err := netip.ParsePrefix(m.CIDR.ValueString()); err == nil {
			m.GatewayIP = types.StringValue(p.Masked().Addr().Next().String())
		}
	}
}
