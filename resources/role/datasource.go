package role

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_role.
func NewDataSource() datasource.DataSource {
	return &identity.Source[role, wire, *role]{Name: "role", Plural: "roles", Doc: "Finds one role: by name or id. Without a domain it is one for all domains.",
		Attributes: map[string]schema.Attribute{
			"name":        identity.Sought("Name."),
			"domain_id":   identity.Sought("Id of the domain that it is for; null if for all."),
			"description": identity.Told("Description, for people."),
			"immutable":   identity.ToldBool("Whether the cloud refuses to change or delete it."),
		}}
}
