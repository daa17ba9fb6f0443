package image

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

const (
	bytesTimeout  = 30 * time.Minute // of a create, and of an update, which may bring bytes into another store
	deleteTimeout = 2 * time.Minute
)

// NewResource returns cloudlet_image.
func NewResource() resource.Resource { return &image{} }

type image struct{ client.Resource }

// Metadata implements resource.Resource.
func (r *image) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image"
}

// Create implements resource.Resource.
func (r *image) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Create(ctx, bytesTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s := r.Client.Image
	if err := r.settle(ctx, &m); err != nil {
		client.AddError(&resp.Diagnostics, "Cannot tell what to make the image of", err, client.Fields{"": m.source()})
		return
	}
	var w wire
	body := m.createBody()
	body["id"] = uuid.NewString()
	lost, err := client.OnceAs(ctx, body["id"].(string), func(ctx context.Context, id string) (err error) {
		w, err = get(ctx, s, id)
		return err
	}, func(ctx context.Context) error { return images.Create(ctx, s, body).ExtractInto(&w) })
	if err != nil {
		addError(&resp.Diagnostics, "Cannot create the image", err)
		if lost != "" {
			m.ID = types.StringValue(lost)
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	made := m
	made.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &made)...)
	client.SetIdentity(ctx, resp.Identity, w.ID, &resp.Diagnostics)
	if w, err = r.complement(ctx, w, &m, &resp.Diagnostics); err != nil {
		if drop(ctx, s, w) == nil {
			resp.State.RemoveResource(ctx) // refused: nothing is left
		}
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// complement gives an image that was just created its bytes and its members. An
// error is in diags too.
func (r *image) complement(ctx context.Context, made wire, m *model, diags *diag.Diagnostics) (wire, error) {
	s := r.Client.Image
	if err := r.bring(ctx, made.ID, m); err != nil {
		at := maps.Clone(fields)
		at[""] = m.source()
		client.AddError(diags, "The image did not get its bytes", err, at)
		return made, err
	}
	w, err := get(ctx, s, made.ID)
	if err == nil {
		got := *m
		got.fill(ctx, w, diags)
		got.Members, got.Stores = client.Set(ctx, nil, diags), m.Stores // which it has been given
		err = update(ctx, s, *m, got, nil)                              // a copy that the cloud makes brings properties along
	}
	if err == nil {
		w, err = getWhole(ctx, s, made.ID)
	}
	if err != nil {
		addError(diags, "Cannot finish the image", err)
		return made, err
	}
	return w, nil
}

// drop deletes an image whose upload failed, protected or not.
func drop(ctx context.Context, s *gophercloud.ServiceClient, w wire) error {
	if w.Protected {
		if err := images.Update(ctx, s, w.ID, patch{map[string]any{"op": "replace", "path": "/protected", "value": false}}).Err; err != nil {
			return err
		}
	}
	return images.Delete(ctx, s, w.ID).Err
}

func (r *image) waitActive(ctx context.Context, id string) error {
	s := r.Client.Image
	return r.Client.Wait(ctx, s, s.ServiceURL("images", id), func(body []byte) (bool, error) {
		w, err := client.Into[wire](body, "")
		if err != nil {
			return false, err
		}
		switch w.Status {
		case "active":
			return true, nil
		case "killed", "deleted", "pending_delete", "deactivated":
			return false, errors.New("the cloud says that its status is " + w.Status)
		}
		return false, nil
	})
}

// Read implements resource.Resource.
func (r *image) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client.SetIdentity(ctx, resp.Identity, m.ID.ValueString(), &resp.Diagnostics)
	w, err := getWhole(ctx, r.Client.Image, m.ID.ValueString())
	if client.NotFound(err) || err == nil && (w.Status == "deleted" || w.Status == "pending_delete") {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the image", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *image) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := plan.Timeouts.Update(ctx, bytesTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	id := state.ID.ValueString()
	if err := update(ctx, r.Client.Image, plan, state, func(stores []string) error { return r.waitImported(ctx, id, stores) }); err != nil {
		addError(&resp.Diagnostics, "Cannot update the image", err)
		return
	}
	w, err := getWhole(ctx, r.Client.Image, id)
	if err != nil {
		addError(&resp.Diagnostics, "Cannot read the image", err)
		return
	}
	plan.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *image) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Delete(ctx, deleteTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := images.Delete(ctx, r.Client.Image, m.ID.ValueString()).Err; err != nil && !client.NotFound(err) {
		addError(&resp.Diagnostics, "Cannot delete the image", err)
	}
}
