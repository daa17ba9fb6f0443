package domain

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_domain.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[domain, wire, *domain](identity.Source{Name: "domain", Plural: "domains", Doc: "Finds one domain: by name or id.",
		Attributes: map[string]schema.Attribute{
			"name":        managed.Asked("Name."),
			"description": managed.Told("Description, for people."),
			"enabled":     managed.ToldBool("Whether its users can log in."),
			"tags":        managed.ToldSet("Tags."),
			"immutable":   managed.ToldBool("Whether the cloud refuses to change or delete it."),
		}})
}
