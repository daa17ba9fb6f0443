package region

import (
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
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
