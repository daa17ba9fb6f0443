package port

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

type wireAddress struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

type wirePair struct {
	IPAddress  string `json:"ip_address"`
	MACAddress string `json:"mac_address"`
}

// wire is a port as the API gives it.
type wire struct {
	ID                  string        `json:"id"`
	ProjectID           string        `json:"project_id"`
	NetworkID           string        `json:"network_id"`
	Name                string        `json:"name"`
	Description         string        `json:"description"`
	AdminStateUp        bool          `json:"admin_state_up"`
	MACAddress          string        `json:"mac_address"`
	FixedIPs            []wireAddress `json:"fixed_ips"`
	SecurityGroups      []string      `json:"security_groups"`
	AllowedAddressPairs []wirePair    `json:"allowed_address_pairs"`
	PortSecurityEnabled *bool         `json:"port_security_enabled"`
	DeviceID            string        `json:"device_id"`
	DeviceOwner         string        `json:"device_owner"`
}

// address is an element of fixed_ips.
type address struct {
	SubnetID  types.String `tfsdk:"subnet_id"`
	IPAddress types.String `tfsdk:"ip_address"`
}

// pair is an element of allowed_address_pairs.
type pair struct {
	IPAddress  types.String `tfsdk:"ip_address"`
	MACAddress types.String `tfsdk:"mac_address"`
}

var (
	addressType = types.ObjectType{AttrTypes: map[string]attr.Type{"subnet_id": types.StringType, "ip_address": types.StringType}}
	pairType    = types.ObjectType{AttrTypes: map[string]attr.Type{"ip_address": types.StringType, "mac_address": types.StringType}}
)

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	ProjectID           types.String `tfsdk:"project_id"`
	NetworkID           types.String `tfsdk:"network_id"`
	Name                types.String `tfsdk:"name"`
	Description         types.String `tfsdk:"description"`
	AdminStateUp        types.Bool   `tfsdk:"admin_state_up"`
	MACAddress          types.String `tfsdk:"mac_address"`
	FixedIPs            types.List   `tfsdk:"fixed_ips"`
	SecurityGroupIDs    types.Set    `tfsdk:"security_group_ids"`
	AllowedAddressPairs types.Set    `tfsdk:"allowed_address_pairs"`
	PortSecurityEnabled types.Bool   `tfsdk:"port_security_enabled"`
}

// Attributes maps a field of the API to the attribute it comes from, for what
// a create sends and an update may send.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "network_id", Value: m.NetworkID},
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "admin_state_up", Value: m.AdminStateUp, Update: true},
		{Wire: "mac_address", Value: m.MACAddress},
		{Wire: "fixed_ips", Value: m.FixedIPs, Update: true},
		{Wire: "security_groups", Value: m.SecurityGroupIDs, Update: true},
		{Wire: "allowed_address_pairs", Value: m.AllowedAddressPairs, Update: true},
		{Wire: "port_security_enabled", Value: m.PortSecurityEnabled, Update: true},
	}
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/port/network_id":            path.Root("network_id"),
	"/port/name":                  path.Root("name"),
	"/port/admin_state_up":        path.Root("admin_state_up"),
	"/port/mac_address":           path.Root("mac_address"),
	"/port/fixed_ips":             path.Root("fixed_ips"),
	"/port/fixed_ips/0":           path.Root("fixed_ips").AtListIndex(0),
	"/port/fixed_ips/1":           path.Root("fixed_ips").AtListIndex(1),
	"/port/security_groups":       path.Root("security_group_ids"),
	"/port/allowed_address_pairs": path.Root("allowed_address_pairs"),
	"/port/port_security_enabled": path.Root("port_security_enabled"),
}

// Fill sets the model from what the API gives. What was there before decides
// how it is told: the order of addresses, and pairs that named no MAC address.
func (m *model) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.ProjectID = types.StringValue(w.ProjectID)
	m.NetworkID = types.StringValue(w.NetworkID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	m.AdminStateUp = types.BoolValue(w.AdminStateUp)
	m.MACAddress = types.StringValue(w.MACAddress)
	m.PortSecurityEnabled = types.BoolValue(w.PortSecurityEnabled == nil || *w.PortSecurityEnabled)
	m.SecurityGroupIDs = client.Set(ctx, w.SecurityGroups, diags)
	m.FixedIPs = addressList(inOrder(addresses(ctx, m.FixedIPs, diags), w.FixedIPs))
	m.AllowedAddressPairs = pairSet(told(pairs(ctx, m.AllowedAddressPairs, diags), w.AllowedAddressPairs, w.MACAddress))
}

func addresses(ctx context.Context, v types.List, diags *diag.Diagnostics) []address {
	var out []address
	if !v.IsNull() && !v.IsUnknown() {
		diags.Append(v.ElementsAs(ctx, &out, false)...)
	}
	return out
}

func pairs(ctx context.Context, v types.Set, diags *diag.Diagnostics) []pair {
	var out []pair
	if !v.IsNull() && !v.IsUnknown() {
		diags.Append(v.ElementsAs(ctx, &out, false)...)
	}
	return out
}

func addressList(as []address) types.List {
	out := make([]attr.Value, 0, len(as))
	for _, a := range as {
		out = append(out, types.ObjectValueMust(addressType.AttrTypes, map[string]attr.Value{"subnet_id": a.SubnetID, "ip_address": a.IPAddress}))
	}
	return types.ListValueMust(addressType, out)
}

func pairSet(ps []pair) types.Set {
	out := make([]attr.Value, 0, len(ps))
	for _, p := range ps {
		out = append(out, types.ObjectValueMust(pairType.AttrTypes, map[string]attr.Value{"ip_address": p.IPAddress, "mac_address": p.MACAddress}))
	}
	return types.SetValueMust(pairType, out)
}
