package group

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a group as the API gives it.
type wire struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DomainID    string `json:"domain_id"`
	Description string `json:"description"`
}

// group is what Terraform knows of a group.
type group struct {
	managed.Thing
	Name        types.String `tfsdk:"name"`
	DomainID    types.String `tfsdk:"domain_id"`
	Description types.String `tfsdk:"description"`
}

// model is the resource as Terraform keeps it.
type model struct {
	group
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "description", Value: m.Description, Update: true},
	}
}

// Fill implements managed.Model.
func (g *group) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	g.ID = types.StringValue(w.ID)
	g.Name = types.StringValue(w.Name)
	g.DomainID = types.StringValue(w.DomainID)
	g.Description = types.StringValue(w.Description)
}

// Query implements identity.Found.
func (g *group) Query() url.Values {
	return identity.Query(map[string]types.String{"name": g.Name, "domain_id": g.DomainID})
}
