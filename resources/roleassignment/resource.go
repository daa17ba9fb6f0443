package roleassignment

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_role_assignment.
func NewResource() resource.Resource {
	return &assignment{identity.NewLink[model](identity.Link{Name: "role_assignment", Schema: attributes(),
		Doc: "A role that a user or a group has: in a project, in a domain, or in the system; with `inherited`, in the projects below. Every change replaces it. Its id is its path in the identity API."})}
}

type assignment struct {
	*managed.Resource[model, string, *model]
}

func attributes() map[string]schema.Attribute {
	ref := func(doc string, more ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: doc, Validators: append(more, stringvalidator.LengthAtLeast(1))}
	}
	role := ref("Id of the role.")
	role.Required, role.Optional = true, false
	replace := []planmodifier.Bool{boolplanmodifier.RequiresReplace()}
	return map[string]schema.Attribute{
		"role_id":    role,
		"user_id":    ref("Id of the user that has it.", stringvalidator.ExactlyOneOf(path.MatchRoot("user_id"), path.MatchRoot("group_id"))),
		"group_id":   ref("Id of the group whose users have it."),
		"project_id": ref("Id of the project that it is had in.", stringvalidator.ExactlyOneOf(path.MatchRoot("project_id"), path.MatchRoot("domain_id"), path.MatchRoot("system"))),
		"domain_id":  ref("Id of the domain that it is had in."),
		"system": schema.BoolAttribute{Optional: true, PlanModifiers: replace, MarkdownDescription: "`true` if it is had in the whole system.",
			Validators: []validator.Bool{boolvalidator.Equals(true)}},
		"inherited": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), PlanModifiers: replace,
			MarkdownDescription: "Whether it is had in the projects below, now and later, instead of in the project or domain itself. Default: `false`."},
	}
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (r *assignment) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if m.System.ValueBool() && m.Inherited.ValueBool() {
		resp.Diagnostics.AddAttributeError(path.Root("inherited"), "Nothing is below the system", "A role in the system is not inherited. Give it in a domain, or leave out inherited.")
	}
}
