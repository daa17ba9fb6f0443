package port

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
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
	"github.com/cloudlet/cloudlet/provider/valid"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = 2 * time.Minute

// NewResource returns cloudlet_port.
func NewResource() resource.Resource { return &port{} }

type port struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *port) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_port"
}

// Schema implements resource.Resource.
func (r *port) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A port: a place in a network that an instance is plugged into. Its addresses, MAC address and security groups outlive the instance.",
		Attributes: map[string]schema.Attribute{
			"id":         client.IDAttribute(),
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
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, defaultTimeout, defaultTimeout)},
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *port) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
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
			return ports.Create(ctx, s, options{client.CreateBody(plan.attributes())}).Err
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			body := client.UpdateBody(plan.attributes(), state.attributes())
			if len(body) == 0 {
				return nil
			}
			return ports.Update(ctx, s, state.ID.ValueString(), options{body}).Err
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return ports.Delete(ctx, s, state.ID.ValueString()).Err
		},
	})
}

// complete plans which addresses a changed list keeps.
func (r *port) complete(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, state model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() || config.FixedIPs.IsNull() || config.FixedIPs.IsUnknown() {
		return
	}
	planned := planAddresses(addresses(ctx, config.FixedIPs, &resp.Diagnostics), addresses(ctx, state.FixedIPs, &resp.Diagnostics))
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("fixed_ips"), addressList(planned))...)
}

// Create implements resource.Resource.
func (r *port) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
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
		return ports.Create(ctx, s, options{client.CreateBody(m.attributes())}).ExtractIntoStructPtr(&w, "port")
	})
	if err != nil {
		addError(&resp.Diagnostics, "Cannot create the port", err)
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
func (r *port) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
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
		addError(&resp.Diagnostics, "Cannot read the port", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *port) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
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
		if err := ports.Update(ctx, r.Client.Network, id, options{body}).Err; err != nil {
			addError(&resp.Diagnostics, "Cannot update the port", err)
			return
		}
	}
	w, err := get(ctx, r.Client.Network, id)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the port", err)
		return
	}
	plan.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *port) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := ports.Delete(ctx, r.Client.Network, m.ID.ValueString()).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the port", err)
	}
}
