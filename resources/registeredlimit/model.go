package registeredlimit

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a registered limit as the API gives it.
type wire struct {
	ID          string `json:"id"`
	ServiceID   string `json:"service_id"`
	RegionID    string `json:"region_id"`
	Resource    string `json:"resource_name"`
	Default     int64  `json:"default_limit"`
	Description string `json:"description"`
}

// registered is what Terraform knows of a registered limit.
type registered struct {
	managed.Thing
	ServiceID   types.String `tfsdk:"service_id"`
	RegionID    types.String `tfsdk:"region_id"`
	Resource    types.String `tfsdk:"resource_name"`
	Default     types.Int64  `tfsdk:"default_limit"`
	Description types.String `tfsdk:"description"`
}

// model is the resource as Terraform keeps it.
type model struct {
	registered
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "service_id", Value: m.ServiceID},
		{Wire: "region_id", Value: m.RegionID},
		{Wire: "resource_name", Value: m.Resource},
		{Wire: "default_limit", Value: m.Default, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
	}
}

// Fill implements managed.Model.
func (r *registered) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	r.ID = types.StringValue(w.ID)
	r.ServiceID = types.StringValue(w.ServiceID)
	r.RegionID = client.StringOrNull(w.RegionID)
	r.Resource = types.StringValue(w.Resource)
	r.Default = types.Int64Value(w.Default)
	r.Description = types.StringValue(w.Description)
}

// Query implements identity.Found.
func (r *registered) Query() url.Values {
	return identity.Query(map[string]types.String{"service_id": r.ServiceID, "region_id": r.RegionID, "resource_name": r.Resource})
}
