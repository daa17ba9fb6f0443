package limit

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a limit as the API gives it.
type wire struct {
	ID          string `json:"id"`
	ProjectID   string `json:"project_id"`
	DomainID    string `json:"domain_id"`
	ServiceID   string `json:"service_id"`
	RegionID    string `json:"region_id"`
	Resource    string `json:"resource_name"`
	Max         int64  `json:"resource_limit"`
	Description string `json:"description"`
}

// limit is what Terraform knows of a limit.
type limit struct {
	managed.Thing
	ProjectID   types.String `tfsdk:"project_id"`
	DomainID    types.String `tfsdk:"domain_id"`
	ServiceID   types.String `tfsdk:"service_id"`
	RegionID    types.String `tfsdk:"region_id"`
	Resource    types.String `tfsdk:"resource_name"`
	Max         types.Int64  `tfsdk:"resource_limit"`
	Description types.String `tfsdk:"description"`
}

// model is the resource as Terraform keeps it.
type model struct {
	limit
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "project_id", Value: m.ProjectID},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "service_id", Value: m.ServiceID},
		{Wire: "region_id", Value: m.RegionID},
		{Wire: "resource_name", Value: m.Resource},
		{Wire: "resource_limit", Value: m.Max, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
	}
}

// Fill implements managed.Model.
func (l *limit) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	l.ID = types.StringValue(w.ID)
	l.ProjectID, l.DomainID = client.StringOrNull(w.ProjectID), client.StringOrNull(w.DomainID)
	l.ServiceID = types.StringValue(w.ServiceID)
	l.RegionID = client.StringOrNull(w.RegionID)
	l.Resource = types.StringValue(w.Resource)
	l.Max = types.Int64Value(w.Max)
	l.Description = types.StringValue(w.Description)
}

// Query implements identity.Found.
func (l *limit) Query() url.Values {
	return identity.Query(map[string]types.String{"project_id": l.ProjectID, "domain_id": l.DomainID, "service_id": l.ServiceID, "region_id": l.RegionID, "resource_name": l.Resource})
}
