package endpoint

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_endpoint.
func NewDataSource() datasource.DataSource {
	return &identity.Source[endpoint, wire, *endpoint]{Name: "endpoint", Plural: "endpoints", Doc: "Finds one endpoint of the catalog: by its service, region and interface, or by id.",
		Attributes: map[string]schema.Attribute{
			"service_id": identity.Sought("Id of the service."),
			"region_id":  identity.Sought("Id of the region that it is in; null if in none."),
			"interface":  identity.Sought("Who it is for: `public`, `internal` or `admin`."),
			"url":        identity.Told("The address."),
			"enabled":    identity.ToldBool("Whether it is in the catalog."),
		}}
}
