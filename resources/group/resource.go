package group

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_group.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "group", Plural: "groups", Schema: attributes(),
		Doc: "A group of users. Its users have the roles that it has. Administrators and managers of the domain make groups; `cloudlet_group_membership` puts users into one.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        identity.NameAttribute("Name, unique among the domain's groups.", 64),
		"domain_id":   identity.ParentAttribute("Id of the domain that it is in. Default: that of the provider's user.", "group"),
		"description": client.DescriptionAttribute(),
	}
}
