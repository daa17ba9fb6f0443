package network

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// NewDataSource returns the data source cloudlet_network.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ client.DataSource }

// found is the data source as Terraform keeps it.
type found struct {
	ID                  types.String `tfsdk:"id"`
	ProjectID           types.String `tfsdk:"project_id"`
	Name                types.String `tfsdk:"name"`
	Description         types.String `tfsdk:"description"`
	AdminStateUp        types.Bool   `tfsdk:"admin_state_up"`
	Shared              types.Bool   `tfsdk:"shared"`
	External            types.Bool   `tfsdk:"external"`
	MTU                 types.Int64  `tfsdk:"mtu"`
	PortSecurityEnabled types.Bool   `tfsdk:"port_security_enabled"`
	NetworkType         types.String `tfsdk:"network_type"`
	PhysicalNetwork     types.String `tfsdk:"physical_network"`
	SegmentationID      types.Int64  `tfsdk:"segmentation_id"`
}

// Metadata implements datasource.DataSource.
func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_network"
}

// Schema implements datasource.DataSource.
func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	asked := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: doc}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Finds one network: by name or id, or the only external one.",
		Attributes: map[string]schema.Attribute{
			"id":                    asked("Id in the cloud."),
			"name":                  asked("Name."),
			"project_id":            asked("Id of the project that owns it."),
			"external":              schema.BoolAttribute{Optional: true, Computed: true, MarkdownDescription: "Whether it leads outside the cloud."},
			"description":           schema.StringAttribute{Computed: true, MarkdownDescription: "Description, for people."},
			"admin_state_up":        schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the network carries traffic."},
			"shared":                schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether all projects may use it."},
			"mtu":                   schema.Int64Attribute{Computed: true, MarkdownDescription: "Largest packet in bytes."},
			"port_security_enabled": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether new ports have security groups and anti-spoofing."},
			"network_type":          schema.StringAttribute{Computed: true, MarkdownDescription: "`flat` or `vxlan`; told to administrators only."},
			"physical_network":      schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the physical network of a `flat` one; told to administrators only."},
			"segmentation_id":       schema.Int64Attribute{Computed: true, MarkdownDescription: "VXLAN network identifier; told to administrators only."},
		},
	}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *source) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.AtLeastOneOf(path.MatchRoot("id"), path.MatchRoot("name"), path.MatchRoot("external"))}
}

// Read implements datasource.DataSource.
func (d *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var f found
	resp.Diagnostics.Append(req.Config.Get(ctx, &f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	pages, err := networks.List(d.Client.Network, networks.ListOpts{ID: f.ID.ValueString(), Name: f.Name.ValueString(), ProjectID: f.ProjectID.ValueString()}).AllPages(ctx)
	var all []wire
	if err == nil {
		err = networks.ExtractNetworksInto(pages, &all)
	}
	var w wire
	if err == nil {
		w, err = client.One(slices.DeleteFunc(all, func(w wire) bool { return !f.External.IsNull() && f.External.ValueBool() != w.External }), "network")
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot find the network", err, fields)
		return
	}
	var m model
	m.Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &found{m.ID, m.ProjectID, m.Name, m.Description, m.AdminStateUp, m.Shared, m.External, m.MTU, m.PortSecurityEnabled, m.NetworkType, m.PhysicalNetwork, m.SegmentationID})...)
}
