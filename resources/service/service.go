package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_service.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "service", Plural: "services", Schema: attributes(),
		Fields: client.Fields{"/service/name": path.Root("name"), "/service/type": path.Root("type"), "/service/description": path.Root("description"), "/service/enabled": path.Root("enabled")},
		Doc:    "A service of the catalog, whose addresses are `cloudlet_endpoint`. Administrators make them. Destroying one takes its endpoints along.",
	}}
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name":        schema.StringAttribute{Required: true, MarkdownDescription: "Name. Need not be unique.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
		"type":        schema.StringAttribute{Required: true, MarkdownDescription: "What API it is, such as `object-store`: clients find it by that.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
		"description": client.DescriptionAttribute(),
		"enabled": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether it is in the catalog. Default: `true`."},
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

// model is the resource as Terraform keeps it.
type model struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	Type        types.String   `tfsdk:"type"`
	Description types.String   `tfsdk:"description"`
	Enabled     types.Bool     `tfsdk:"enabled"`
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
		{Wire: "type", Value: m.Type, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
	}
}

// Fill implements identity.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Name = types.StringValue(w.Name)
	m.Type = types.StringValue(w.Type)
	m.Description = types.StringValue(w.Description)
	m.Enabled = types.BoolValue(w.Enabled)
}
