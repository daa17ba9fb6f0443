package quota

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

const defaultTimeout = time.Minute

// model is the resource as Terraform keeps it. Its id is the project's.
type model struct {
	managed.Common
	ProjectID types.String `tfsdk:"project_id"`
	limits
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{{Value: m.ProjectID}}
}

// Fill implements managed.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID, m.ProjectID = types.StringValue(w.Project), types.StringValue(w.Project)
	tell(m.compute(), w.Compute)
	tell(m.network(), w.Network)
}

// quota is managed but for its create: the thing is there before.
type quota struct {
	*managed.Resource[model, wire, *model]
}

// NewResource returns cloudlet_quota.
func NewResource() resource.Resource {
	r := &quota{}
	r.Resource = managed.New(managed.Kind[model, wire]{
		Name: "quota", Timeout: defaultTimeout, Fields: fields, Refers: map[string]string{"project_id": "project"},
		Schema: schema.Schema{Attributes: attributes(),
			MarkdownDescription: "How much a project may have. Administrators only. Limits that are not given are not managed: they stay as they are. Destroying the quota gives the project all the cloud's defaults again."},
		Service: func(c *client.Client) *gophercloud.ServiceClient { return c.Compute },
		Complete: func(_ context.Context, ch *managed.Change[model], _ *diag.Diagnostics) {
			ch.Plan.ID = ch.Plan.ProjectID
		},
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, ch managed.Change[model]) (wire, error) {
			project := ch.Plan.ProjectID.ValueString()
			if project == client.UnknownID {
				return wire{}, managed.ErrNotAsked
			}
			ss := beside(ctx, r.Client, s)
			if err := ss.exists(ctx, project); err != nil {
				return wire{}, err
			}
			return wire{Project: project}, ss.set(ctx, project, given(ch.Plan.compute(), nil), given(ch.Plan.network(), nil))
		},
		Read: func(ctx context.Context, s *gophercloud.ServiceClient, id string) (wire, error) {
			return beside(ctx, r.Client, s).get(ctx, id)
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, ch managed.Change[model]) error {
			return beside(ctx, r.Client, s).set(ctx, ch.State.ID.ValueString(), given(ch.Plan.compute(), ch.State.compute()), given(ch.Plan.network(), ch.State.network()))
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
			return beside(ctx, r.Client, s).reset(ctx, id)
		},
	})
	return r
}

func attributes() map[string]schema.Attribute {
	as := map[string]schema.Attribute{
		"project_id": schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Id of the project. Changing it replaces the quota."},
	}
	for _, l := range new(limits).all() {
		as[l.name] = schema.Int64Attribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			Validators: []validator.Int64{int64validator.Between(-1, 1<<31-1)}, MarkdownDescription: "Most " + l.doc + "; -1 for no limit."}
	}
	return as
}

// Create implements resource.Resource. To set limits twice does no harm, so that a
// lost answer needs no care.
func (r *quota) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	wait, diags := m.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, wait)
	defer cancel()
	w, err := r.Kind.Create(ctx, r.Client.Compute, managed.Change[model]{Plan: m})
	if err == nil {
		w, err = r.Kind.Read(ctx, r.Client.Compute, w.Project)
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot set the quota", err, fields)
		return
	}
	m.Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, w.Project, &resp.Diagnostics)
}
