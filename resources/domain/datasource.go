package domain

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_domain.
func NewDataSource() datasource.DataSource {
	return &identity.Source[domain, wire, *domain]{Name: "domain", Plural: "domains", Doc: "Finds one domain: by name or id.",
		Attributes: map[string]schema.Attribute{
			"name":        identity.Sought("Name."),
			"description": identity.Told("Description, for people."),
			"enabled":     identity.ToldBool("Whether its users can log in."),
			"tags":        identity.ToldSet("Tags."),
			"immutable":   identity.ToldBool("Whether the cloud refuses to change or delete it."),
		}}
}
