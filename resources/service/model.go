package service

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a service as the API gives it.
type wire struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
}

// service is what Terraform knows of a service.
type service struct {
	managed.Thing
	Name        types.String `tfsdk:"name"`
	Type        types.String `tfsdk:"type"`
	Description types.String `tfsdk:"description"`
	Enabled     types.Bool   `tfsdk:"enabled"`
}

// model is the resource as Terraform keeps it.
type model struct {
	service
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "type", Value: m.Type, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
	}
}

// Fill implements managed.Model.
func (s *service) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	s.ID = types.StringValue(w.ID)
	s.Name = types.StringValue(w.Name)
	s.Type = types.StringValue(w.Type)
	s.Description = types.StringValue(w.Description)
	s.Enabled = types.BoolValue(w.Enabled)
}

// Query implements identity.Found.
func (s *service) Query() url.Values {
	return identity.Query(map[string]types.String{"name": s.Name, "type": s.Type})
}
