package network

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

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

// NewDataSource returns the data source cloudlet_network.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, wire]{Name: "network", Doc: "Finds one network: by name or id, or the only external one.", Attributes: toldNetwork(),
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			pages, err := networks.List(c.Network, networks.ListOpts{ID: asked.ID.ValueString(), Name: asked.Name.ValueString(), ProjectID: asked.ProjectID.ValueString()}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			var all []wire
			err = networks.ExtractNetworksInto(pages, &all)
			return slices.DeleteFunc(all, func(w wire) bool { return !asked.External.IsNull() && asked.External.ValueBool() != w.External }), err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			var m model
			m.Fill(ctx, w, diags)
			*f = found{m.ID, m.ProjectID, m.Name, m.Description, m.AdminStateUp, m.Shared, m.External, m.MTU, m.PortSecurityEnabled, m.NetworkType, m.PhysicalNetwork, m.SegmentationID}
		},
	}
}

func toldNetwork() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":                    managed.Asked("Id in the cloud."),
		"name":                  managed.Asked("Name."),
		"project_id":            managed.Asked("Id of the project that owns it."),
		"external":              schema.BoolAttribute{Optional: true, Computed: true, MarkdownDescription: "Whether it leads outside the cloud."},
		"description":           managed.Told("Description, for people."),
		"admin_state_up":        managed.ToldBool("Whether the network carries traffic."),
		"shared":                managed.ToldBool("Whether all projects may use it."),
		"mtu":                   managed.ToldInt("Largest packet in bytes."),
		"port_security_enabled": managed.ToldBool("Whether new ports have security groups and anti-spoofing."),
		"network_type":          managed.Told("`flat` or `vxlan`; told to administrators only."),
		"physical_network":      managed.Told("Name of the physical network of a `flat` one; told to administrators only."),
		"segmentation_id":       managed.ToldInt("VXLAN network identifier; told to administrators only."),
	}
}
