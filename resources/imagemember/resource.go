package imagemember

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a membership as the API gives it.
type wire struct {
	ImageID   string `json:"image_id"`
	ProjectID string `json:"member_id"`
	Status    string `json:"status"`
}

// model is the resource as Terraform keeps it. Its id is the image's.
type model struct {
	managed.Common
	ImageID   types.String `tfsdk:"image_id"`
	ProjectID types.String `tfsdk:"project_id"`
	Status    types.String `tfsdk:"status"`
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{{Value: m.ImageID}, {Wire: "status", Value: m.Status, Update: true}}
}

// Fill implements managed.Model.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID, m.ImageID = types.StringValue(w.ImageID), types.StringValue(w.ImageID)
	m.ProjectID, m.Status = types.StringValue(w.ProjectID), types.StringValue(w.Status)
}

// undecided is the status that every offer begins with.
const undecided = "pending"

// NewResource returns cloudlet_image_member.
func NewResource() resource.Resource {
	r := &managed.Resource[model, wire, *model]{}
	r.Kind = managed.Kind[model, wire]{
		Name: "image_member", Timeout: time.Minute, Schema: described(),
		Fields:   client.Fields{"/image_id": path.Root("image_id"), "/status": path.Root("status")},
		Service:  func(c *client.Client) *gophercloud.ServiceClient { return c.Image },
		Complete: func(_ context.Context, ch *managed.Change[model], _ *diag.Diagnostics) { ch.Plan.ID = ch.Plan.ImageID },
		Choose:   func(plan *model) string { return plan.ImageID.ValueString() },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, ch managed.Change[model]) (wire, error) {
			return say(ctx, s, r.Client.Scope.ProjectID, ch.Plan)
		},
		Read: func(ctx context.Context, s *gophercloud.ServiceClient, id string) (w wire, err error) {
			if err := members.Get(ctx, s, id, r.Client.Scope.ProjectID).ExtractInto(&w); err != nil && shared(err) {
				return w, err
			} else if err != nil {
				return w, gone
			}
			return w, nil
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, ch managed.Change[model]) error {
			_, err := say(ctx, s, r.Client.Scope.ProjectID, ch.Plan)
			return err
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
			err := members.Update(ctx, s, id, r.Client.Scope.ProjectID, members.UpdateOpts{Status: undecided}).Err
			if err != nil && !shared(err) {
				return nil
			}
			return err
		},
	}
	return r
}

// gone is for an offer that is there no more.
var gone = gophercloud.ErrUnexpectedResponseCode{Actual: http.StatusNotFound}

// shared reports whether an error leaves open that the image is shared with the
// project: its members cannot be asked for if it is of another visibility.
func shared(err error) bool {
	return !client.NotFound(err) && !gophercloud.ResponseCodeIs(err, http.StatusForbidden)
}

// say tells the owner what the project thinks of the offer. In a plan an offer that
// is not there is no error: the owner may make it in the same plan, by another
// provider.
func say(ctx context.Context, s *gophercloud.ServiceClient, project string, plan model) (w wire, err error) {
	switch id := plan.ImageID.ValueString(); {
	case project == "":
		return w, errors.New("the provider works in no project: an image is shared with projects")
	case id == client.UnknownID:
		return w, managed.ErrNotAsked
	default:
		err = members.Update(ctx, s, id, project, members.UpdateOpts{Status: plan.Status.ValueString()}).ExtractInto(&w)
	}
	if client.NotFound(err) && client.Planning(s) {
		return w, managed.ErrNotAsked
	}
	if client.NotFound(err) || gophercloud.ResponseCodeIs(err, http.StatusForbidden) {
		return w, client.At("/image_id", err)
	}
	return w, err
}

func described() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "What the provider's project says of an image that another project shares with it: an accepted image is in the project's lists. " +
			"The owner shares an image by the attribute `members` of `cloudlet_image`. Destroying this leaves the offer undecided again; it is the owner's to take back.",
		Attributes: map[string]schema.Attribute{
			"image_id": schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "Id of the image. Changing it replaces the membership."},
			"status": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("accepted"), Validators: []validator.String{stringvalidator.OneOf("accepted", "rejected", undecided)},
				MarkdownDescription: "`accepted`, `rejected`, or `pending` for undecided. Default: `accepted`."},
			"project_id": schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "Id of the project that the image is shared with: the provider's."},
		},
	}
}
