package securitygroup

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = 2 * time.Minute

// NewResource returns cloudlet_security_group.
func NewResource() resource.Resource { return &group{} }

type group struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *group) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_security_group"
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *group) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	c := r.Client
	if c == nil {
		return
	}
	client.CheckPlan(ctx, c, c.Network, req, resp, client.Check[model]{
		Fields: fields,
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan model) error {
			var w wire
			if err := groups.Create(ctx, s, options{client.CreateBody(plan.attributes())}).ExtractIntoStructPtr(&w, "security_group"); err != nil {
				return err
			}
			return setRules(ctx, s, w.ID, plan.rules(ctx, &resp.Diagnostics), plan.DefaultEgress.ValueBool(), w.Rules)
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			return update(ctx, s, plan, state, &resp.Diagnostics)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return groups.Delete(ctx, s, state.ID.ValueString()).Err
		},
	})
}

// update brings name, description and rules from state to plan.
func update(ctx context.Context, s *gophercloud.ServiceClient, plan, state model, diags *diag.Diagnostics) error {
	id := state.ID.ValueString()
	if body := client.UpdateBody(plan.attributes(), state.attributes()); len(body) > 0 {
		if err := groups.Update(ctx, s, id, options{body}).Err; err != nil {
			return err
		}
	}
	if plan.Rules.Equal(state.Rules) && plan.DefaultEgress.Equal(state.DefaultEgress) {
		return nil
	}
	w, err := get(ctx, s, id)
	if err != nil {
		return err
	}
	return setRules(ctx, s, id, plan.rules(ctx, diags), plan.DefaultEgress.ValueBool(), w.Rules)
}

// Create implements resource.Resource.
func (r *group) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s := r.Client.Network
	var w wire
	lost, err := r.Client.Once(ctx, r.Client.Network, func(ctx context.Context, id string) (err error) {
		w, err = get(ctx, r.Client.Network, id)
		return err
	}, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		return groups.Create(ctx, s, options{client.CreateBody(m.attributes())}).ExtractIntoStructPtr(&w, "security_group")
	})
	if err != nil {
		addError(&resp.Diagnostics, "Cannot create the security group", err)
		if lost != "" {
			m.ID = types.StringValue(lost)
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	made := m
	made.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &made)...)
	client.SetIdentity(ctx, resp.Identity, w.ID, &resp.Diagnostics)
	if err := setRules(ctx, s, w.ID, m.rules(ctx, &resp.Diagnostics), m.DefaultEgress.ValueBool(), w.Rules); err != nil {
		addError(&resp.Diagnostics, "Cannot create the security group's rules", err)
		if groups.Delete(ctx, s, w.ID).Err == nil {
			resp.State.RemoveResource(ctx) // refused: nothing is left
		}
		return
	}
	if w, err = get(ctx, s, w.ID); err != nil {
		addError(&resp.Diagnostics, "Cannot read the security group", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Read implements resource.Resource.
func (r *group) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
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
		addError(&resp.Diagnostics, "Cannot read the security group", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *group) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
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
	if err := update(ctx, r.Client.Network, plan, state, &resp.Diagnostics); err != nil {
		addError(&resp.Diagnostics, "Cannot update the security group", err)
		return
	}
	w, err := get(ctx, r.Client.Network, id)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the security group", err)
		return
	}
	plan.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *group) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := groups.Delete(ctx, r.Client.Network, m.ID.ValueString()).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the security group", err)
	}
}
