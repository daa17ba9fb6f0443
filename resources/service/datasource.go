package service

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_service.
func NewDataSource() datasource.DataSource {
	return &identity.Source[service, wire, *service]{Name: "service", Plural: "services", Doc: "Finds one service of the catalog: by name, type or both, or by id.",
		Attributes: map[string]schema.Attribute{
			"name":        identity.Sought("Name."),
			"type":        identity.Sought("What API it is, such as `compute`."),
			"description": identity.Told("Description, for people."),
			"enabled":     identity.ToldBool("Whether it is in the catalog."),
		}}
}
