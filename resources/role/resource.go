package role

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_role.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "role", Plural: "roles", Schema: attributes(), At: map[string]string{"options": "immutable"},
		Doc: "A role: what policy asks for. Administrators make them.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": identity.NameAttribute("Name, unique among the roles of its domain, or among those for all domains.", 255),
		"domain_id": schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), Validators: identity.Some(),
			MarkdownDescription: "Id of the domain that it is for. Default: it is for all. Changing it replaces the role."},
		"description": client.DescriptionAttribute(),
		"immutable":   identity.ImmutableAttribute(),
	}
}
