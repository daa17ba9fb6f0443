package image

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *image) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var bytes content
	if !req.Plan.Raw.IsNull() {
		bytes = r.compare(ctx, req, resp)
	}
	c := r.Client
	if c == nil || resp.Diagnostics.HasError() {
		return
	}
	client.CheckPlan(ctx, c, c.Image, req, resp, client.Check[model]{
		Fields:   fields,
		Replaces: func(plan, state model) bool { return client.Replaced(plan.attributes(), state.attributes()) },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan model) error {
			body := plan.createBody()
			body["min_disk"] = max(plan.MinDisk.ValueInt64(), bytes.minDisk()) // the session has no bytes to tell it by
			var w wire
			err := images.Create(ctx, s, body).ExtractInto(&w)
			if err == nil {
				c.Made("image", w.ID)
			}
			return err
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			p := changes(&plan, &state)
			if len(p) == 0 {
				return nil
			}
			return images.Update(ctx, s, state.ID.ValueString(), p).Err
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return images.Delete(ctx, s, state.ID.ValueString()).Err
		},
	})
}

// compare plans what the file's bytes are, and a replacement if the image has
// others. It returns what is known of the file.
func (r *image) compare(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) content {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	creates := req.State.Raw.IsNull()
	if !creates {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() || config.SourceFile.IsUnknown() {
		return content{}
	}
	at := path.Root("source_file")
	if config.SourceFile.IsNull() {
		if creates {
			resp.Diagnostics.AddAttributeError(at, "No file to upload", "A new image needs source_file. It may only be left out for an image that was imported.")
		}
		return content{}
	}
	f, err := examine(config.SourceFile.ValueString())
	if err != nil && creates {
		resp.Diagnostics.AddAttributeError(at, "Cannot read the image file", fmt.Sprintf(
			"%s.\n\nThe file must be there when the plan is made, which tells its hash. If another resource of this configuration makes it, make that one first with -target.", err))
		return f
	}
	if err != nil {
		resp.Diagnostics.AddAttributeWarning(at, "Cannot compare the image with its file", fmt.Sprintf("%s.\n\nThe image is left as it is.", err))
		return f
	}
	if !creates && f.SHA512 != state.SHA512.ValueString() {
		resp.RequiresReplace.Append(path.Root("sha512"))
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), types.StringUnknown())...)
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("sha512"), types.StringValue(f.SHA512))...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("size"), types.Int64Value(f.Size))...)
	if creates && config.DiskFormat.IsNull() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("disk_format"), types.StringValue(f.Format))...)
	}
	return f
}
