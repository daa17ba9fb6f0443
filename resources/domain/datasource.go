package domain

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_domain.
func NewDataSource() datasource.DataSource {
	return &identity.Source[found, wire, *found]{Name: "domain", Plural: "domains", Doc: "Finds one domain: by name or id.",
		Attributes: map[string]schema.Attribute{
			"description": schema.StringAttribute{Computed: true, MarkdownDescription: "Description, for people."},
			"enabled":     schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether its users can log in."},
			"tags":        schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Tags."},
			"immutable":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the cloud refuses to change or delete it."},
		}}
}

// found is the data source as Terraform keeps it.
type found struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	Tags        types.Set    `tfsdk:"tags"`
	Immutable   types.Bool   `tfsdk:"immutable"`
}

// Asked implements identity.Found.
func (f *found) Asked() (types.String, url.Values) {
	return f.ID, identity.Query(f.Name, types.StringNull())
}

// Fill implements identity.Found.
func (f *found) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	var m model
	m.Fill(ctx, w, diags)
	*f = found{m.ID, m.Name, m.Description, m.Enabled, m.Tags, m.Immutable}
}
