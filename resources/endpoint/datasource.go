package endpoint

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_endpoint.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[endpoint, wire, *endpoint](identity.Source{Name: "endpoint", Plural: "endpoints", Doc: "Finds one endpoint of the catalog: by its service, region and interface, or by id.",
		Attributes: map[string]schema.Attribute{
			"service_id": managed.Asked("Id of the service."),
			"region_id":  managed.Asked("Id of the region that it is in; null if in none."),
			"interface":  managed.Asked("Who it is for: `public`, `internal` or `admin`."),
			"url":        managed.Told("The address."),
			"enabled":    managed.ToldBool("Whether it is in the catalog."),
		}})
}
