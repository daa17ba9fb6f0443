package port

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
	"github.com/cloudlet/cloudlet/provider/valid"
)

// found is the data source as Terraform keeps it.
type found struct {
	managed.Thing
	ProjectID           types.String `tfsdk:"project_id"`
	NetworkID           types.String `tfsdk:"network_id"`
	Name                types.String `tfsdk:"name"`
	Description         types.String `tfsdk:"description"`
	AdminStateUp        types.Bool   `tfsdk:"admin_state_up"`
	MACAddress          types.String `tfsdk:"mac_address"`
	FixedIP             types.String `tfsdk:"fixed_ip"`
	FixedIPs            types.List   `tfsdk:"fixed_ips"`
	SecurityGroupIDs    types.Set    `tfsdk:"security_group_ids"`
	AllowedAddressPairs types.Set    `tfsdk:"allowed_address_pairs"`
	PortSecurityEnabled types.Bool   `tfsdk:"port_security_enabled"`
	DeviceID            types.String `tfsdk:"device_id"`
	DeviceOwner         types.String `tfsdk:"device_owner"`
}

// NewDataSource returns the data source cloudlet_port.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, wire]{Name: "port", Doc: "Finds one port: by name or id, by what it is plugged into, or by an address.", Attributes: toldPort(),
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			opts := ports.ListOpts{ID: asked.ID.ValueString(), Name: asked.Name.ValueString(), ProjectID: asked.ProjectID.ValueString(), NetworkID: asked.NetworkID.ValueString(),
				MACAddress: asked.MACAddress.ValueString(), DeviceID: asked.DeviceID.ValueString(), DeviceOwner: asked.DeviceOwner.ValueString()}
			if ip := asked.FixedIP.ValueString(); ip != "" {
				opts.FixedIPs = []ports.FixedIPOpts{{IPAddress: ip}}
			}
			pages, err := ports.List(c.Network, opts).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			var all []wire
			err = ports.ExtractPortsInto(pages, &all)
			return all, err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			m := model{FixedIPs: types.ListNull(addressType), AllowedAddressPairs: types.SetNull(pairType)}
			m.Fill(ctx, w, diags)
			first := types.StringNull()
			if len(w.FixedIPs) > 0 {
				first = types.StringValue(w.FixedIPs[0].IPAddress)
			}
			if !f.FixedIP.IsNull() {
				first = f.FixedIP
			}
			*f = found{m.Thing, m.ProjectID, m.NetworkID, m.Name, m.Description, m.AdminStateUp, m.MACAddress, first, m.FixedIPs, m.SecurityGroupIDs,
				m.AllowedAddressPairs, m.PortSecurityEnabled, client.StringOrNull(w.DeviceID), client.StringOrNull(w.DeviceOwner)}
		},
	}
}

func toldPort() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":             managed.Asked("Id in the cloud."),
		"name":           managed.Asked("Name."),
		"project_id":     managed.Asked("Id of the project that owns it."),
		"network_id":     managed.Asked("Id of its network."),
		"mac_address":    managed.Asked("MAC address.", valid.MAC()),
		"fixed_ip":       managed.Asked("One of its addresses; if none is asked for, the first.", valid.IP()),
		"device_id":      managed.Asked("Id of what it is plugged into, such as an instance."),
		"device_owner":   managed.Asked("What kind of thing that is, such as `compute:nova`."),
		"description":    managed.Told("Description, for people."),
		"admin_state_up": managed.ToldBool("Whether it carries traffic."),
		"fixed_ips": schema.ListNestedAttribute{Computed: true, MarkdownDescription: "All its addresses.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"subnet_id": managed.Told("Id of the subnet."), "ip_address": managed.Told("The address.")}}},
		"security_group_ids": managed.ToldSet("Ids of its security groups."),
		"allowed_address_pairs": schema.SetNestedAttribute{Computed: true, MarkdownDescription: "Further addresses that the guest may send from.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"ip_address": managed.Told("Address or CIDR."), "mac_address": managed.Told("MAC address.")}}},
		"port_security_enabled": managed.ToldBool("Whether it has security groups and anti-spoofing."),
	}
}
