package endpoint

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is an endpoint as the API gives it.
type wire struct {
	ID        string `json:"id"`
	ServiceID string `json:"service_id"`
	RegionID  string `json:"region_id"`
	Interface string `json:"interface"`
	URL       string `json:"url"`
	Enabled   bool   `json:"enabled"`
}

// endpoint is what Terraform knows of an endpoint.
type endpoint struct {
	managed.Thing
	ServiceID types.String `tfsdk:"service_id"`
	RegionID  types.String `tfsdk:"region_id"`
	Interface types.String `tfsdk:"interface"`
	URL       types.String `tfsdk:"url"`
	Enabled   types.Bool   `tfsdk:"enabled"`
}

// model is the resource as Terraform keeps it.
type model struct {
	endpoint
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "service_id", Value: m.ServiceID, Update: true},
		{Wire: "region_id", Value: m.RegionID, Update: true},
		{Wire: "interface", Value: m.Interface, Update: true},
		{Wire: "url", Value: m.URL, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
	}
}

// Fill implements managed.Model.
func (e *endpoint) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	e.ID = types.StringValue(w.ID)
	e.ServiceID = types.StringValue(w.ServiceID)
	e.RegionID = client.StringOrNull(w.RegionID)
	e.Interface = types.StringValue(w.Interface)
	e.URL = types.StringValue(w.URL)
	e.Enabled = types.BoolValue(w.Enabled)
}

// Query implements identity.Found.
func (e *endpoint) Query() url.Values {
	return identity.Query(map[string]types.String{"service_id": e.ServiceID, "region_id": e.RegionID, "interface": e.Interface})
}
