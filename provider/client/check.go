package client

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// Check is what a planned change of a resource with model M would ask of the
// cloud. Each function gets a service client of the plan session. A nil one is
// not asked. In plan, a reference that the configuration gives but that is not
// known yet is UnknownID; anything else that is not known is unknown.
type Check[M any] struct {
	Fields Fields
	Create func(ctx context.Context, s *gophercloud.ServiceClient, plan M) error
	Update func(ctx context.Context, s *gophercloud.ServiceClient, plan, state M) error
	Delete func(ctx context.Context, s *gophercloud.ServiceClient, state M) error
	// Keep is called for a resource that the plan leaves as it is: see PlanKeep.
	Keep func(ctx context.Context, s *gophercloud.ServiceClient, state M) error
	// Replaces reports whether the schema's plan modifiers make the change a
	// replacement: they are not visible to ModifyPlan.
	Replaces func(plan, state M) bool
	// Refers are the attributes whose references, if not known yet, are looked for
	// among what the plan makes, and the kinds they refer to: see Meant.
	Refers map[string]string
}

// CheckPlan runs what ModifyPlan was told of through the plan session: a
// replacement as its delete; Terraform then asks again, as about a create.
func CheckPlan[M any](ctx context.Context, c *Client, s *gophercloud.ServiceClient, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, check Check[M]) {
	creates, destroys := req.State.Raw.IsNull(), req.Plan.Raw.IsNull()
	var plan, state M
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if !req.Plan.Raw.IsNull() {
		asked := resp.Plan
		asked.Raw = standIns(resp.Plan.Raw, req.Config.Raw, func(attribute string) string { return c.meant(check.Refers[attribute]) })
		resp.Diagnostics.Append(asked.Get(ctx, &plan)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if !creates && !destroys && (len(resp.RequiresReplace) > 0 || check.Replaces != nil && check.Replaces(plan, state)) {
		destroys = true // Terraform asks again, with no state, about the create
	}
	if destroys && check.Delete != nil {
		c.PlanDelete(ctx, s, &resp.Diagnostics, func(ctx context.Context, s *gophercloud.ServiceClient) error {
			return check.Delete(ctx, s, state)
		})
	}
	if creates && check.Create != nil {
		c.Plan(ctx, s, &resp.Diagnostics, check.Fields, func(ctx context.Context, s *gophercloud.ServiceClient) error {
			return check.Create(ctx, s, plan)
		})
	}
	same := !creates && !destroys && resp.Plan.Raw.Equal(req.State.Raw)
	if same && check.Keep != nil {
		c.PlanKeep(ctx, s, &resp.Diagnostics, check.Fields, func(ctx context.Context, s *gophercloud.ServiceClient) error {
			return check.Keep(ctx, s, state)
		})
	}
	if !creates && !destroys && !same && check.Update != nil {
		c.Plan(ctx, s, &resp.Diagnostics, check.Fields, func(ctx context.Context, s *gophercloud.ServiceClient) error {
			return check.Update(ctx, s, plan, state)
		})
	}
}
