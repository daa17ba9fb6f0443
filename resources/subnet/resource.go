package subnet

import (
	"context"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
	"github.com/cloudlet/cloudlet/provider/valid"
)

// NewResource returns cloudlet_subnet.
func NewResource() resource.Resource {
	return managed.New(managed.Of(object, managed.Kind[model, wire]{
		Name: "subnet", Schema: subnetSchema(), Timeout: 2 * time.Minute, Fields: fields,
		Service: func(c *client.Client) *gophercloud.ServiceClient { return c.Network },
		Refers:  map[string]string{"network_id": "network"},
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[model]) (wire, error) {
			return object.Create(ctx, s, c.Plan.createBody())
		},
		Complete: func(_ context.Context, c *managed.Change[model], _ *diag.Diagnostics) {
			c.Plan.plan(&c.Config, c.State)
		},
		Keep: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return object.Update(ctx, s, state.ID.ValueString(), map[string]any{"name": state.Name.ValueString()})
		},
	}))
}

var object = managed.Object[wire]{Name: "subnet", Path: "subnets", Method: http.MethodPut}

func subnetSchema() schema.Schema {
	address := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Required: true, MarkdownDescription: doc, Validators: []validator.String{valid.IP()}}
	}
	v6mode := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: doc,
			Validators: []validator.String{stringvalidator.OneOf("slaac", "dhcpv6-stateful", "dhcpv6-stateless")}}
	}
	return schema.Schema{
		MarkdownDescription: "A subnet: a range of addresses of a network, from which its ports get theirs.",
		Attributes: map[string]schema.Attribute{
			"project_id":  client.ProjectIDAttribute(),
			"network_id":  schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: "Id of the network. Changing it replaces the subnet: addresses belong to one network."},
			"name":        client.NameAttribute(),
			"description": client.DescriptionAttribute(),
			"cidr":        schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{valid.CIDR()}, MarkdownDescription: "The range. It may not overlap another subnet of the network. Changing it replaces the subnet: the addresses in use would lie outside."},
			"ip_version": schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "`4` or `6`. Default: what `cidr` is.",
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown(), int64planmodifier.RequiresReplace()}, Validators: []validator.Int64{int64validator.OneOf(4, 6)}},
			"gateway_ip": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "Address of the default gateway that guests are told. Default: the first of the range.",
				Validators: []validator.String{valid.IP(), stringvalidator.ConflictsWith(path.MatchRoot("no_gateway"))}},
			"no_gateway":      schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: "Tell guests of no gateway. Default: `false`."},
			"enable_dhcp":     schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: "Whether guests get their address by DHCP. Default: `true`."},
			"dns_nameservers": schema.ListAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: listdefault.StaticValue(types.ListValueMust(types.StringType, []attr.Value{})), MarkdownDescription: "Name servers that guests are told, in order. Default: none.", Validators: []validator.List{listvalidator.UniqueValues(), listvalidator.ValueStringsAre(valid.IP())}},
			"allocation_pools": schema.SetNestedAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Ranges that addresses are taken from. Default: the whole range without the gateway.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"start": address("First address."), "end": address("Last address."),
				}}},
			"host_routes": schema.SetNestedAttribute{Optional: true, Computed: true, Default: setdefault.StaticValue(types.SetValueMust(routeType, []attr.Value{})),
				MarkdownDescription: "Further routes that guests are told. Default: none.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"destination": schema.StringAttribute{Required: true, MarkdownDescription: "Range that is reached.", Validators: []validator.String{valid.CIDR()}},
					"nexthop":     address("Address that leads there."),
				}}},
			"ipv6_address_mode": v6mode("How guests get IPv6 addresses: `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`. Changing it replaces the subnet: addresses in use were made another way."),
			"ipv6_ra_mode":      v6mode("How a router advertises the range: `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`. Changing it replaces the subnet."),
		},
	}
}
