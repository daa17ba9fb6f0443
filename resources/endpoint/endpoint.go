package endpoint

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

// NewResource returns cloudlet_endpoint.
func NewResource() resource.Resource {
	return &identity.Resource[model, wire, *model]{Kind: identity.Kind[model]{
		Name: "endpoint", Plural: "endpoints", Schema: attributes(),
		Fields: client.Fields{"/endpoint/service_id": path.Root("service_id"), "/endpoint/region_id": path.Root("region_id"), "/endpoint/interface": path.Root("interface"),
			"/endpoint/url": path.Root("url"), "/endpoint/enabled": path.Root("enabled")},
		Doc: "An address of a service in the catalog. Administrators make them.",
	}}
}

func attributes() map[string]schema.Attribute {
	some := []validator.String{stringvalidator.LengthAtLeast(1)}
	return map[string]schema.Attribute{
		"service_id": schema.StringAttribute{Required: true, MarkdownDescription: "Id of the service.", Validators: some},
		"region_id":  schema.StringAttribute{Optional: true, MarkdownDescription: "Id of the region that it is in. Default: none.", Validators: some},
		"interface": schema.StringAttribute{Required: true, MarkdownDescription: "Who it is for: `public`, `internal` or `admin`.",
			Validators: []validator.String{stringvalidator.OneOf("public", "internal", "admin")}},
		"url":     schema.StringAttribute{Required: true, MarkdownDescription: "The address; `$(project_id)s` in it stands for the caller's project.", Validators: some},
		"enabled": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: "Whether it is in the catalog. Default: `true`."},
	}
}

// wire is an endpoint as the API gives it.
type wire struct {
	ID        string `json:"id"`
	ServiceID string `json:"service_id"`
	RegionID  string `json:"region_id"`
	Interface string `json:"interface"`
	URL       string `json:"url"`
	Enabled   bool   `json:"enabled"`
}

// model is the resource as Terraform keeps it.
type model struct {
	ID        types.String   `tfsdk:"id"`
	ServiceID types.String   `tfsdk:"service_id"`
	RegionID  types.String   `tfsdk:"region_id"`
	Interface types.String   `tfsdk:"interface"`
	URL       types.String   `tfsdk:"url"`
	Enabled   types.Bool     `tfsdk:"enabled"`
	Timeouts  timeouts.Value `tfsdk:"timeouts"`
}

// Key implements identity.Model.
func (m *model) Key() *types.String { return &m.ID }

// Limits implements identity.Model.
func (m *model) Limits() timeouts.Value { return m.Timeouts }

// Attributes implements identity.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "service_id", Value: m.ServiceID, Update: true},
		{Wire: "region_id", Value: m.RegionID, Update: true},
		{Wire: "interface", Value: m.Interface, Update: true},
		{Wire: "url", Value: m.URL, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
	}
}

// Fill implements identity.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.ServiceID = types.StringValue(w.ServiceID)
	m.RegionID = client.StringOrNull(w.RegionID)
	m.Interface = types.StringValue(w.Interface)
	m.URL = types.StringValue(w.URL)
	m.Enabled = types.BoolValue(w.Enabled)
}
