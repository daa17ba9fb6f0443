package group

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_group.
func NewDataSource() datasource.DataSource {
	return &identity.Source[found, wire, *found]{Name: "group", Plural: "groups", Doc: "Finds one group: by name or id.",
		Attributes: map[string]schema.Attribute{
			"domain_id":   schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of the domain that it is in."},
			"description": schema.StringAttribute{Computed: true, MarkdownDescription: "Description, for people."},
		}}
}

// found is the data source as Terraform keeps it.
type found struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	DomainID    types.String `tfsdk:"domain_id"`
	Description types.String `tfsdk:"description"`
}

// Asked implements identity.Found.
func (f *found) Asked() (types.String, url.Values) { return f.ID, identity.Query(f.Name, f.DomainID) }

// Fill implements identity.Found.
func (f *found) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	var m model
	m.Fill(ctx, w, diags)
	*f = found{m.ID, m.Name, m.DomainID, m.Description}
}
