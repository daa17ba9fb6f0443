package service

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_service.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "service", Plural: "services", Schema: attributes(),
		Doc: "A service of the catalog, whose addresses are `cloudlet_endpoint`. Administrators make them. Destroying one takes its endpoints along.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        identity.NameAttribute("Name. Need not be unique.", 255),
		"type":        identity.NameAttribute("What API it is, such as `object-store`: clients find it by that.", 255),
		"description": client.DescriptionAttribute(),
		"enabled":     identity.EnabledAttribute("Whether it is in the catalog."),
	}
}
