package role

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_role.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[role, wire, *role](identity.Source{Name: "role", Plural: "roles", Doc: "Finds one role: by name or id. Without a domain it is one for all domains.",
		Attributes: map[string]schema.Attribute{
			"name":        managed.Asked("Name."),
			"domain_id":   managed.Asked("Id of the domain that it is for; null if for all."),
			"description": managed.Told("Description, for people."),
			"immutable":   managed.ToldBool("Whether the cloud refuses to change or delete it."),
		}})
}
