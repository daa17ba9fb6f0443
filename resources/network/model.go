package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a network as the API gives it.
type wire struct {
	ID                  string   `json:"id"`
	ProjectID           string   `json:"project_id"`
	Name                string   `json:"name"`
	Description         string   `json:"description"`
	AdminStateUp        bool     `json:"admin_state_up"`
	Shared              bool     `json:"shared"`
	External            bool     `json:"router:external"`
	MTU                 int64    `json:"mtu"`
	PortSecurityEnabled bool     `json:"port_security_enabled"`
	NetworkType         string   `json:"provider:network_type"`
	PhysicalNetwork     string   `json:"provider:physical_network"`
	SegmentationID      int64    `json:"provider:segmentation_id"`
	Tags                []string `json:"tags"`
}

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	ProjectID           types.String `tfsdk:"project_id"`
	Name                types.String `tfsdk:"name"`
	Description         types.String `tfsdk:"description"`
	AdminStateUp        types.Bool   `tfsdk:"admin_state_up"`
	Shared              types.Bool   `tfsdk:"shared"`
	External            types.Bool   `tfsdk:"external"`
	MTU                 types.Int64  `tfsdk:"mtu"`
	PortSecurityEnabled types.Bool   `tfsdk:"port_security_enabled"`
	NetworkType         types.String `tfsdk:"network_type"`
	PhysicalNetwork     types.String `tfsdk:"physical_network"`
	SegmentationID      types.Int64  `tfsdk:"segmentation_id"`
}

// Attributes maps a field of the API to the attribute it comes from, for what
// a create sends and an update may send.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "admin_state_up", Value: m.AdminStateUp, Update: true},
		{Wire: "shared", Value: m.Shared, Update: true},
		{Wire: "router:external", Value: m.External, Update: true},
		{Wire: "mtu", Value: m.MTU, Update: true},
		{Wire: "port_security_enabled", Value: m.PortSecurityEnabled, Update: true},
		{Wire: "provider:network_type", Value: m.NetworkType},
		{Wire: "provider:physical_network", Value: m.PhysicalNetwork},
		{Wire: "provider:segmentation_id", Value: m.SegmentationID},
	}
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/network/name":                      path.Root("name"),
	"/network/shared":                    path.Root("shared"),
	"/network/router:external":           path.Root("external"),
	"/network/mtu":                       path.Root("mtu"),
	"/network/provider:network_type":     path.Root("network_type"),
	"/network/provider:physical_network": path.Root("physical_network"),
	"/network/provider:segmentation_id":  path.Root("segmentation_id"),
}

// Fill sets the model from what the API gives. What the caller may not see
// (the provider attributes, for other than administrators) is null.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.ProjectID = types.StringValue(w.ProjectID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	m.AdminStateUp = types.BoolValue(w.AdminStateUp)
	m.Shared = types.BoolValue(w.Shared)
	m.External = types.BoolValue(w.External)
	m.MTU = types.Int64Value(w.MTU)
	m.PortSecurityEnabled = types.BoolValue(w.PortSecurityEnabled)
	m.NetworkType = client.StringOrNull(w.NetworkType)
	m.PhysicalNetwork = client.StringOrNull(w.PhysicalNetwork)
	m.SegmentationID = types.Int64Null()
	if w.SegmentationID != 0 {
		m.SegmentationID = types.Int64Value(w.SegmentationID)
	}
}
