package subnet

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
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
	"github.com/cloudlet/cloudlet/provider/valid"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = 2 * time.Minute

// NewResource returns cloudlet_subnet.
func NewResource() resource.Resource { return &subnet{} }

type subnet struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *subnet) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_subnet"
}

// Schema implements resource.Resource.
func (r *subnet) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	address := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Required: true, MarkdownDescription: doc, Validators: []validator.String{valid.IP()}}
	}
	v6mode := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: doc,
			Validators: []validator.String{stringvalidator.OneOf("slaac", "dhcpv6-stateful", "dhcpv6-stateless")}}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A subnet: a range of addresses of a network, from which its ports get theirs.",
		Attributes: map[string]schema.Attribute{
			"id":          client.IDAttribute(),
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
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, defaultTimeout, defaultTimeout)},
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *subnet) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.complete(ctx, req, resp)
	}
	c := r.Client
	if c == nil || resp.Diagnostics.HasError() {
		return
	}
	client.CheckPlan(ctx, c, c.Network, req, resp, client.Check[model]{
		Fields:   fields,
		Replaces: func(plan, state model) bool { return client.Replaced(plan.attributes(), state.attributes()) },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan model) error {
			plan.NetworkID = c.Meant("network", plan.NetworkID)
			return subnets.Create(ctx, s, plan.createBody()).Err
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			body := client.UpdateBody(plan.attributes(), state.attributes())
			if len(body) == 0 {
				return nil
			}
			return subnets.Update(ctx, s, state.ID.ValueString(), options{body}).Err
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return subnets.Delete(ctx, s, state.ID.ValueString()).Err
		},
		Keep: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return subnets.Update(ctx, s, state.ID.ValueString(), options{map[string]any{"name": state.Name.ValueString()}}).Err
		},
	})
}

// complete plans what follows from the configuration without asking the cloud.
func (r *subnet) complete(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var plan, config model
	var state *model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !req.State.Raw.IsNull() {
		state = &model{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.plan(&config, state)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("ip_version"), plan.IPVersion)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("gateway_ip"), plan.GatewayIP)...)
}

// Create implements resource.Resource.
func (r *subnet) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	var w wire
	lost, err := r.Client.Once(ctx, r.Client.Network, func(ctx context.Context, id string) (err error) {
		w, err = get(ctx, r.Client.Network, id)
		return err
	}, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		return subnets.Create(ctx, s, m.createBody()).ExtractIntoStructPtr(&w, "subnet")
	})
	if err != nil {
		addError(&resp.Diagnostics, "Cannot create the subnet", err)
		if lost != "" {
			m.ID = types.StringValue(lost)
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, w.ID, &resp.Diagnostics)
}

// Read implements resource.Resource.
func (r *subnet) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client.SetIdentity(ctx, resp.Identity, m.ID.ValueString(), &resp.Diagnostics)
	w, err := get(ctx, r.Client.Network, m.ID.ValueString())
	if client.NotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the subnet", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *subnet) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := plan.Timeouts.Update(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	id := state.ID.ValueString()
	if body := client.UpdateBody(plan.attributes(), state.attributes()); len(body) > 0 {
		if err := subnets.Update(ctx, r.Client.Network, id, options{body}).Err; err != nil {
			addError(&resp.Diagnostics, "Cannot update the subnet", err)
			return
		}
	}
	w, err := get(ctx, r.Client.Network, id)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the subnet", err)
		return
	}
	plan.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *subnet) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := subnets.Delete(ctx, r.Client.Network, m.ID.ValueString()).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the subnet", err)
	}
}
