package domain

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

// NewResource returns cloudlet_domain.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "domain", Plural: "domains", Schema: attributes(), Fields: fields,
		Retire: map[string]any{"enabled": false},
		Doc:    "A domain: a space of users, groups and projects of its own. Administrators make them. Destroying one disables it first, and takes its users, groups and projects along.",
		Unique: func(m model) url.Values { return identity.Query(m.Name, types.StringNull()) },
	}}
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        schema.StringAttribute{Required: true, MarkdownDescription: "Name, unique among the domains.", Validators: []validator.String{stringvalidator.LengthBetween(1, 64)}},
		"description": client.DescriptionAttribute(),
		"enabled": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether its users can log in. Disabling it ends their tokens, and those of its projects. Default: `true`."},
		"tags": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: setdefault.StaticValue(types.SetValueMust(types.StringType, []attr.Value{})),
			MarkdownDescription: "Tags, at most 80.", Validators: []validator.Set{setvalidator.SizeAtMost(80), setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255),
				stringvalidator.RegexMatches(regexp.MustCompile(`^[^,/]*$`), "must have neither comma nor slash"))}},
		"immutable": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether the cloud refuses to change or delete it. Set it to `false` and apply before you destroy it. Default: `false`."},
	}
}
