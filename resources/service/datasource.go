package service

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_service.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[service, wire, *service](identity.Source{Name: "service", Plural: "services", Doc: "Finds one service of the catalog: by name, type or both, or by id.",
		Attributes: map[string]schema.Attribute{
			"name":        managed.Asked("Name."),
			"type":        managed.Asked("What API it is, such as `compute`."),
			"description": managed.Told("Description, for people."),
			"enabled":     managed.ToldBool("Whether it is in the catalog."),
		}})
}
