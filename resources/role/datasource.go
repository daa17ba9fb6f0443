package role

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewDataSource returns the data source cloudlet_role.
func NewDataSource() datasource.DataSource {
	return &identity.Source[found, wire, *found]{Name: "role", Plural: "roles", Doc: "Finds one role: by name or id. Without a domain it is one for all domains.",
		Attributes: map[string]schema.Attribute{
			"domain_id":   schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of the domain that it is for; null if for all."},
			"description": schema.StringAttribute{Computed: true, MarkdownDescription: "Description, for people."},
			"immutable":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the cloud refuses to change or delete it."},
		}}
}

// found is the data source as Terraform keeps it.
type found struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	DomainID    types.String `tfsdk:"domain_id"`
	Description types.String `tfsdk:"description"`
	Immutable   types.Bool   `tfsdk:"immutable"`
}

// Asked implements identity.Found.
func (f *found) Asked() (types.String, url.Values) { return f.ID, identity.Query(f.Name, f.DomainID) }

// Fill implements identity.Found.
func (f *found) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	var m model
	m.Fill(ctx, w, diags)
	*f = found{m.ID, m.Name, m.DomainID, m.Description, m.Immutable}
}
