package domain

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// wire is a domain as the API gives it.
type wire struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Enabled     bool     `json:"enabled"`
	Tags        []string `json:"tags"`
	Options     struct {
		Immutable bool `json:"immutable"`
	} `json:"options"`
}

// model is the resource as Terraform keeps it.
type model struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	Description types.String   `tfsdk:"description"`
	Enabled     types.Bool     `tfsdk:"enabled"`
	Tags        types.Set      `tfsdk:"tags"`
	Immutable   types.Bool     `tfsdk:"immutable"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`
}

// Key implements identity.Model.
func (m *model) Key() *types.String { return &m.ID }

// Limits implements identity.Model.
func (m *model) Limits() timeouts.Value { return m.Timeouts }

// Attributes implements identity.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
		{Wire: "tags", Value: m.Tags, Update: true},
		{Wire: "options", Value: identity.Immutable(m.Immutable), Update: true},
	}
}

// Fill implements identity.Model.
func (m *model) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	m.Enabled = types.BoolValue(w.Enabled)
	m.Tags = client.Set(ctx, w.Tags, diags)
	m.Immutable = types.BoolValue(w.Options.Immutable)
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/domain/name":        path.Root("name"),
	"/domain/description": path.Root("description"),
	"/domain/enabled":     path.Root("enabled"),
	"/domain/tags":        path.Root("tags"),
	"/domain/options":     path.Root("immutable"),
}
