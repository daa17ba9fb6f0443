package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// Link is something that ties others together: it is there or not, at a path made
// of their ids, which is its own id. PUT makes it, and makes no second one; every
// change replaces it.
type Link struct {
	Name, Doc string
	Schema    map[string]schema.Attribute // without id and timeouts
}

// LinkModel is what a model does for a link. The API gives nothing but its path.
type LinkModel[M any] interface {
	managed.Model[M, string]
	Refs() map[string]types.String     // what is tied, by attribute; null if not given
	Path(ids map[string]string) string // of the ids of all that is tied
	Parse(path string) bool            // sets what is tied; false if it is no such path
}

// NewLink returns the resource of a link.
func NewLink[M any, P LinkModel[M]](l Link) *managed.Resource[M, string, P] {
	attributes := map[string]schema.Attribute{"id": schema.StringAttribute{Computed: true, MarkdownDescription: "Path in the identity API.", PlanModifiers: client.Keep()}}
	maps.Copy(attributes, l.Schema)
	fields := client.Fields{}
	var none M
	for name := range P(&none).Refs() {
		fields["/"+name] = path.Root(name)
	}
	return managed.New[M, string, P](managed.Kind[M, string]{
		Name: l.Name, Schema: schema.Schema{MarkdownDescription: l.Doc, Attributes: attributes}, Timeout: defaultTimeout, Fields: fields,
		Service: Service, Refers: referred,
		Choose: func(plan *M) string {
			*P(plan).Key() = types.StringValue(P(plan).Path(idsOf(P(plan).Refs())))
			return P(plan).Key().ValueString()
		},
		Create: func(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[M]) (string, error) {
			ids := idsOf(P(&c.Plan).Refs())
			for _, id := range ids {
				if id == client.UnknownID || id == "" {
					return "", managed.ErrNotAsked
				}
			}
			at := P(&c.Plan).Path(ids)
			return at, blame(call(ctx, s, http.MethodPut, at), ids)
		},
		Read: func(ctx context.Context, s *gophercloud.ServiceClient, id string) (string, error) {
			var m M
			if !P(&m).Parse(id) {
				return "", fmt.Errorf("the id of a %s is its path in the identity API, as the page of cloudlet_%s shows it, and not %s", strings.ReplaceAll(l.Name, "_", " "), l.Name, id)
			}
			return id, call(ctx, s, http.MethodGet, id)
		},
		Delete: func(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
			return call(ctx, s, http.MethodDelete, id)
		},
	})
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

// call makes, finds or removes a link.
func call(ctx context.Context, s *gophercloud.ServiceClient, method, at string) error {
	resp, err := s.Request(ctx, method, s.ServiceURL(at), &gophercloud.RequestOpts{OkCodes: []int{200, 201, 204}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

// blame says of what the cloud does not find which attribute names it.
func blame(err error, ids map[string]string) error {
	var e gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &e) || e.Actual != http.StatusNotFound || e.ResponseHeader.Get("Cloudlet-Field") != "" {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		if strings.Contains(string(e.Body), ids[name]) {
			e.ResponseHeader.Set("Cloudlet-Field", "/"+name)
			break
		}
	}
	return err
}
