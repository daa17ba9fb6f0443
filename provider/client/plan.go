package client

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// UnknownID stands, in a plan session, for a thing that the plan will make but
// that has no id yet.
const UnknownID = "00000000-0000-0000-0000-000000000000"

// Plan runs a change against this process's fork of the cloud, through the code
// that apply will run, and reports what the cloud would refuse or warn of.
// Nothing is changed. call gets a service client whose requests go to the fork.
// It does nothing on a cloud without plan sessions, and once this process has
// begun to apply. If the cloud was away, that is a warning: apply will tell.
func (c *Client) Plan(ctx context.Context, s *gophercloud.ServiceClient, diags *diag.Diagnostics, fields Fields, call func(context.Context, *gophercloud.ServiceClient) error) {
	if c == nil || c.applying.Load() || c.away.Load() || !c.extension(ctx, s, "plan") {
		return
	}
	w := &warnings{}
	ps := with(s, "Cloudlet-Plan", c.session)
	pc := *ps.ProviderClient
	pc.HTTPClient.Transport = w.around(pc.HTTPClient.Transport)
	ps.ProviderClient = &pc
	err := call(ctx, ps)
	if c.applying.Load() {
		return
	}
	if c.away.Load() {
		diags.AddWarning("The plan is not checked", "The cloud was away while the plan was made, and has forgotten what it knew of it. What it would refuse shows at apply.")
		return
	}
	for _, text := range w.texts() {
		diags.AddWarning("The plan may not fit", text)
	}
	if err == nil {
		return
	}
	AddError(diags, "The cloud would refuse this change", err, fields)
}

// PlanKeep tells the cloud that the plan leaves a thing as it is, so that nothing
// in the plan may count on its going. Only an answer that names a field is a
// refusal: who may not change the thing, now or ever, still may leave it.
func (c *Client) PlanKeep(ctx context.Context, s *gophercloud.ServiceClient, diags *diag.Diagnostics, fields Fields, call func(context.Context, *gophercloud.ServiceClient) error) {
	var all diag.Diagnostics
	c.Plan(ctx, s, &all, fields, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		if err := call(ctx, s); fieldOf(err) != "" {
			return err
		}
		return nil
	})
	diags.Append(all.Errors()...) // warnings belong to what the plan changes
}

// PlanDelete asks whether a delete would be allowed. That something else still
// uses the thing is no refusal: the plan may remove that first.
func (c *Client) PlanDelete(ctx context.Context, s *gophercloud.ServiceClient, diags *diag.Diagnostics, call func(context.Context, *gophercloud.ServiceClient) error) {
	c.Plan(ctx, s, diags, nil, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		err := call(ctx, s)
		if gophercloud.ResponseCodeIs(err, 403) {
			return err
		}
		return nil
	})
}

// Fields maps the JSON pointer of a request's field, as the cloud names the one
// at fault, to the attribute it came from. The longest prefix that ends at a
// '/' wins.
type Fields map[string]path.Path

// Made notes the id that something the plan makes has in the plan session. It is
// only for use within Plan's call.
func (c *Client) Made(kind, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[kind] = append(c.made[kind], id)
}

// Meant returns what a reference means that is not known yet: the only thing of
// its kind that the plan makes, by its id in the plan session. Terraform plans
// what is referred to first, so that nothing comes later that could be meant. If
// the plan makes several, or none, it is still UnknownID.
func (c *Client) Meant(kind string, ref types.String) types.String {
	if ref.ValueString() != UnknownID {
		return ref
	}
	return types.StringValue(c.meant(kind))
}

// meant returns the id of the only thing of a kind that the plan makes, or
// UnknownID.
func (c *Client) meant(kind string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.made[kind]) != 1 {
		return UnknownID
	}
	return c.made[kind][0]
}

// Beside returns a client of another service that works where s does: in the plan
// session, if s is of it. It is nil if that service knows no plan sessions.
func (c *Client) Beside(ctx context.Context, s, other *gophercloud.ServiceClient) *gophercloud.ServiceClient {
	if !Planning(s) {
		return other
	}
	return c.Also(ctx, other)
}

// Planning reports whether a client works in a plan session.
func Planning(s *gophercloud.ServiceClient) bool { return s.MoreHeaders["Cloudlet-Plan"] != "" }

// Also returns a client of another service that works in the same plan session:
// for a change that calls two services. It is only for use within Plan's call.
// It is nil if that service does not know plan sessions.
func (c *Client) Also(ctx context.Context, s *gophercloud.ServiceClient) *gophercloud.ServiceClient {
	if c.applying.Load() || !c.extension(ctx, s, "plan") {
		return nil
	}
	return with(s, "Cloudlet-Plan", c.session)
}
