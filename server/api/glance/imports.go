package glance

import (
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) importRoutes() []front.Route {
	return []front.Route{
		{Method: "PUT", Path: "/images/{image}/stage", Rule: "image:image:stage", Target: imageTarget, MaxBody: -1, Handle: a.stage},
		{Method: "POST", Path: "/images/{image}/import", Rule: "image:image:import", Target: imageTarget, MaxBody: maxImport, Handle: a.importBegin},
		{Method: "GET", Path: "/info/import", Rule: "image:import:info", Handle: importInfo},
		{Method: "GET", Path: "/info/stores", Rule: "image:store:list", Handle: a.storeList},
		{Method: "GET", Path: "/info/stores/detail", Rule: "image:store:detail", Handle: a.storeDetail},
	}
}

// maxImport bounds the body of an import, in bytes: its task keeps it.
const maxImport = 64 << 10

// storeHeader names the store that an upload or an import is for.
const storeHeader = "X-Image-Meta-Store"

func (a *api) stage(rq *front.Request) (*front.Response, error) {
	id := rq.PathValue("image")
	return drain(rq, func() (*front.Response, error) {
		if resp := octetsOnly(rq); resp != nil {
			return resp, nil
		}
		if rq.Planning() {
			return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return image.StagePlan(tx, rq.Caller, id) })
		}
		return gone(rq, id, a.Content.Stage(rq.Write, rq.Caller, id, rq.HTTP.Body))
	})
}

// drain reads what a refused upload has not, since many clients read an answer
// only after they have sent everything.
func drain(rq *front.Request, take func() (*front.Response, error)) (*front.Response, error) {
	resp, err := take()
	if err != nil || resp.Status >= 400 {
		_, _ = io.CopyN(io.Discard, rq.HTTP.Body, drained)
	}
	return resp, err
}

// importBody is the body of an import.
type importBody struct {
	Method struct {
		Name      string `json:"name"`
		URI       string `json:"uri"`
		Source    string `json:"glance_image_id"`
		Region    string `json:"glance_region"`
		Interface string `json:"glance_service_interface"`
	} `json:"method"`
	Stores         []string `json:"stores"`
	AllStores      bool     `json:"all_stores"`
	AllMustSucceed *bool    `json:"all_stores_must_succeed"`
}

// request is what the body asks for; store is the one that takes the image if it names none.
func (b *importBody) request(store string) image.ImportRequest {
	ir := image.ImportRequest{Method: image.Method(b.Method.Name), URI: b.Method.URI, Source: b.Method.Source, Region: b.Method.Region, Interface: b.Method.Interface,
		Stores: b.Stores, AllStores: b.AllStores, AllMustSucceed: b.AllMustSucceed == nil || *b.AllMustSucceed}
	if store != "" && len(ir.Stores) == 0 && !ir.AllStores {
		ir.Stores = []string{store}
	}
	return ir
}

func (a *api) importBegin(rq *front.Request) (*front.Response, error) {
	var raw jsontext.Value
	if err := rq.Decode(&raw); err != nil {
		return nil, err
	}
	var b importBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	ir := b.request(rq.HTTP.Header.Get(storeHeader))
	ir.Body = []byte(raw)
	if ir.Method == image.Copy {
		if err := rq.Require("image:image:copy", rq.Target); err != nil {
			return nil, err
		}
	}
	if ir.Method == image.Web && ir.URI != "" {
		if err := a.Fetcher.Check(ir.URI); err != nil {
			return nil, cloud.AsError(err).At("/method/uri")
		}
	}
	id := rq.PathValue("image")
	if rq.Planning() {
		return front.Accepted(nil), rq.Write(func(tx *statestore.Txn) error { return a.Content.ImportPlan(tx, rq.Caller, id, ir) })
	}
	_, err := write(rq, func(tx *statestore.Txn) (task.Task, error) { return a.Content.ImportCreate(tx, rq.Caller, id, ir) })
	return front.Accepted(nil), err
}

func importInfo(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{
		"import-methods": map[string]any{"description": "Import methods available.", "type": "array", "value": image.Methods},
	}), nil
}

// methodList is the import methods as a header tells them.
func methodList() string {
	names := make([]string, len(image.Methods))
	for n, m := range image.Methods {
		names[n] = string(m)
	}
	return strings.Join(names, ",")
}

type storeWire struct {
	ID          string         `json:"id"`
	Description string         `json:"description,omitzero"`
	Default     bool           `json:"default,omitzero"`
	Type        string         `json:"type,omitzero"`
	Weight      *int           `json:"weight,omitzero"`
	Properties  map[string]any `json:"properties,omitzero"`
}

// stores renders the stores, in detail for the operator.
func (a *api) stores(detail bool) []storeWire {
	var out []storeWire
	for n, s := range a.Content.Stores() {
		w := storeWire{ID: s.ID, Description: s.Description, Default: n == 0}
		if detail {
			w.Type, w.Weight, w.Properties = s.Type, new(int), s.Properties
		}
		out = append(out, w)
	}
	return out
}

func (a *api) storeList(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"stores": a.stores(false)}), nil
}

func (a *api) storeDetail(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"stores": a.stores(true)}), nil
}

// storeIDs is the stores as a header tells them.
func (a *api) storeIDs() string {
	var ids []string
	for _, s := range a.Content.Stores() {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, ",")
}

// octetsOnly answers a body that is not bytes; nil for one that is.
func octetsOnly(rq *front.Request) *front.Response {
	ct := rq.HTTP.Header.Get("Content-Type")
	if ct == octets {
		return nil
	}
	return fault(rq, http.StatusUnsupportedMediaType, cloud.Errorf(cloud.Invalid, "image", "The content type %.100q is not supported here; use %s.", ct, octets))
}

// gone answers the end of an upload: 410 for an image that was there when it began.
func gone(rq *front.Request, id string, err error) (*front.Response, error) {
	if _, there := image.Images.Get(rq.Read(), id); !there && cloud.Is(err, cloud.NotFound) {
		return fault(rq, http.StatusGone, cloud.AsError(err)), nil
	}
	return front.NoContent(), err
}
