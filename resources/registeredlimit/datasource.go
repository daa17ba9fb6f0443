package registeredlimit

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_registered_limit.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[registered, wire, *registered](identity.Source{Name: "registered_limit", Plural: "registered_limits",
		Doc: "Finds one registered limit: by service, region and what is counted, or by id.",
		Attributes: map[string]schema.Attribute{
			"service_id":    managed.Asked("Id of the service."),
			"region_id":     managed.Asked("Id of the region that it is for; null if for all."),
			"resource_name": managed.Asked("What is counted."),
			"default_limit": managed.ToldInt("How many a project may have; `-1` for any number."),
			"description":   managed.Told("Description, for people."),
		}})
}
