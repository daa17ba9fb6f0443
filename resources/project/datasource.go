package project

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_project.
func NewDataSource() datasource.DataSource {
	return &identity.Source[found, wire, *found]{Name: "project", Plural: "projects", Doc: "Finds one project: by name, or by id, which anybody may who works in it.",
		Attributes: map[string]schema.Attribute{
			"domain_id":   schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of the domain that it is in."},
			"parent_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the project that it is below, or of its domain."},
			"description": schema.StringAttribute{Computed: true, MarkdownDescription: "Description, for people."},
			"enabled":     schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether anybody can work in it."},
			"tags":        schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Tags."},
			"immutable":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the cloud refuses to change or delete it."},
		}}
}

// found is the data source as Terraform keeps it.
type found struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	DomainID    types.String `tfsdk:"domain_id"`
	ParentID    types.String `tfsdk:"parent_id"`
	Description types.String `tfsdk:"description"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	Tags        types.Set    `tfsdk:"tags"`
	Immutable   types.Bool   `tfsdk:"immutable"`
}

// Asked implements identity.Found.
func (f *found) Asked() (types.String, url.Values) { return f.ID, identity.Query(f.Name, f.DomainID) }

// Fill implements identity.Found.
func (f *found) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	var m model
	m.Fill(ctx, w, diags)
	*f = found{m.ID, m.Name, m.DomainID, m.ParentID, m.Description, m.Enabled, m.Tags, m.Immutable}
}
