package managed

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Create implements resource.Resource.
func (r *Resource[M, W, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	ch := change[M](ctx, req.Config, req.Plan, tfsdk.State{}, &resp.Diagnostics)
	limit, diags := P(&ch.Plan).Limits().Create(ctx, r.Kind.Timeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	w, lost, err := r.once(ctx, &ch)
	if err != nil {
		r.fail(&resp.Diagnostics, "create", err)
		if lost != "" {
			*P(&ch.Plan).Key() = types.StringValue(lost)
			client.SaveCreated(ctx, &resp.State, &ch.Plan, &resp.Diagnostics)
		}
		return
	}
	made := ch.Plan
	P(&made).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &made)...)
	client.SetIdentity(ctx, resp.Identity, P(&made).Key().ValueString(), &resp.Diagnostics)
	if r.Kind.Settle != nil {
		r.settle(ctx, P(&made).Key().ValueString(), w, ch, resp)
	}
}

// once makes the thing, once whatever becomes of the connection and of the server.
func (r *Resource[M, W, P]) once(ctx context.Context, ch *Change[M]) (w W, lost string, err error) {
	s := r.Kind.Service(r.Client)
	there := func(ctx context.Context, id string) (err error) { w, err = r.Kind.Read(ctx, s, id); return err }
	call := func(ctx context.Context, s *gophercloud.ServiceClient) (err error) {
		w, err = r.Kind.Create(ctx, s, *ch)
		return err
	}
	if r.Kind.Choose == nil {
		lost, err = r.Client.Once(ctx, s, there, call)
		return w, lost, err
	}
	lost, err = client.OnceAs(ctx, r.Kind.Choose(&ch.Plan), there, func(ctx context.Context) error { return call(ctx, s) })
	return w, lost, err
}

// settle makes the further calls of a create; refused, it leaves nothing.
func (r *Resource[M, W, P]) settle(ctx context.Context, id string, w W, ch Change[M], resp *resource.CreateResponse) {
	s := r.Kind.Service(r.Client)
	if err := r.Kind.Settle(ctx, s, w, ch); err != nil {
		r.fail(&resp.Diagnostics, "create", err)
		if r.Kind.Delete(ctx, s, id) == nil {
			resp.State.RemoveResource(ctx)
		}
		return
	}
	w, err := r.Kind.Read(ctx, s, id)
	if err != nil {
		r.fail(&resp.Diagnostics, "read", err)
		return
	}
	P(&ch.Plan).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &ch.Plan)...)
}

// Read implements resource.Resource.
func (r *Resource[M, W, P]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m M
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := P(&m).Key().ValueString()
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	w, err := r.Kind.Read(ctx, r.Kind.Service(r.Client), id)
	if client.NotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		r.fail(&resp.Diagnostics, "read", err)
		return
	}
	P(&m).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *Resource[M, W, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	ch := change[M](ctx, req.Config, req.Plan, req.State, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := P(ch.State).Key().ValueString()
	if r.Kind.Update != nil {
		r.update(ctx, id, &ch, resp)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &ch.Plan)...)
		client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	}
}

// update makes the call of an update and reads what has come of it into the plan.
func (r *Resource[M, W, P]) update(ctx context.Context, id string, ch *Change[M], resp *resource.UpdateResponse) {
	limit, diags := P(&ch.Plan).Limits().Update(ctx, r.Kind.Timeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s := r.Kind.Service(r.Client)
	if err := r.Kind.Update(ctx, s, *ch); err != nil {
		r.fail(&resp.Diagnostics, "update", err)
		return
	}
	w, err := r.Kind.Read(ctx, s, id)
	if err != nil {
		r.fail(&resp.Diagnostics, "read", err)
		return
	}
	P(&ch.Plan).Fill(ctx, w, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *Resource[M, W, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m M
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := P(&m).Limits().Delete(ctx, r.Kind.Timeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := r.Kind.Delete(ctx, r.Kind.Service(r.Client), P(&m).Key().ValueString()); err != nil && !client.NotFound(err) {
		r.fail(&resp.Diagnostics, "delete", err)
	}
}
