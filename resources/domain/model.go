package domain

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a domain as the API gives it.
type wire struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Enabled     bool             `json:"enabled"`
	Tags        []string         `json:"tags"`
	Options     identity.Options `json:"options"`
}

// domain is what Terraform knows of a domain.
type domain struct {
	managed.Thing
	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	Tags        types.Set    `tfsdk:"tags"`
	Immutable   types.Bool   `tfsdk:"immutable"`
}

// model is the resource as Terraform keeps it.
type model struct {
	domain
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
		{Wire: "tags", Value: m.Tags, Update: true},
		{Wire: "options", Value: identity.Immutable(m.Immutable), Update: true},
	}
}

// Fill implements managed.Model.
func (d *domain) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	d.ID = types.StringValue(w.ID)
	d.Name = types.StringValue(w.Name)
	d.Description = types.StringValue(w.Description)
	d.Enabled = types.BoolValue(w.Enabled)
	d.Tags = client.Set(ctx, w.Tags, diags)
	d.Immutable = types.BoolValue(w.Options.Immutable)
}

// Query implements identity.Found.
func (d *domain) Query() url.Values {
	return identity.Query(map[string]types.String{"name": d.Name})
}
