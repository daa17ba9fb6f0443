package image

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *image) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var bytes content
	if !req.Plan.Raw.IsNull() {
		bytes = r.complete(ctx, req, resp)
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
			if err := images.Create(ctx, s, body).ExtractInto(&w); err != nil {
				return err
			}
			c.Made("image", w.ID)
			if url := plan.SourceURL.ValueString(); url != "" {
				if err := beginImport(ctx, s, w.ID, method{"name": "web-download", "uri": url}, client.Strings(plan.Stores)); err != nil {
					return err
				}
			}
			return setMembers(ctx, s, w.ID, client.Strings(plan.Members), nil)
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state model) error {
			return update(ctx, s, plan, state, nil)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state model) error {
			return images.Delete(ctx, s, state.ID.ValueString()).Err
		},
	})
}

// update brings an image from state to plan: shared before it gets members, and
// protected no more before the rest. wait is as setStores has it.
func update(ctx context.Context, s *gophercloud.ServiceClient, plan, state model, wait func(stores []string) error) error {
	id := state.ID.ValueString()
	if p := changes(&plan, &state); len(p) > 0 {
		if err := images.Update(ctx, s, id, p).Err; err != nil {
			return err
		}
	}
	if !plan.Members.IsUnknown() && plan.Visibility.ValueString() == "shared" && !plan.Members.Equal(state.Members) {
		if err := setMembers(ctx, s, id, client.Strings(plan.Members), client.Strings(state.Members)); err != nil {
			return err
		}
	}
	if plan.Stores.IsUnknown() || plan.Stores.Equal(state.Stores) {
		return nil
	}
	return setStores(ctx, s, id, client.Strings(plan.Stores), client.Strings(state.Stores), wait)
}

// complete plans what the bytes will be, and a replacement if the image has
// others. It returns what is known of them.
func (r *image) complete(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) content {
	var plan, state, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	creates := req.State.Raw.IsNull()
	if !creates {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return content{}
	}
	set := func(name string, v any) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), v)...)
	}
	if !creates && config.Members.IsNull() && !plan.Visibility.Equal(state.Visibility) {
		set("members", types.SetUnknown(types.StringType)) // only a shared image has any
	}
	r.planStores(ctx, config, state, &resp.Diagnostics)
	bytes := r.content(ctx, config, state, creates, &resp.Diagnostics)
	sum := config.SHA512.ValueString()
	if sum == "" {
		sum = bytes.SHA512
	} else if bytes.SHA512 != "" && bytes.SHA512 != sum {
		resp.Diagnostics.AddAttributeError(path.Root("sha512"), "The bytes are others", fmt.Sprintf("Their SHA-512 is %s.", bytes.SHA512))
	}
	if resp.Diagnostics.HasError() || config.SHA512.IsUnknown() {
		return bytes
	}
	if at, ok := replaced(config, state, sum); !creates && ok {
		resp.RequiresReplace.Append(at)
		set("id", types.StringUnknown())
	}
	if sum != "" {
		set("sha512", sum)
	}
	if bytes.Size > 0 {
		set("size", bytes.Size)
	}
	if creates && config.DiskFormat.IsNull() && bytes.Format != "" {
		set("disk_format", bytes.Format)
	}
	if creates && config.ContainerFormat.IsNull() && !config.SourceImageID.IsUnknown() {
		set("container_format", bytes.container())
	}
	return bytes
}

// replaced returns the attribute whose change asks for other bytes than the image
// has, if one does. sum is the SHA-512 of the wanted bytes, "" if it is not known.
func replaced(config, state model, sum string) (path.Path, bool) {
	if sum != "" {
		return path.Root("sha512"), !state.SHA512.IsNull() && state.SHA512.ValueString() != sum
	}
	if state.SourceFile.IsNull() && state.SourceURL.IsNull() && state.SourceImageID.IsNull() {
		return path.Path{}, false // it was imported: its bytes are taken for those that are meant
	}
	if !config.SourceURL.IsNull() && !config.SourceURL.Equal(state.SourceURL) {
		return path.Root("source_url"), true
	}
	return path.Root("source_image_id"), !config.SourceImageID.IsNull() && !config.SourceImageID.Equal(state.SourceImageID)
}

