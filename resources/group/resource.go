package group

import (
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_group.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "group", Plural: "groups", Schema: attributes(), Fields: fields,
		Doc:    "A group of users. Its users have the roles that it has. Administrators and managers of the domain make groups; `cloudlet_group_membership` puts users into one.",
		Unique: func(m model) url.Values { return identity.Query(m.Name, m.DomainID) },
	}}
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name, unique among the domain's groups.", Validators: []validator.String{stringvalidator.LengthBetween(1, 64)}},
		"domain_id": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(),
			MarkdownDescription: "Id of the domain that it is in. Default: that of the provider's user. Changing it replaces the group."},
		"description": client.DescriptionAttribute(),
	}
}
