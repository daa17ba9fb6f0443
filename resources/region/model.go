package region

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a region as the API gives it.
type wire struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	ParentID    string `json:"parent_region_id"`
}

// region is what Terraform knows of a region.
type region struct {
	managed.Thing
	Description types.String `tfsdk:"description"`
	ParentID    types.String `tfsdk:"parent_region_id"`
}

// model is the resource as Terraform keeps it.
type model struct {
	region
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "id", Value: m.ID},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "parent_region_id", Value: m.ParentID, Update: true},
	}
}

// Fill implements managed.Model.
func (r *region) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	r.ID = types.StringValue(w.ID)
	r.Description = types.StringValue(w.Description)
	r.ParentID = client.StringOrNull(w.ParentID)
}

// Query implements identity.Found.
func (r *region) Query() url.Values {
	return identity.Query(map[string]types.String{"parent_region_id": r.ParentID})
}
