package group

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// wire is a group as the API gives it.
type wire struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DomainID    string `json:"domain_id"`
	Description string `json:"description"`
}

// model is the resource as Terraform keeps it.
type model struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	DomainID    types.String   `tfsdk:"domain_id"`
	Description types.String   `tfsdk:"description"`
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
	}
}

// Fill implements identity.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Name = types.StringValue(w.Name)
	m.DomainID = types.StringValue(w.DomainID)
	m.Description = types.StringValue(w.Description)
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/group/name":        path.Root("name"),
	"/group/domain_id":   path.Root("domain_id"),
	"/group/description": path.Root("description"),
}
