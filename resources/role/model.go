package role

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a role as the API gives it.
type wire struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	DomainID    string           `json:"domain_id"`
	Description string           `json:"description"`
	Options     identity.Options `json:"options"`
}

// role is what Terraform knows of a role.
type role struct {
	managed.Thing
	Name        types.String `tfsdk:"name"`
	DomainID    types.String `tfsdk:"domain_id"`
	Description types.String `tfsdk:"description"`
	Immutable   types.Bool   `tfsdk:"immutable"`
}

// model is the resource as Terraform keeps it.
type model struct {
	role
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "options", Value: identity.Immutable(m.Immutable), Update: true},
	}
}

// Fill implements managed.Model.
func (r *role) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	r.ID = types.StringValue(w.ID)
	r.Name = types.StringValue(w.Name)
	r.DomainID = client.StringOrNull(w.DomainID)
	r.Description = types.StringValue(w.Description)
	r.Immutable = types.BoolValue(w.Options.Immutable)
}

// Query implements identity.Found.
func (r *role) Query() url.Values {
	return identity.Query(map[string]types.String{"name": r.Name, "domain_id": r.DomainID})
}