// planStores refuses stores that the cloud does not have.
func (r *image) planStores(ctx context.Context, config, state model, diags *diag.Diagnostics) {
	if r.Client == nil || config.Stores.IsNull() || config.Stores.IsUnknown() || config.Stores.Equal(state.Stores) {
		return
	}
	if err := checkStores(ctx, r.Client.Image, client.Strings(config.Stores)); err != nil {
		client.AddError(diags, "No such store", err, client.Fields{"": path.Root("stores")})
	}
}

// content returns what is known, when the plan is made, of the bytes that are
// wanted; nothing if they need not be known, as the image has them.
func (r *image) content(ctx context.Context, config, state model, creates bool, diags *diag.Diagnostics) content {
	switch {
	case config.SourceFile.IsUnknown() || config.SourceURL.IsUnknown() || config.SourceImageID.IsUnknown():
	case !config.SourceFile.IsNull():
		return fileContent(config.SourceFile.ValueString(), creates, diags)
	case !config.SourceURL.IsNull():
		if creates {
			r.checkURL(ctx, config, diags)
		}
	case !config.SourceImageID.IsNull():
		if r.Client != nil && !config.SourceImageID.Equal(state.SourceImageID) {
			return r.imageContent(ctx, config, diags)
		}
	case creates:
		diags.AddError("No bytes for the image", "A new image needs source_file, source_url or source_image_id. They may only be left out for an image that was imported.")
	}
	return content{}
}

// checkURL refuses what the cloud cannot be asked to fetch.
func (r *image) checkURL(ctx context.Context, config model, diags *diag.Diagnostics) {
	at := path.Root("source_url")
	if config.DiskFormat.IsNull() {
		diags.AddAttributeError(at, "No disk format", "The cloud must be told in disk_format what the bytes at the URL are: they cannot be looked at when the plan is made.")
	}
	if r.Client == nil {
		return
	}
	able, err := offers(ctx, r.Client.Image, "web-download")
	switch {
	case err != nil:
		client.AddError(diags, "Cannot tell what the cloud imports from", err, client.Fields{"": at})
	case !able:
		diags.AddAttributeError(at, "The cloud fetches from no URL", "It does not offer the import method web-download. Fetch the file first, and give it as source_file.")
	}
}

func fileContent(file string, creates bool, diags *diag.Diagnostics) content {
	f, err := examine(file)
	at := path.Root("source_file")
	switch {
	case err == nil:
		return f
	case creates:
		diags.AddAttributeError(at, "Cannot read the image file", fmt.Sprintf(
			"%s.\n\nThe file must be there when the plan is made, which tells its hash. If another resource of this configuration makes it, make that one first with -target.", err))
	default:
		diags.AddAttributeWarning(at, "Cannot compare the image with its file", fmt.Sprintf("%s.\n\nThe image is left as it is.", err))
	}
	return content{}
}

// imageContent is the content of the image to be copied.
func (r *image) imageContent(ctx context.Context, config model, diags *diag.Diagnostics) content {
	at := path.Root("source_image_id")
	w, err := get(ctx, r.Client.Image, config.SourceImageID.ValueString())
	switch {
	case err != nil:
		client.AddError(diags, "No image to copy", err, client.Fields{"": at})
		return content{}
	case w.Status != "active":
		diags.AddAttributeError(at, "No image to copy", fmt.Sprintf("The image %s is %s; only an active one has bytes to copy.", w.ID, w.Status))
		return content{}
	}
	for name, want := range map[string]struct {
		given types.String
		is    string
	}{"disk_format": {config.DiskFormat, w.DiskFormat}, "container_format": {config.ContainerFormat, w.ContainerFormat}} {
		if s := want.given.ValueString(); s != "" && s != want.is {
			diags.AddAttributeError(path.Root(name), "Another format", fmt.Sprintf("A copy has the format of the image that it is copied from, which is %s. Leave %s out.", want.is, name))
		}
	}
	sum, _ := w.sha512()
	return content{SHA512: sum, Size: w.Size, Format: w.DiskFormat, Container: w.ContainerFormat, Disk: w.VirtualSize}
}
