package image

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

const (
	createTimeout = 30 * time.Minute // the upload included
	changeTimeout = 2 * time.Minute  // one update or delete
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
	limit, diags := m.Timeouts.Create(ctx, createTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s := r.Client.Image
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
	if err := upload(ctx, s, w.ID, m.SourceFile.ValueString(), m.SHA512.ValueString()); err != nil {
		client.AddError(&resp.Diagnostics, "Cannot upload the image", err, client.Fields{"": path.Root("source_file")})
		if drop(ctx, s, w) == nil {
			resp.State.RemoveResource(ctx) // refused: nothing is left
		}
		return
	}
	if err := r.waitActive(ctx, w.ID); err != nil {
		addError(&resp.Diagnostics, "The image did not become active", err)
		return
	}
	if w, err = get(ctx, s, w.ID); err != nil {
		addError(&resp.Diagnostics, "Cannot read the image", err)
		return
	}
	m.fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// upload sends a file's bytes. It fails if they are not those that were planned.
func upload(ctx context.Context, s *gophercloud.ServiceClient, id, file, planned string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := send(ctx, s, id, f); err != nil {
		return err
	}
	// What was sent is hashed apart: the client may have sent it twice.
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); planned != "" && sum != planned {
		return fmt.Errorf("the file %s changed between plan and apply: its SHA-512 was %.16s… and is %.16s…", file, planned, sum)
	}
	return nil
}

// uploads is how often bytes are sent whose upload got no answer.
const uploads = 3

// send uploads bytes. If there is no answer and the image is waiting for its
// bytes again, they are sent again.
func send(ctx context.Context, s *gophercloud.ServiceClient, id string, f io.ReadSeeker) error {
	for n := 1; ; n++ {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		err := imagedata.Upload(ctx, s, id, struct{ io.ReadSeeker }{f}).Err // not to be closed by the call
		if err == nil || client.Answered(err) || n == uploads {
			return err
		}
		w, lost := get(ctx, s, id)
		switch {
		case lost != nil:
			return err
		case w.Status == "active":
			return nil
		case w.Status != "queued":
			return err
		}
	}
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
	w, err := get(ctx, r.Client.Image, m.ID.ValueString())
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
	limit, diags := plan.Timeouts.Update(ctx, changeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	id := state.ID.ValueString()
	if p := changes(&plan, &state); len(p) > 0 {
		if err := images.Update(ctx, r.Client.Image, id, p).Err; err != nil {
			addError(&resp.Diagnostics, "Cannot update the image", err)
			return
		}
	}
	w, err := get(ctx, r.Client.Image, id)
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
	limit, diags := m.Timeouts.Delete(ctx, changeTimeout)
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
