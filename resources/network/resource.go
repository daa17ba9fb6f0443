package network

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = 2 * time.Minute

// NewResource returns cloudlet_network.
func NewResource() resource.Resource { return &network{} }

type network struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *network) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_network"
}

// Schema implements resource.Resource.
func (r *network) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replaceString := []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A network: a layer-2 segment that ports are plugged into.",
		Attributes: map[string]schema.Attribute{
			"id":             client.IDAttribute(),
			"project_id":     client.ProjectIDAttribute(),
			"name":           schema.StringAttribute{Required: true, MarkdownDescription: "Name. Need not be unique.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
			"description":    schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString(""), MarkdownDescription: "Description, for people.", Validators: []validator.String{stringvalidator.LengthAtMost(255)}},
			"admin_state_up": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: "Whether the network carries traffic. Default: `true`."},
			"shared":         schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: "Whether all projects may use it. Administrators only. Default: `false`."},
			"external":       schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: "Whether it leads outside the cloud. Administrators only. Default: `false`."},
			"mtu":            schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "Largest packet in bytes. Default: the cloud's, 1450 on a tunnelled network.", PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}, Validators: []validator.Int64{int64validator.Between(68, 9216)}},
			"port_security_enabled": schema.BoolAttribute{Optional: true, Computed: true, MarkdownDescription: "Whether new ports have security groups and anti-spoofing. Default: `true`.",
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()}},
			"network_type": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: replaceString, MarkdownDescription: "`flat` for a physical network, `vxlan` for a tunnelled one. Administrators only. Default: `vxlan`. Changing it replaces the network: the ports would lose their segment.",
				Validators: []validator.String{stringvalidator.OneOf("flat", "vxlan")}},
			"physical_network": schema.StringAttribute{Optional: true, PlanModifiers: replaceString, MarkdownDescription: "Name that the hosts give the physical network of a `flat` network. Changing it replaces the network."},
			"segmentation_id": schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "VXLAN network identifier of a `vxlan` network. Default: a free one. Changing it replaces the network.",
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown(), int64planmodifier.RequiresReplace()}, Validators: []validator.Int64{int64validator.Between(1, 1<<24-1)}},
		},
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, defaultTimeout, defaultTimeout)},
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *network) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	c := r.Client
	if c == nil {
		return
	}
	client.CheckPlan(ctx, c, c.Network, req, resp, client.Check[model]{
		Fields:   fields,
		Replaces: func(plan, state model) bool { return client.Replaced(plan.attributes(), state.attributes()) },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan model) error {
			var w wire
			err := networks.Create(ctx, s, options{client.CreateBody(plan.attributes())}).ExtractIntoStructPtr(&w, "network")
			if err == nil {
				c.Made("network", w.ID)
			}
			return err
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			body := client.UpdateBody(plan.attributes(), state.attributes())
			if len(body) == 0 {
				return nil
			}
			return networks.Update(ctx, s, state.ID.ValueString(), options{body}).Err
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return networks.Delete(ctx, s, state.ID.ValueString()).Err
		},
	})
}

// Create implements resource.Resource.
func (r *network) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
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
		return networks.Create(ctx, s, options{client.CreateBody(m.attributes())}).ExtractIntoStructPtr(&w, "network")
	})
	if err != nil {
		addError(&resp.Diagnostics, "Cannot create the network", err)
		if lost != "" {
			m.ID = types.StringValue(lost)
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	m.fill(w)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, w.ID, &resp.Diagnostics)
}

// Read implements resource.Resource.
func (r *network) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
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
		addError(&resp.Diagnostics, "Cannot read the network", err)
		return
	}
	m.fill(w)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *network) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
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
		if err := networks.Update(ctx, r.Client.Network, id, options{body}).Err; err != nil {
			addError(&resp.Diagnostics, "Cannot update the network", err)
			return
		}
	}
	w, err := get(ctx, r.Client.Network, id)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the network", err)
		return
	}
	plan.fill(w)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *network) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := networks.Delete(ctx, r.Client.Network, m.ID.ValueString()).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the network", err)
	}
}
