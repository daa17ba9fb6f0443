package region

import (
	"context"
	"net/url"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_region.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "region", Plural: "regions", Schema: attributes(),
		Choose: choose,
		Doc:    "A region of the catalog: what clients choose endpoints by. Administrators make them.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthBetween(1, 255)},
			MarkdownDescription: "Id, which is its name too. Default: one that the cloud makes up. Changing it replaces the region."},
		"description":      client.DescriptionAttribute(),
		"parent_region_id": schema.StringAttribute{Optional: true, MarkdownDescription: "Id of the region that it is part of.", Validators: identity.Some()},
	}
}

// choose returns the region's id, which the body of a create names.
func choose(plan *model) string {
	if plan.ID.ValueString() == "" {
		plan.ID = types.StringValue(uuid.NewString())
	}
	return plan.ID.ValueString()
}

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
