package domain

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_domain.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "domain", Plural: "domains", Schema: attributes(), At: map[string]string{"options": "immutable"},
		Retire: map[string]any{"enabled": false},
		Doc:    "A domain: a space of users, groups and projects of its own. Administrators make them. Destroying one disables it first, and takes its users, groups and projects along.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        identity.NameAttribute("Name, unique among the domains.", 64),
		"description": client.DescriptionAttribute(),
		"enabled":     identity.EnabledAttribute("Whether its users can log in. Disabling it ends their tokens, and those of its projects."),
		"tags":        identity.TagsAttribute(),
		"immutable":   identity.ImmutableAttribute(),
	}
}
