package limit

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_limit.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[limit, wire, *limit](identity.Source{Name: "limit", Plural: "limits",
		Doc: "Finds one limit of a project or a domain: by whose it is, service, region and what is counted, or by id.",
		Attributes: map[string]schema.Attribute{
			"project_id":     managed.Asked("Id of the project; null if it is a domain's."),
			"domain_id":      managed.Asked("Id of the domain; null if it is a project's."),
			"service_id":     managed.Asked("Id of the service."),
			"region_id":      managed.Asked("Id of the region that it is for; null if for all."),
			"resource_name":  managed.Asked("What is counted."),
			"resource_limit": managed.ToldInt("How many the project or domain may have; `-1` for any number."),
			"description":    managed.Told("Description, for people."),
		}})
}
