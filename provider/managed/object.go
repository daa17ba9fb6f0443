package managed

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Object is where an API keeps things that are one JSON object each, made by POST
// and told by their id, W as the API gives them. Identity and networking are such.
type Object[W any] struct {
	Name   string // of the object in a body: {"network": {…}}
	Path   string // that they are listed at
	Method string // that changes one: PUT or PATCH
}

// Create makes one.
func (o Object[W]) Create(ctx context.Context, s *gophercloud.ServiceClient, body map[string]any) (W, error) {
	var out map[string]W
	resp, err := s.Post(ctx, s.ServiceURL(o.Path), map[string]any{o.Name: body}, &out, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusCreated}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return out[o.Name], err
}

// Read gets one.
func (o Object[W]) Read(ctx context.Context, s *gophercloud.ServiceClient, id string) (W, error) {
	var out map[string]W
	resp, err := s.Get(ctx, o.url(s, id), &out, nil)
	_, _, err = gophercloud.ParseResponse(resp, err)
	return out[o.Name], err
}

// Update changes what body names; nothing if it is empty. If the answer is lost and
// the thing is there, it is said again: it says the same.
func (o Object[W]) Update(ctx context.Context, s *gophercloud.ServiceClient, id string, body map[string]any) error {
	if len(body) == 0 {
		return nil
	}
	for {
		resp, err := s.Request(ctx, o.Method, o.url(s, id), &gophercloud.RequestOpts{JSONBody: map[string]any{o.Name: body}, OkCodes: []int{http.StatusOK}})
		if err == nil {
			return resp.Body.Close()
		}
		if !client.Lost(err) {
			return err
		}
		if _, gone := o.Read(ctx, s, id); gone != nil {
			return err
		}
	}
}

// Delete removes one.
func (o Object[W]) Delete(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
	resp, err := s.Delete(ctx, o.url(s, id), nil)
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

// Of returns the kind with those calls of it that are nil: on one object, with the
// model's attributes as its fields.
func Of[M, W any, P Model[M, W]](o Object[W], k Kind[M, W]) Kind[M, W] {
	if k.Create == nil {
		k.Create = func(ctx context.Context, s *gophercloud.ServiceClient, c Change[M]) (W, error) {
			return o.Create(ctx, s, client.CreateBody(P(&c.Plan).Attributes()))
		}
	}
	if k.Read == nil {
		k.Read = o.Read
	}
	if k.Update == nil {
		k.Update = func(ctx context.Context, s *gophercloud.ServiceClient, c Change[M]) error {
			return o.Update(ctx, s, P(c.State).Key().ValueString(), client.UpdateBody(P(&c.Plan).Attributes(), P(c.State).Attributes()))
		}
	}
	if k.Delete == nil {
		k.Delete = o.Delete
	}
	return k
}

func (o Object[W]) url(s *gophercloud.ServiceClient, id string) string {
	return s.ServiceURL(o.Path, url.PathEscape(id))
}
