package project

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_project.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[project, wire, *project](identity.Source{Name: "project", Plural: "projects", Doc: "Finds one project: by name, or by id, which anybody may who works in it.",
		Attributes: map[string]schema.Attribute{
			"name":        managed.Asked("Name."),
			"domain_id":   managed.Asked("Id of the domain that it is in."),
			"parent_id":   managed.Asked("Id of the project that it is below, or of its domain."),
			"description": managed.Told("Description, for people."),
			"enabled":     managed.ToldBool("Whether anybody can work in it."),
			"tags":        managed.ToldSet("Tags."),
			"immutable":   managed.ToldBool("Whether the cloud refuses to change or delete it."),
		}})
}
