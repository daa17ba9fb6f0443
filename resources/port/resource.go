package port

import (
	"context"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
	"github.com/cloudlet/cloudlet/provider/valid"
)

// NewResource returns cloudlet_port.
func NewResource() resource.Resource {
	return managed.New(managed.Of(object, managed.Kind[model, wire]{
		Name: "port", Schema: portSchema(), Timeout: 2 * time.Minute, Fields: fields, Complete: complete,
		Service: func(c *client.Client) *gophercloud.ServiceClient { return c.Network },
	}))
}

var object = managed.Object[wire]{Name: "port", Path: "ports", Method: http.MethodPut}

// complete plans which addresses a changed list keeps.
func complete(ctx context.Context, c *managed.Change[model], diags *diag.Diagnostics) {
	if c.Config.FixedIPs.IsNull() || c.Config.FixedIPs.IsUnknown() {
		return
	}
	var before []address
	if c.State != nil {
		before = addresses(ctx, c.State.FixedIPs, diags)
	}
	c.Plan.FixedIPs = addressList(planAddresses(addresses(ctx, c.Config.FixedIPs, diags), before))
}

func portSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A port: a place in a network that an instance is plugged into. Its addresses, MAC address and security groups outlive the instance.",
		Attributes: map[string]schema.Attribute{
			"project_id": client.ProjectIDAttribute(),
			"network_id": schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: "Id of the network. Changing it replaces the port: its addresses belong to one network."},
			"name": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString(""), MarkdownDescription: "Name. Need not be unique.",
				Validators: []validator.String{stringvalidator.LengthAtMost(255)}},
			"description":    client.DescriptionAttribute(),
			"admin_state_up": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: "Whether the port carries traffic. Default: `true`."},
			"mac_address": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{valid.MAC()},
				MarkdownDescription: "MAC address. Default: one that the cloud chooses. Changing it replaces the port: guests know their network cards by it, and only administrators may change it in place."},
			"fixed_ips": schema.ListNestedAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Addresses, in order. Default: one of each IP version that the network has; `[]` for none.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet_id":  schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of the subnet that the address is from. Default: the one that has `ip_address`."},
					"ip_address": schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "The address. Default: a free one of the subnet.", Validators: []validator.String{valid.IP(), stringvalidator.AtLeastOneOf(path.MatchRelative(), path.MatchRelative().AtParent().AtName("subnet_id"))}},
				}}},
			"security_group_ids": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Ids of the security groups. Default: the project's group `default`; `[]` for none, which lets nothing in or out."},
			"allowed_address_pairs": schema.SetNestedAttribute{Optional: true, Computed: true, Default: setdefault.StaticValue(types.SetValueMust(pairType, []attr.Value{})),
				MarkdownDescription: "Further addresses that the guest may send from. Default: none.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"ip_address":  schema.StringAttribute{Required: true, MarkdownDescription: "Address or CIDR.", Validators: []validator.String{valid.IPOrCIDR()}},
					"mac_address": schema.StringAttribute{Optional: true, MarkdownDescription: "MAC address. Default: the port's own.", Validators: []validator.String{valid.MAC()}},
				}}},
			"port_security_enabled": schema.BoolAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether security groups and anti-spoofing apply. Default: what the network says."},
		},
	}
}
