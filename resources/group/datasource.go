package group

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_group.
func NewDataSource() datasource.DataSource {
	return &identity.Source[group, wire, *group]{Name: "group", Plural: "groups", Doc: "Finds one group: by name or id.",
		Attributes: map[string]schema.Attribute{
			"name":        identity.Sought("Name."),
			"domain_id":   identity.Sought("Id of the domain that it is in."),
			"description": identity.Told("Description, for people."),
		}}
}
