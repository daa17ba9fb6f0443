package flavor

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = time.Minute

// NewResource returns cloudlet_flavor.
func NewResource() resource.Resource { return &flavor{} }

type flavor struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *flavor) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_flavor"
}

// Schema implements resource.Resource.
func (r *flavor) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	size := func(least int64, doc string) schema.Int64Attribute {
		return schema.Int64Attribute{Required: true, MarkdownDescription: doc, PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()}, Validators: []validator.Int64{int64validator.AtLeast(least)}}
	}
	more := func(doc string) schema.Int64Attribute {
		a := size(0, doc)
		a.Required, a.Optional, a.Computed, a.Default = false, true, true, int64default.StaticInt64(0)
		return a
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A flavor: a size of instance. Administrators only. Sizes, name and id of a flavor never change in the API, so that changing them replaces the flavor; instances made with the old one keep their size.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthBetween(1, 255)},
				MarkdownDescription: "Id in the cloud. Default: one that the cloud chooses. Changing it replaces the flavor."},
			"name":        schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}, MarkdownDescription: "Name, unique in the cloud. Changing it replaces the flavor."},
			"description": client.DescriptionAttribute(),
			"vcpus":       size(1, "Number of virtual processors. Changing it replaces the flavor."),
			"ram":         size(1, "Memory in MiB. Changing it replaces the flavor."),
			"disk":        size(0, "Size of the disk in GiB; 0 for as big as the image. Changing it replaces the flavor."),
			"swap":        more("Size of the swap disk in MiB. Default: 0. Changing it replaces the flavor."),
			"ephemeral":   more("Size of the second, empty disk in GiB. Default: 0. Changing it replaces the flavor."),
			"is_public": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()},
				MarkdownDescription: "Whether all projects may use it. Default: `true`. Changing it replaces the flavor."},
			"extra_specs": schema.MapAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: mapdefault.StaticValue(types.MapValueMust(types.StringType, map[string]attr.Value{})),
				MarkdownDescription: "What else the scheduler and the hosts are told, such as `{\"hw:cpu_policy\" = \"dedicated\"}`. All of them: what is set elsewhere is removed. Default: none.", Validators: []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255))}},
		},
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, defaultTimeout, defaultTimeout)},
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *flavor) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	c := r.Client
	if c == nil {
		return
	}
	client.CheckPlan(ctx, c, c.Compute, req, resp, client.Check[model]{
		Fields:   fields,
		Replaces: func(plan, state model) bool { return client.Replaced(plan.attributes(), state.attributes()) },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan model) error {
			var w wire
			if err := flavors.Create(ctx, s, plan.createBody()).ExtractIntoStructPtr(&w, "flavor"); err != nil {
				return err
			}
			c.Made("flavor", w.ID)
			return setSpecs(ctx, s, w.ID, client.StringMap(plan.ExtraSpecs), nil)
		},
		Update: update,
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return flavors.Delete(ctx, s, state.ID.ValueString()).Err
		},
	})
}

// update brings description and extra specs from state to plan.
func update(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
	id := state.ID.ValueString()
	if body := client.UpdateBody(plan.attributes(), state.attributes()); len(body) > 0 {
		if err := flavors.Update(ctx, s, id, options(body)).Err; err != nil {
			return err
		}
	}
	return setSpecs(ctx, s, id, client.StringMap(plan.ExtraSpecs), client.StringMap(state.ExtraSpecs))
}

// Create implements resource.Resource.
func (r *flavor) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s := r.Client.Compute
	var w wire
	if m.ID.IsUnknown() {
		m.ID = types.StringValue(uuid.NewString())
	}
	lost, err := client.OnceAs(ctx, m.ID.ValueString(), func(ctx context.Context, id string) (err error) {
		w, err = get(ctx, s, id)
		return err
	}, func(ctx context.Context) error {
		return flavors.Create(ctx, s, m.createBody()).ExtractIntoStructPtr(&w, "flavor")
	})
	if err != nil {
		addError(&resp.Diagnostics, "Cannot create the flavor", err)
		if lost != "" {
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	made := m
	made.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &made)...)
	client.SetIdentity(ctx, resp.Identity, w.ID, &resp.Diagnostics)
	if err := setSpecs(ctx, s, w.ID, client.StringMap(m.ExtraSpecs), nil); err != nil {
		addError(&resp.Diagnostics, "Cannot create the flavor's extra specs", err)
		if flavors.Delete(ctx, s, w.ID).Err == nil {
			resp.State.RemoveResource(ctx) // refused: nothing is left
		}
		return
	}
	if w, err = get(ctx, s, w.ID); err != nil {
		addError(&resp.Diagnostics, "Cannot read the flavor", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Read implements resource.Resource.
func (r *flavor) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client.SetIdentity(ctx, resp.Identity, m.ID.ValueString(), &resp.Diagnostics)
	w, err := get(ctx, r.Client.Compute, m.ID.ValueString())
	if client.NotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the flavor", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *flavor) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
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
	if err := update(ctx, r.Client.Compute, plan, state); err != nil {
		addError(&resp.Diagnostics, "Cannot update the flavor", err)
		return
	}
	w, err := get(ctx, r.Client.Compute, id)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the flavor", err)
		return
	}
	plan.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *flavor) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := flavors.Delete(ctx, r.Client.Compute, m.ID.ValueString()).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the flavor", err)
	}
}
