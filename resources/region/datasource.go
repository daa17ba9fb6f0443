package region

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_region.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[region, wire, *region](identity.Source{Name: "region", Plural: "regions", Doc: "Finds one region of the catalog: by id, or as the only part of another.",
		Attributes: map[string]schema.Attribute{
			"description":      managed.Told("Description, for people."),
			"parent_region_id": managed.Asked("Id of the region that it is part of."),
		}})
}
