package project

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_project.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "project", Plural: "projects", Schema: attributes(), At: map[string]string{"options": "immutable"},
		Doc: "A project: what instances, networks and images belong to, and what roles are given in. Administrators and managers of the domain make them.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        identity.NameAttribute("Name, unique among the domain's projects.", 64),
		"domain_id":   identity.ParentAttribute("Id of the domain that it is in. Default: that of the parent, else that of the provider's user.", "project"),
		"parent_id":   identity.ParentAttribute("Id of the project that it is below. Default: the domain.", "project"),
		"description": client.DescriptionAttribute(),
		"enabled":     identity.EnabledAttribute("Whether anybody can work in it. Disabling it ends the tokens of the project."),
		"tags":        identity.TagsAttribute(),
		"immutable":   identity.ImmutableAttribute(),
	}
}
