package project

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a project as the API gives it.
type wire struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	DomainID    string           `json:"domain_id"`
	ParentID    string           `json:"parent_id"`
	Description string           `json:"description"`
	Enabled     bool             `json:"enabled"`
	Tags        []string         `json:"tags"`
	Options     identity.Options `json:"options"`
}

// project is what Terraform knows of a project.
type project struct {
	managed.Thing
	Name        types.String `tfsdk:"name"`
	DomainID    types.String `tfsdk:"domain_id"`
	ParentID    types.String `tfsdk:"parent_id"`
	Description types.String `tfsdk:"description"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	Tags        types.Set    `tfsdk:"tags"`
	Immutable   types.Bool   `tfsdk:"immutable"`
}

// model is the resource as Terraform keeps it.
type model struct {
	project
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "parent_id", Value: m.ParentID},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
		{Wire: "tags", Value: m.Tags, Update: true},
		{Wire: "options", Value: identity.Immutable(m.Immutable), Update: true},
	}
}

// Fill implements managed.Model.
func (p *project) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	p.ID = types.StringValue(w.ID)
	p.Name = types.StringValue(w.Name)
	p.DomainID = types.StringValue(w.DomainID)
	p.ParentID = types.StringValue(w.ParentID)
	p.Description = types.StringValue(w.Description)
	p.Enabled = types.BoolValue(w.Enabled)
	p.Tags = client.Set(ctx, w.Tags, diags)
	p.Immutable = types.BoolValue(w.Options.Immutable)
}

// Query implements identity.Found.
func (p *project) Query() url.Values {
	return identity.Query(map[string]types.String{"name": p.Name, "domain_id": p.DomainID})
}
