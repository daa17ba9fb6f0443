package flavor

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
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
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_flavor.
func NewResource() resource.Resource {
	return managed.New(managed.Of(object, managed.Kind[model, wire]{
		Name: "flavor", Schema: flavorSchema(), Timeout: time.Minute, Fields: fields, Update: update,
		Service: func(c *client.Client) *gophercloud.ServiceClient { return c.Compute },
		Choose: func(plan *model) string {
			if plan.ID.IsUnknown() {
				plan.ID = types.StringValue(uuid.NewString())
			}
			return plan.ID.ValueString()
		},
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[model]) (wire, error) {
			return object.Create(ctx, s, c.Plan.createBody())
		},
		Settle: func(ctx context.Context, s *gophercloud.ServiceClient, w wire, c managed.Change[model]) error {
			return setSpecs(ctx, s, w.ID, client.StringMap(c.Plan.ExtraSpecs), nil)
		},
	}))
}

var object = managed.Object[wire]{Name: "flavor", Path: "flavors", Method: http.MethodPut}

// update brings description and extra specs from state to plan.
func update(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[model]) error {
	id := c.State.ID.ValueString()
	if err := object.Update(ctx, s, id, client.UpdateBody(c.Plan.Attributes(), c.State.Attributes())); err != nil {
		return err
	}
	return setSpecs(ctx, s, id, client.StringMap(c.Plan.ExtraSpecs), client.StringMap(c.State.ExtraSpecs))
}

func flavorSchema() schema.Schema {
	size := func(least int64, doc string) schema.Int64Attribute {
		return schema.Int64Attribute{Required: true, MarkdownDescription: doc, PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()}, Validators: []validator.Int64{int64validator.AtLeast(least)}}
	}
	more := func(doc string) schema.Int64Attribute {
		a := size(0, doc)
		a.Required, a.Optional, a.Computed, a.Default = false, true, true, int64default.StaticInt64(0)
		return a
	}
	return schema.Schema{
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
	}
}
