package instance

import (
	"context"
	"fmt"
	"maps"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *instance) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config model
	if !req.Plan.Raw.IsNull() {
		resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
		r.complete(ctx, config, req, resp)
	}
	c := r.Client
	if c == nil || resp.Diagnostics.HasError() {
		return
	}
	client.CheckPlan(ctx, c, c.Compute, req, resp, client.Check[model]{
		Fields:   fieldsOf(config),
		Replaces: replaces,
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan model) error {
			plan.ImageID, plan.FlavorID = c.Meant("image", plan.ImageID), c.Meant("flavor", plan.FlavorID)
			body := plan.createBody(ctx, config.UserDataWO.ValueString(), &resp.Diagnostics)
			if config.Networks.IsUnknown() {
				body["server"].(map[string]any)["networks"] = "none" // everything else can be asked
			}
			_, err := create(ctx, s, body)
			return err
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			ch := change{compute: s, network: c.Also(ctx, c.Network), plan: plan, state: state, userDataWO: config.UserDataWO.ValueString(), diags: &resp.Diagnostics}
			return ch.run(ctx)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return servers.Delete(ctx, s, state.ID.ValueString()).Err
		},
		Keep: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return servers.Update(ctx, s, state.ID.ValueString(), servers.UpdateOpts{Name: state.Name.ValueString()}).Err
		},
	})
}

// replaces reports whether a change needs a new instance.
func replaces(plan, state model) bool {
	return !plan.ImageID.Equal(state.ImageID) || !plan.FlavorID.Equal(state.FlavorID) || !plan.KeyPair.Equal(state.KeyPair) || !plan.ConfigDrive.Equal(state.ConfigDrive) ||
		!plan.AvailabilityZone.Equal(state.AvailabilityZone) || !plan.SchedulerHints.Equal(state.SchedulerHints)
}

// complete plans what follows from the configuration: the image and the flavor
// that names mean, the network cards that stay, and what needs a new instance.
func (r *instance) complete(ctx context.Context, config model, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	creates := req.State.Raw.IsNull()
	if !creates {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	before := plan
	r.planImage(ctx, config, state, &plan, &resp.Diagnostics)
	r.planFlavor(ctx, config, state, &plan, &resp.Diagnostics)
	if !config.Networks.IsNull() && !config.Networks.IsUnknown() {
		plan.Networks = nicList(planNICs(nics(ctx, config.Networks, &resp.Diagnostics), nics(ctx, state.Networks, &resp.Diagnostics)))
	}
	if creates || !plan.Networks.Equal(state.Networks) {
		plan.IPv4Address, plan.IPv6Address = types.StringUnknown(), types.StringUnknown()
	}
	for _, a := range []struct {
		name    string
		is, was attr.Value
	}{
		{"image_id", plan.ImageID, before.ImageID}, {"flavor_id", plan.FlavorID, before.FlavorID}, {"flavor_name", plan.FlavorName, before.FlavorName},
		{"networks", plan.Networks, before.Networks}, {"ipv4_address", plan.IPv4Address, before.IPv4Address}, {"ipv6_address", plan.IPv6Address, before.IPv6Address},
	} {
		if !a.is.Equal(a.was) { // setting one is dear
			resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(a.name), a.is)...)
		}
	}
	if creates {
		return
	}
	if !plan.ImageID.Equal(state.ImageID) {
		resp.RequiresReplace.Append(path.Root("image_id"))
	}
	if !plan.FlavorID.Equal(state.FlavorID) {
		resp.RequiresReplace.Append(path.Root("flavor_id"))
	}
}

// planImage plans the image's id: the configuration's, or that of the image it
// names. A name that has not changed still means the image it meant.
func (r *instance) planImage(ctx context.Context, config, state model, plan *model, diags *diag.Diagnostics) {
	switch {
	case config.ImageName.IsNull():
		plan.ImageID = config.ImageID
	case config.ImageName.IsUnknown() || r.Client == nil:
		plan.ImageID = types.StringUnknown()
	case config.ImageName.Equal(state.ImageName):
		plan.ImageID = state.ImageID
	default:
		id, err := imageNamed(ctx, r.Client.Image, config.ImageName.ValueString())
		if err != nil {
			client.AddError(diags, "No such image", err, client.Fields{"": path.Root("image_name")})
		}
		plan.ImageID = types.StringValue(id)
	}
}

// planFlavor plans the flavor's id and name from the one that is configured.
func (r *instance) planFlavor(ctx context.Context, config, state model, plan *model, diags *diag.Diagnostics) {
	same := !config.FlavorName.IsNull() && config.FlavorName.Equal(state.FlavorName) || !config.FlavorID.IsNull() && config.FlavorID.Equal(state.FlavorID)
	switch {
	case same:
		plan.FlavorID, plan.FlavorName = state.FlavorID, state.FlavorName
	case config.FlavorName.IsNull():
		plan.FlavorID, plan.FlavorName = config.FlavorID, types.StringUnknown()
	case config.FlavorName.IsUnknown() || r.Client == nil:
		plan.FlavorID, plan.FlavorName = types.StringUnknown(), config.FlavorName
	default:
		id, err := flavorNamed(ctx, r.Client.Compute, config.FlavorName.ValueString())
		if err != nil {
			client.AddError(diags, "No such flavor", err, client.Fields{"": path.Root("flavor_name")})
		}
		plan.FlavorID, plan.FlavorName = types.StringValue(id), config.FlavorName
	}
}

// fieldsOf returns the attributes that an error of the API may point at: image
// and flavor by the one of their two attributes that is configured.
func fieldsOf(config model) client.Fields {
	out := maps.Clone(fields)
	if !config.ImageName.IsNull() {
		out["/server/imageRef"] = path.Root("image_name")
	}
	if !config.FlavorName.IsNull() {
		out["/server/flavorRef"] = path.Root("flavor_name")
	}
	if !config.UserDataWO.IsNull() {
		out["/server/user_data"] = path.Root("user_data_wo")
	}
	for n := range len(config.Networks.Elements()) {
		out[fmt.Sprintf("/server/networks/%d", n)] = path.Root("networks").AtListIndex(n) // Terraform shows no line of a path that goes deeper
	}
	return out
}
