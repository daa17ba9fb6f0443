package subnet

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
	"github.com/cloudlet/cloudlet/provider/valid"
)

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

// NewDataSource returns the data source cloudlet_subnet.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, wire]{Name: "subnet", Doc: "Finds one subnet: by name or id, by its range, or as the only one of a network.", Attributes: toldSubnet(),
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			pages, err := subnets.List(c.Network, subnets.ListOpts{ID: asked.ID.ValueString(), Name: asked.Name.ValueString(), NetworkID: asked.NetworkID.ValueString(),
				ProjectID: asked.ProjectID.ValueString(), CIDR: asked.CIDR.ValueString(), IPVersion: int(asked.IPVersion.ValueInt64())}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			var all struct {
				Subnets []wire `json:"subnets"`
			}
			err = pages.(subnets.SubnetPage).ExtractInto(&all)
			return all.Subnets, err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			var m model
			m.Fill(ctx, w, diags)
			*f = found{m.ID, m.ProjectID, m.NetworkID, m.Name, m.Description, m.IPVersion, m.CIDR, m.GatewayIP, m.EnableDHCP, m.DNSNameservers, m.AllocationPools, m.HostRoutes}
		},
	}
}

func toldSubnet() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":         managed.Asked("Id in the cloud."),
		"name":       managed.Asked("Name."),
		"network_id": managed.Asked("Id of the network."),
		"project_id": managed.Asked("Id of the project that owns it."),
		"cidr":       managed.Asked("The range.", valid.CIDR()),
		"ip_version": schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "`4` or `6`.", Validators: []validator.Int64{int64validator.OneOf(4, 6)}},

		"description":     managed.Told("Description, for people."),
		"gateway_ip":      managed.Told("Address of the default gateway that guests are told, if there is one."),
		"enable_dhcp":     managed.ToldBool("Whether guests get their address by DHCP."),
		"dns_nameservers": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Name servers that guests are told, in order."},
		"allocation_pools": schema.SetNestedAttribute{Computed: true, MarkdownDescription: "Ranges that addresses are taken from.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"start": managed.Told("First address."), "end": managed.Told("Last address.")}}},
		"host_routes": schema.SetNestedAttribute{Computed: true, MarkdownDescription: "Further routes that guests are told.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"destination": managed.Told("Range that is reached."), "nexthop": managed.Told("Address that leads there.")}}},
	}
}
