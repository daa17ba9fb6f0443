package region

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_region.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "region", Plural: "regions", Schema: attributes(),
		Fields: client.Fields{"/region/id": path.Root("id"), "/region/description": path.Root("description"), "/region/parent_region_id": path.Root("parent_region_id")},
		Doc:    "A region of the catalog: what clients choose endpoints by. Administrators make them.",
	}}
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthBetween(1, 255)},
			MarkdownDescription: "Id, which is its name too. Default: one that the cloud makes up. Changing it replaces the region."},
		"description":      client.DescriptionAttribute(),
		"parent_region_id": schema.StringAttribute{Optional: true, MarkdownDescription: "Id of the region that it is part of.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)}},
	}
}

// wire is a region as the API gives it.
type wire struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	ParentID    string `json:"parent_region_id"`
}

// model is the resource as Terraform keeps it.
type model struct {
	ID          types.String   `tfsdk:"id"`
	Description types.String   `tfsdk:"description"`
	ParentID    types.String   `tfsdk:"parent_region_id"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`
}

// Key implements identity.Model.
func (m *model) Key() *types.String { return &m.ID }

// Limits implements identity.Model.
func (m *model) Limits() timeouts.Value { return m.Timeouts }

// Attributes implements identity.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "id", Value: m.ID},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "parent_region_id", Value: m.ParentID, Update: true},
	}
}

// Fill implements identity.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Description = types.StringValue(w.Description)
	m.ParentID = client.StringOrNull(w.ParentID)
}
