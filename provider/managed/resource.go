package managed

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Resource is the Terraform resource of a kind.
type Resource[M, W any, P Model[M, W]] struct {
	client.Resource
	Kind Kind[M, W]
}

// New returns the resource of a kind.
func New[M, W any, P Model[M, W]](k Kind[M, W]) *Resource[M, W, P] {
	return &Resource[M, W, P]{Kind: k}
}

// Metadata implements resource.Resource.
func (r *Resource[M, W, P]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.Kind.Name
}

// Schema implements resource.Resource.
func (r *Resource[M, W, P]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	k := r.Kind
	resp.Schema = k.Schema
	resp.Schema.Attributes = map[string]schema.Attribute{"id": client.IDAttribute()}
	maps.Copy(resp.Schema.Attributes, k.Schema.Attributes)
	update := k.Timeout
	if k.Update == nil {
		update = 0
	}
	resp.Schema.Blocks = map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, k.Timeout, update, k.Timeout)}
}

// title is what messages call the kind.
func (r *Resource[M, W, P]) title() string { return strings.ReplaceAll(r.Kind.Name, "_", " ") }

// fail tells what went wrong, on the attribute at fault.
func (r *Resource[M, W, P]) fail(diags *diag.Diagnostics, verb string, err error) {
	client.AddError(diags, "Cannot "+verb+" the "+r.title(), err, r.Kind.Fields)
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *Resource[M, W, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	c, k := r.Client, r.Kind
	var ch Change[M]
	if !req.Plan.Raw.IsNull() {
		ch = change[M](ctx, req.Config, req.Plan, req.State, &resp.Diagnostics)
		if k.Complete != nil && !resp.Diagnostics.HasError() {
			k.Complete(ctx, &ch, &resp.Diagnostics)
			resp.Diagnostics.Append(resp.Plan.Set(ctx, &ch.Plan)...)
		}
	}
	if c == nil || resp.Diagnostics.HasError() {
		return
	}
	check := client.Check[M]{
		Fields: k.Fields, Refers: k.Refers, Keep: k.Keep,
		Replaces: func(plan, state M) bool { return client.Replaced(P(&plan).Attributes(), P(&state).Attributes()) },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan M) error {
			return r.try(ctx, s, Change[M]{Config: ch.Config, Plan: plan})
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state M) error {
			err := k.Delete(ctx, s, P(&state).Key().ValueString())
			if err != nil && k.Rests != nil && k.Rests(err) {
				return nil
			}
			return err
		},
	}
	if k.Update != nil {
		check.Update = func(ctx context.Context, s *gophercloud.ServiceClient, plan, state M) error {
			return asked(k.Update(ctx, s, Change[M]{Config: ch.Config, Plan: plan, State: &state}))
		}
	}
	client.CheckPlan(ctx, c, k.Service(c), req, resp, check)
}

// try creates the thing in the plan session.
func (r *Resource[M, W, P]) try(ctx context.Context, s *gophercloud.ServiceClient, ch Change[M]) error {
	w, err := r.Kind.Create(ctx, s, ch)
	if err != nil {
		return asked(err)
	}
	var m M
	var diags diag.Diagnostics
	P(&m).Fill(ctx, w, &diags)
	r.Client.Made(r.Kind.Name, P(&m).Key().ValueString())
	if r.Kind.Settle == nil {
		return nil
	}
	return r.Kind.Settle(ctx, s, w, ch)
}

// asked returns err unless it says that the cloud was not asked.
func asked(err error) error {
	if errors.Is(err, ErrNotAsked) {
		return nil
	}
	return err
}

// change reads what a change is made from. State is nil if the raw one is null.
func change[M any](ctx context.Context, config tfsdk.Config, plan tfsdk.Plan, state tfsdk.State, diags *diag.Diagnostics) (c Change[M]) {
	diags.Append(config.Get(ctx, &c.Config)...)
	diags.Append(plan.Get(ctx, &c.Plan)...)
	if !state.Raw.IsNull() {
		c.State = new(M)
		diags.Append(state.Get(ctx, c.State)...)
	}
	return c
}
