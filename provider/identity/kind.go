package identity

import (
	"context"
	"maps"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = time.Minute

// Kind is one kind of thing, with M as Terraform's model of it.
type Kind[M any] struct {
	Name    string // as its JSON object, the Terraform type and messages call it
	Plural  string // in the path and in the answer to a list
	Doc     string
	Schema  map[string]schema.Attribute // without id and timeouts
	Fields  client.Fields               // what an error of the API may point at
	Unique  func(m M) url.Values        // the query that finds only this one by its name; nil if none can
	Retire  map[string]any              // the update that goes before a delete; nil for none
	Secrets func(config, plan M, state *M) map[string]any
	// Secrets returns the write-only fields to send: state is nil in a create. Nil
	// if there are none.
}

// Model is what a model of Terraform's does for its kind. W is the thing as the
// API gives it.
type Model[M, W any] interface {
	*M
	Key() *types.String     // its id
	Limits() timeouts.Value // the timeouts block
	Attributes() []client.Attribute
	Fill(ctx context.Context, w W, diags *diag.Diagnostics)
}

// referred are the kinds that fields refer to.
var referred = map[string]string{"domain_id": "domain", "parent_id": "project", "default_project_id": "project", "region_id": "region", "service_id": "service",
	"parent_region_id": "region", "project_id": "project", "user_id": "user", "group_id": "group", "role_id": "role"}

// Resolve returns what a reference named field means in the plan session, and
// whether that is known.
func Resolve(c *client.Client, field string, ref types.String) (string, bool) {
	id := c.Meant(referred[field], ref).ValueString()
	return id, id != client.UnknownID
}

// resolved reports whether all references of a body mean something in the plan
// session, and puts it in their place.
func resolved(c *client.Client, body map[string]any) bool {
	for field := range referred {
		if v, ok := body[field].(string); ok {
			id, known := Resolve(c, field, types.StringValue(v))
			if !known {
				return false
			}
			body[field] = id
		}
	}
	return true
}

func (k Kind[M]) createBody(as []client.Attribute, config, plan M) map[string]any {
	body := client.CreateBody(as)
	if k.Secrets != nil {
		maps.Copy(body, k.Secrets(config, plan, nil))
	}
	return body
}

func (k Kind[M]) updateBody(to, from []client.Attribute, config, plan, state M) map[string]any {
	body := client.UpdateBody(to, from)
	if k.Secrets != nil {
		maps.Copy(body, k.Secrets(config, plan, &state))
	}
	return body
}

func create[W any](ctx context.Context, s *gophercloud.ServiceClient, name, plural string, body map[string]any) (W, error) {
	var out map[string]W
	resp, err := s.Post(ctx, s.ServiceURL(plural), map[string]any{name: body}, &out, &gophercloud.RequestOpts{OkCodes: []int{200, 201}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return out[name], err
}

func read[W any](ctx context.Context, s *gophercloud.ServiceClient, name, plural, id string) (W, error) {
	var out map[string]W
	resp, err := s.Get(ctx, s.ServiceURL(plural, url.PathEscape(id)), &out, nil)
	_, _, err = gophercloud.ParseResponse(resp, err)
	return out[name], err
}

// change sends an update. Protection is lifted by a call of its own: the API
// changes nothing else together with it.
func change(ctx context.Context, s *gophercloud.ServiceClient, name, plural, id string, body map[string]any) error {
	parts := []map[string]any{body}
	if o, ok := body["options"].(map[string]any); ok && o["immutable"] == false && len(body) > 1 {
		rest := maps.Clone(body)
		delete(rest, "options")
		parts = []map[string]any{{"options": o}, rest}
	}
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		resp, err := s.Patch(ctx, s.ServiceURL(plural, url.PathEscape(id)), map[string]any{name: part}, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
		if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
			return err
		}
	}
	return nil
}

func (k Kind[M]) remove(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
	if k.Retire != nil {
		if err := change(ctx, s, k.Name, k.Plural, id, k.Retire); err != nil {
			return err
		}
	}
	resp, err := s.Delete(ctx, s.ServiceURL(k.Plural, url.PathEscape(id)), nil)
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

// Find lists the things of a kind that a query asks for, over all pages. With a
// deadline in ctx it returns by then.
func Find[W any](ctx context.Context, s *gophercloud.ServiceClient, plural string, query url.Values) ([]W, error) {
	var all []W
	for next := s.ServiceURL(plural) + "?" + query.Encode(); next != ""; {
		var out map[string]any
		resp, err := s.Get(ctx, next, &out, nil)
		if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
			return nil, err
		}
		page, err := decode[struct {
			Links struct {
				Next string `json:"next"`
			} `json:"links"`
		}](out)
		if err != nil {
			return nil, err
		}
		some, err := decode[[]W](out[plural])
		if err != nil {
			return nil, err
		}
		all, next = append(all, some...), page.Links.Next
	}
	return all, nil
}
