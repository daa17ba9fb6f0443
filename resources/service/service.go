package service

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_service.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "service", Plural: "services", Schema: attributes(),
		Doc: "A service of the catalog, whose addresses are `cloudlet_endpoint`. Administrators make them. Destroying one takes its endpoints along.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        identity.NameAttribute("Name. Need not be unique.", 255),
		"type":        identity.NameAttribute("What API it is, such as `object-store`: clients find it by that.", 255),
		"description": client.DescriptionAttribute(),
		"enabled":     identity.EnabledAttribute("Whether it is in the catalog."),
	}
}

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
