package subnet

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/valid"
)

// NewDataSource returns the data source cloudlet_subnet.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ client.DataSource }

// found is the data source as Terraform keeps it.
type found struct {
	ID              types.String `tfsdk:"id"`
	ProjectID       types.String `tfsdk:"project_id"`
	NetworkID       types.String `tfsdk:"network_id"`
	Name            types.String `tfsdk:"name"`
	Description     types.String `tfsdk:"description"`
	IPVersion       types.Int64  `tfsdk:"ip_version"`
	CIDR            types.String `tfsdk:"cidr"`
	GatewayIP       types.String `tfsdk:"gateway_ip"`
	EnableDHCP      types.Bool   `tfsdk:"enable_dhcp"`
	DNSNameservers  types.List   `tfsdk:"dns_nameservers"`
	AllocationPools types.Set    `tfsdk:"allocation_pools"`
	HostRoutes      types.Set    `tfsdk:"host_routes"`
}

// Metadata implements datasource.DataSource.
func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_subnet"
}

// Schema implements datasource.DataSource.
func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	asked := func(doc string, v ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: doc, Validators: v}
	}
	told := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: doc}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Finds one subnet: by name or id, by its range, or as the only one of a network.",
		Attributes: map[string]schema.Attribute{
			"id":         asked("Id in the cloud."),
			"name":       asked("Name."),
			"network_id": asked("Id of the network."),
			"project_id": asked("Id of the project that owns it."),
			"cidr":       asked("The range.", valid.CIDR()),
			"ip_version": schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "`4` or `6`.", Validators: []validator.Int64{int64validator.OneOf(4, 6)}},

			"description":     told("Description, for people."),
			"gateway_ip":      told("Address of the default gateway that guests are told, if there is one."),
			"enable_dhcp":     schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether guests get their address by DHCP."},
			"dns_nameservers": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Name servers that guests are told, in order."},
			"allocation_pools": schema.SetNestedAttribute{Computed: true, MarkdownDescription: "Ranges that addresses are taken from.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"start": told("First address."), "end": told("Last address.")}}},
			"host_routes": schema.SetNestedAttribute{Computed: true, MarkdownDescription: "Further routes that guests are told.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"destination": told("Range that is reached."), "nexthop": told("Address that leads there.")}}},
		},
	}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *source) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.AtLeastOneOf(path.MatchRoot("id"), path.MatchRoot("name"), path.MatchRoot("network_id"), path.MatchRoot("cidr"))}
}

// Read implements datasource.DataSource.
func (d *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var f found
	resp.Diagnostics.Append(req.Config.Get(ctx, &f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	pages, err := subnets.List(d.Client.Network, subnets.ListOpts{ID: f.ID.ValueString(), Name: f.Name.ValueString(), NetworkID: f.NetworkID.ValueString(),
		ProjectID: f.ProjectID.ValueString(), CIDR: f.CIDR.ValueString(), IPVersion: int(f.IPVersion.ValueInt64())}).AllPages(ctx)
	var all struct {
		Subnets []wire `json:"subnets"`
	}
	if err == nil {
		err = pages.(subnets.SubnetPage).ExtractInto(&all)
	}
	var w wire
	if err == nil {
		w, err = client.One(all.Subnets, "subnet")
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot find the subnet", err, fields)
		return
	}
	var m model
	m.Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &found{m.ID, m.ProjectID, m.NetworkID, m.Name, m.Description, m.IPVersion, m.CIDR, m.GatewayIP, m.EnableDHCP, m.DNSNameservers, m.AllocationPools, m.HostRoutes})...)
}
