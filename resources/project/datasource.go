package project

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_project.
func NewDataSource() datasource.DataSource {
	return &identity.Source[project, wire, *project]{Name: "project", Plural: "projects", Doc: "Finds one project: by name, or by id, which anybody may who works in it.",
		Attributes: map[string]schema.Attribute{
			"name":        identity.Sought("Name."),
			"domain_id":   identity.Sought("Id of the domain that it is in."),
			"parent_id":   identity.Sought("Id of the project that it is below, or of its domain."),
			"description": identity.Told("Description, for people."),
			"enabled":     identity.ToldBool("Whether anybody can work in it."),
			"tags":        identity.ToldSet("Tags."),
			"immutable":   identity.ToldBool("Whether the cloud refuses to change or delete it."),
		}}
}
