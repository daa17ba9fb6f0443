package identity

import (
	"context"
	"encoding/json"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Resource is the Terraform resource of a kind.
type Resource[M, W any, P Model[M, W]] struct {
	client.Resource
	Kind Kind[M]
}

// Metadata implements resource.Resource.
func (r *Resource[M, W, P]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.Kind.Name
}

// Schema implements resource.Resource.
func (r *Resource[M, W, P]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := map[string]schema.Attribute{"id": client.IDAttribute()}
	for name, a := range r.Kind.Schema {
		attributes[name] = a
	}
	resp.Schema = schema.Schema{MarkdownDescription: r.Kind.Doc, Attributes: attributes,
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, defaultTimeout, defaultTimeout)}}
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *Resource[M, W, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	c, k := r.Client, r.Kind
	if c == nil {
		return
	}
	var config M
	if !req.Config.Raw.IsNull() {
		resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	}
	client.CheckPlan(ctx, c, c.Identity, req, resp, client.Check[M]{
		Fields:   k.Fields,
		Replaces: func(plan, state M) bool { return client.Replaced(P(&plan).Attributes(), P(&state).Attributes()) },
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan M) error {
			body := k.createBody(P(&plan).Attributes(), config, plan)
			if !resolved(c, body) {
				return nil
			}
			w, err := create[W](ctx, s, k.Name, k.Plural, body)
			if err == nil {
				var m M
				P(&m).Fill(ctx, w, &resp.Diagnostics)
				c.Made(k.Name, P(&m).Key().ValueString())
			}
			return err
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, plan, state M) error {
			body := k.updateBody(P(&plan).Attributes(), P(&state).Attributes(), config, plan, state)
			if !resolved(c, body) {
				return nil
			}
			return change(ctx, s, k.Name, k.Plural, P(&state).Key().ValueString(), body)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state M) error {
			return k.remove(ctx, s, P(&state).Key().ValueString())
		},
	})
}

// Create implements resource.Resource.
func (r *Resource[M, W, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m, config M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := P(&m).Limits().Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	w, err := r.makeOnce(ctx, m, r.Kind.createBody(P(&m).Attributes(), config, m))
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot create the "+r.Kind.Name, err, r.Kind.Fields)
		return
	}
	P(&m).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, P(&m).Key().ValueString(), &resp.Diagnostics)
}

// makeOnce creates the thing; if the answer is lost, it takes the one that has
// the name now and had it not before (I2).
func (r *Resource[M, W, P]) makeOnce(ctx context.Context, m M, body map[string]any) (w W, err error) {
	s, k := r.Client.Identity, r.Kind
	if k.Unique == nil {
		return create[W](ctx, s, k.Name, k.Plural, body)
	}
	before, err := Find[W](ctx, s, k.Plural, k.Unique(m))
	if err != nil || len(before) > 0 { // the cloud says what is wrong
		return create[W](ctx, s, k.Name, k.Plural, body)
	}
	_, err = client.OnceAs(ctx, "", func(ctx context.Context, _ string) error {
		now, err := Find[W](ctx, s, k.Plural, k.Unique(m))
		if err != nil {
			return err
		}
		if len(now) == 0 {
			return gophercloud.ErrUnexpectedResponseCode{Actual: 404}
		}
		w, err = client.One(now, k.Name)
		return err
	}, func(ctx context.Context) (err error) {
		w, err = create[W](ctx, s, k.Name, k.Plural, body)
		return err
	})
	return w, err
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
	w, err := read[W](ctx, r.Client.Identity, r.Kind.Name, r.Kind.Plural, id)
	if client.NotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the "+r.Kind.Name, err, r.Kind.Fields)
		return
	}
	P(&m).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource.
func (r *Resource[M, W, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := P(&plan).Limits().Update(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	s, k, id := r.Client.Identity, r.Kind, P(&state).Key().ValueString()
	if err := change(ctx, s, k.Name, k.Plural, id, k.updateBody(P(&plan).Attributes(), P(&state).Attributes(), config, plan, state)); err != nil {
		client.AddError(&resp.Diagnostics, "Cannot update the "+k.Name, err, k.Fields)
		return
	}
	w, err := read[W](ctx, s, k.Name, k.Plural, id)
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the "+k.Name, err, k.Fields)
		return
	}
	P(&plan).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	client.SetIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *Resource[M, W, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m M
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := P(&m).Limits().Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := r.Kind.remove(ctx, r.Client.Identity, P(&m).Key().ValueString()); err != nil && !client.NotFound(err) {
		client.AddError(&resp.Diagnostics, "Cannot delete the "+r.Kind.Name, err, r.Kind.Fields)
	}
}

// decode turns a value of JSON into a type.
func decode[T any](v any) (out T, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// Immutable is the option that protects a thing, as the API has it.
func Immutable(on types.Bool) types.Object {
	return types.ObjectValueMust(immutableType, map[string]attr.Value{"immutable": on})
}

var immutableType = map[string]attr.Type{"immutable": types.BoolType}
