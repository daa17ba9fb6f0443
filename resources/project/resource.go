package project

import (
	"net/url"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_project.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "project", Plural: "projects", Schema: attributes(), Fields: fields,
		Doc:    "A project: what instances, networks and images belong to, and what roles are given in. Administrators and managers of the domain make them.",
		Unique: func(m model) url.Values { return identity.Query(m.Name, m.DomainID) },
	}}
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name, unique among the domain's projects.", Validators: []validator.String{stringvalidator.LengthBetween(1, 64)}},
		"domain_id": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(),
			MarkdownDescription: "Id of the domain that it is in. Default: that of the parent, else that of the provider's user. Changing it replaces the project."},
		"parent_id": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(),
			MarkdownDescription: "Id of the project that it is below. Default: the domain. Changing it replaces the project."},
		"description": client.DescriptionAttribute(),
		"enabled": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether anybody can work in it. Disabling it ends the tokens of the project. Default: `true`."},
		"tags": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: setdefault.StaticValue(types.SetValueMust(types.StringType, []attr.Value{})),
			MarkdownDescription: "Tags, at most 80.", Validators: []validator.Set{setvalidator.SizeAtMost(80), setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255),
				stringvalidator.RegexMatches(regexp.MustCompile(`^[^,/]*$`), "must have neither comma nor slash"))}},
		"immutable": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether the cloud refuses to change or delete it. Set it to `false` and apply before you destroy it. Default: `false`."},
	}
}
