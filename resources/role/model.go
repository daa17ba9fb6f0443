package role

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// wire is a role as the API gives it.
type wire struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DomainID    string `json:"domain_id"`
	Description string `json:"description"`
	Options     struct {
		Immutable bool `json:"immutable"`
	} `json:"options"`
}

// model is the resource as Terraform keeps it.
type model struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	DomainID    types.String   `tfsdk:"domain_id"`
	Description types.String   `tfsdk:"description"`
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
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "options", Value: identity.Immutable(m.Immutable), Update: true},
	}
}

// Fill implements identity.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Name = types.StringValue(w.Name)
	m.DomainID = client.StringOrNull(w.DomainID)
	m.Description = types.StringValue(w.Description)
	m.Immutable = types.BoolValue(w.Options.Immutable)
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/role/name":        path.Root("name"),
	"/role/domain_id":   path.Root("domain_id"),
	"/role/description": path.Root("description"),
	"/role/options":     path.Root("immutable"),
}
