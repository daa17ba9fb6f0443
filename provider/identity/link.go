package identity

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Link is the Terraform resource of something that ties others together: it is
// there or not, at a path made of their ids, which is its own id. PUT makes it,
// and makes no second one; every change replaces it.
type Link[M any, P LinkModel[M]] struct {
	client.Resource
	Name, What, Doc string // What as messages call it
	Attributes      map[string]schema.Attribute
}

// LinkModel is what a model does for a link.
type LinkModel[M any] interface {
	*M
	Key() *types.String
	Limits() timeouts.Value
	Refs() map[string]types.String     // what is tied, by attribute; null if not given
	Path(ids map[string]string) string // of the ids of all that is tied
	Parse(path string) bool            // sets what is tied; false if it is no such path
}

// Metadata implements resource.Resource.
func (r *Link[M, P]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.Name
}

// Schema implements resource.Resource.
func (r *Link[M, P]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := map[string]schema.Attribute{"id": schema.StringAttribute{Computed: true, MarkdownDescription: "Path in the identity API.", PlanModifiers: client.Keep()}}
	maps.Copy(attributes, r.Attributes)
	resp.Schema = schema.Schema{MarkdownDescription: r.Doc, Attributes: attributes,
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, 0, defaultTimeout)}}
}

func fieldsOf(refs map[string]types.String) client.Fields {
	fields := client.Fields{}
	for name := range refs {
		fields["/"+name] = path.Root(name)
	}
	return fields
}

func idsOf(refs map[string]types.String) map[string]string {
	ids := map[string]string{}
	for name, v := range refs {
		if !v.IsNull() {
			ids[name] = v.ValueString()
		}
	}
	return ids
}

// call makes, finds or removes a link. Not found is said of the attribute whose
// id the cloud does not find.
func call(ctx context.Context, s *gophercloud.ServiceClient, method, at string, ids map[string]string) error {
	resp, err := s.Request(ctx, method, s.ServiceURL(at), &gophercloud.RequestOpts{OkCodes: []int{200, 201, 204}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	var e gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &e) && e.Actual == http.StatusNotFound && e.ResponseHeader.Get("Cloudlet-Field") == "" {
		for _, name := range slices.Sorted(maps.Keys(ids)) {
			if strings.Contains(string(e.Body), ids[name]) {
				e.ResponseHeader.Set("Cloudlet-Field", "/"+name)
				break
			}
		}
	}
	return err
}

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *Link[M, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	c := r.Client
	if c == nil {
		return
	}
	var none M
	client.CheckPlan(ctx, c, c.Identity, req, resp, client.Check[M]{
		Fields: fieldsOf(P(&none).Refs()),
		Replaces: func(plan, state M) bool {
			return P(&plan).Path(idsOf(P(&plan).Refs())) != P(&state).Path(idsOf(P(&state).Refs()))
		},
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, plan M) error {
			ids := map[string]string{}
			for name, ref := range P(&plan).Refs() {
				if ref.IsNull() {
					continue
				}
				id, known := Resolve(c, name, ref)
				if !known || id == "" {
					return nil
				}
				ids[name] = id
			}
			return call(ctx, s, http.MethodPut, P(&plan).Path(ids), ids)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, state M) error {
			return call(ctx, s, http.MethodDelete, P(&state).Key().ValueString(), nil)
		},
	})
}

// Create implements resource.Resource. It may be done again: PUT makes one.
func (r *Link[M, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := P(&m).Limits().Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	refs := P(&m).Refs()
	ids := idsOf(refs)
	at := P(&m).Path(ids)
	lost, err := client.OnceAs(ctx, at, func(ctx context.Context, at string) error {
		return call(ctx, r.Client.Identity, http.MethodGet, at, nil)
	}, func(ctx context.Context) error {
		return call(ctx, r.Client.Identity, http.MethodPut, at, ids)
	})
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot create the "+r.What, err, fieldsOf(refs))
		if lost == "" {
			return
		}
	}
	*P(&m).Key() = types.StringValue(at)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, at, &resp.Diagnostics)
}

// Read implements resource.Resource.
func (r *Link[M, P]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m M
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	at := P(&m).Key().ValueString()
	if !P(&m).Parse(at) {
		resp.Diagnostics.AddError("Wrong id", "The id of a "+r.What+" is its path in the identity API, as the page of cloudlet_"+r.Name+" shows it, and not "+at+".")
		return
	}
	client.SetIdentity(ctx, resp.Identity, at, &resp.Diagnostics)
	err := call(ctx, r.Client.Identity, http.MethodGet, at, nil)
	if client.NotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the "+r.What, err, nil)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update implements resource.Resource: only timeouts change in place.
func (r *Link[M, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, P(&m).Key().ValueString(), &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *Link[M, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m M
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	limit, diags := P(&m).Limits().Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	if err := call(ctx, r.Client.Identity, http.MethodDelete, P(&m).Key().ValueString(), nil); err != nil && !client.NotFound(err) {
		client.AddError(&resp.Diagnostics, "Cannot delete the "+r.What, err, nil)
	}
}
