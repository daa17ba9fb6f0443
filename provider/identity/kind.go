package identity

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// defaultTimeout bounds one create, update or delete.
const defaultTimeout = time.Minute

// Kind is one kind of thing of the identity API. M is Terraform's model of it, W
// the thing as the API gives it.
type Kind[M, W any] struct {
	Name   string // as its JSON object, the Terraform type and messages call it
	Plural string // in the path and in the answer to a list
	Doc    string
	Schema map[string]schema.Attribute // without id, if the cloud chooses it, and timeouts

	// What follows is nil for most kinds.

	At      map[string]string                               // field of the API → attribute, where their names differ
	Secrets func(c managed.Change[M]) map[string]any        // the write-only fields to send
	Retire  map[string]any                                  // the update that goes before a delete
	Choose  func(plan *M) string                            // see managed.Kind
	Rests   func(err error) bool                            // see managed.Kind
	Many    bool                                            // the API makes several at once: a list is sent, and comes back
	Service func(*client.Client) *gophercloud.ServiceClient // Own for what is of a user
}

// New returns the resource of a kind.
func New[M, W any, P managed.Model[M, W]](k Kind[M, W]) *managed.Resource[M, W, P] {
	o := managed.Object[W]{Name: k.Name, Path: k.Plural, Method: http.MethodPatch}
	service := k.Service
	if service == nil {
		service = Service
	}
	secrets := func(body map[string]any, c managed.Change[M]) map[string]any {
		if k.Secrets != nil {
			maps.Copy(body, k.Secrets(c))
		}
		return body
	}
	return managed.New[M, W, P](managed.Kind[M, W]{
		Name: k.Name, Schema: schema.Schema{MarkdownDescription: k.Doc, Attributes: k.Schema}, Timeout: defaultTimeout, Fields: k.fields(),
		Service: service, Refers: referred, Choose: k.Choose, Rests: k.Rests, Read: o.Read,
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[M]) (w W, err error) {
			body := secrets(client.CreateBody(P(&c.Plan).Attributes()), c)
			if unknown(body) {
				return w, managed.ErrNotAsked
			}
			if k.Many {
				return createOne(ctx, s, o, body)
			}
			return o.Create(ctx, s, body)
		},
		Update: func(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[M]) error {
			body := secrets(client.UpdateBody(P(&c.Plan).Attributes(), P(c.State).Attributes()), c)
			if unknown(body) {
				return managed.ErrNotAsked
			}
			return change(ctx, s, o, P(c.State).Key().ValueString(), body)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
			if err := o.Update(ctx, s, id, k.Retire); err != nil {
				return err
			}
			return o.Delete(ctx, s, id)
		},
	})
}

// Service is where the things of the cloud are.
func Service(c *client.Client) *gophercloud.ServiceClient { return c.Identity }

// Own is where the things of the user are who calls.
func Own(c *client.Client) *gophercloud.ServiceClient {
	s := *c.Identity
	s.ResourceBase = s.ServiceURL("users", url.PathEscape(c.UserID)) + "/"
	return &s
}

// fields are the attributes that an error of the API may point at.
func (k Kind[M, W]) fields() client.Fields {
	at := "/" + k.Name + "/"
	if k.Many {
		at = "/" + k.Plural + "/0/"
	}
	fields := client.Fields{}
	for name := range k.Schema {
		fields[at+name] = path.Root(name)
		fields["/"+k.Name+"/"+name] = path.Root(name) // of an update
	}
	for wire, name := range k.At {
		fields[at+wire] = path.Root(name)
	}
	return fields
}

// referred are the kinds that attributes refer to.
var referred = map[string]string{"domain_id": "domain", "parent_id": "project", "default_project_id": "project", "region_id": "region", "service_id": "service",
	"parent_region_id": "region", "project_id": "project", "user_id": "user", "group_id": "group", "role_id": "role"}

// unknown reports whether a field refers to something that the plan will make and
// that could be one of several: the identity API has nothing that stands for it.
func unknown(body map[string]any) bool {
	for field := range referred {
		if body[field] == client.UnknownID {
			return true
		}
	}
	return false
}

// createOne makes one where the API makes several at once.
func createOne[W any](ctx context.Context, s *gophercloud.ServiceClient, o managed.Object[W], body map[string]any) (w W, err error) {
	var out map[string][]W
	resp, err := s.Post(ctx, s.ServiceURL(o.Path), map[string]any{o.Path: []any{body}}, &out, &gophercloud.RequestOpts{OkCodes: []int{http.StatusCreated}})
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return w, err
	}
	return client.One(out[o.Path], o.Name)
}

// change sends an update. Protection is lifted by a call of its own: the API
// changes nothing else together with it.
func change[W any](ctx context.Context, s *gophercloud.ServiceClient, o managed.Object[W], id string, body map[string]any) error {
	if options, ok := body["options"].(map[string]any); ok && options["immutable"] == false && len(body) > 1 {
		if err := o.Update(ctx, s, id, map[string]any{"options": options}); err != nil {
			return err
		}
		body = maps.Clone(body)
		delete(body, "options")
	}
	return o.Update(ctx, s, id, body)
}
