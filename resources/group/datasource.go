package group

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_group.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[group, wire, *group](identity.Source{Name: "group", Plural: "groups", Doc: "Finds one group: by name or id.",
		Attributes: map[string]schema.Attribute{
			"name":        managed.Asked("Name."),
			"domain_id":   managed.Asked("Id of the domain that it is in."),
			"description": managed.Told("Description, for people."),
		}})
}
