package role

import (
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_role.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "role", Plural: "roles", Schema: attributes(), Fields: fields,
		Doc:    "A role: what policy asks for. Administrators make them.",
		Unique: func(m model) url.Values { return identity.Query(m.Name, m.DomainID) },
	}}
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name, unique among the roles of its domain, or among those for all domains.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
		"domain_id": schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Id of the domain that it is for. Default: it is for all. Changing it replaces the role."},
		"description": client.DescriptionAttribute(),
		"immutable": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether the cloud refuses to change or delete it. Set it to `false` and apply before you destroy it. Default: `false`."},
	}
}
