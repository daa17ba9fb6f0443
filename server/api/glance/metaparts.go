package glance

import (
	"net/http"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

// kind says how the parts of a namespace that are alike go over the wire. T is the
// domain's type.
type kind[T any] struct {
	read   func(rq *front.Request) (T, error)
	render func(namespace string, x T) any
	list   func(namespace string, xs []T) any
}

// partRoutes are the routes that properties, objects and tags have alike. Tags are
// made in a way of their own.
func partRoutes[T image.AnyPart](name string, of image.Part[T], k kind[T]) []front.Route {
	all, one, t := nsPath+"/"+name, nsPath+"/"+name+"/{part}", namespaceTarget
	rows := []front.Route{
		{Method: "DELETE", Path: all, Rule: metaChange, Target: t, Handle: partsDelete(of)},
		{Method: "GET", Path: one, Rule: metaGet, Target: t, Handle: partShow(of, k)},
		{Method: "PUT", Path: one, Rule: metaChange, Target: t, Handle: partUpdate(of, k)},
		{Method: "DELETE", Path: one, Rule: metaChange, Target: t, Handle: partDelete(of)},
	}
	if k.list == nil {
		return rows
	}
	return append(rows,
		front.Route{Method: "GET", Path: all, Rule: metaGet, Target: t, Handle: partList(of, k)},
		front.Route{Method: "POST", Path: all, Rule: metaChange, Target: t, Handle: partCreate(of, k)})
}

func partList[T image.AnyPart](of image.Part[T], k kind[T]) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		n, err := image.NamespaceGet(rq.Read(), rq.Caller, rq.PathValue("ns"))
		if err != nil {
			return nil, err
		}
		return front.OK(k.list(n.Name, *of(&n))), nil
	}
}

func partCreate[T image.AnyPart](of image.Part[T], k kind[T]) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		asked, err := k.read(rq)
		if err != nil {
			return nil, err
		}
		ns := rq.PathValue("ns")
		made, err := write(rq, func(tx *statestore.Txn) (T, error) { return image.PartCreate(tx, rq.Caller, ns, of, asked) })
		if err != nil {
			return nil, err
		}
		return front.Created(k.render(ns, made)), nil
	}
}

func partShow[T image.AnyPart](of image.Part[T], k kind[T]) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		n, err := image.NamespaceGet(rq.Read(), rq.Caller, rq.PathValue("ns"))
		if err != nil {
			return nil, err
		}
		x, err := image.PartGet(n, of, rq.PathValue("part"))
		if err != nil {
			return nil, err
		}
		return front.OK(k.render(n.Name, x)), nil
	}
}

func partUpdate[T image.AnyPart](of image.Part[T], k kind[T]) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		asked, err := k.read(rq)
		if err != nil {
			return nil, err
		}
		ns := rq.PathValue("ns")
		made, err := write(rq, func(tx *statestore.Txn) (T, error) {
			return image.PartUpdate(tx, rq.Caller, ns, of, rq.PathValue("part"), asked)
		})
		if err != nil {
			return nil, err
		}
		return front.OK(k.render(ns, made)), nil
	}
}

func partDelete[T image.AnyPart](of image.Part[T]) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
			return image.PartDelete(tx, rq.Caller, rq.PathValue("ns"), of, rq.PathValue("part"))
		})
	}
}

func partsDelete[T image.AnyPart](of image.Part[T]) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
			return image.PartsReplace(tx, rq.Caller, rq.PathValue("ns"), of, false, nil)
		})
	}
}

// propWire is a property's definition: a JSON schema with a name.
type propWire struct {
	Name            string         `json:"name,omitzero"`
	Title           string         `json:"title,omitzero"`
	Description     string         `json:"description,omitzero"`
	Type            string         `json:"type,omitzero"`
	Operators       []string       `json:"operators,omitzero"`
	Items           jsontext.Value `json:"items,omitzero"`
	Enum            []any          `json:"enum,omitzero"`
	Required        []string       `json:"required,omitzero"`
	Default         any            `json:"default,omitzero"`
	Minimum         *int64         `json:"minimum,omitzero"`
	Maximum         *int64         `json:"maximum,omitzero"`
	MinLength       *int64         `json:"minLength,omitzero"`
	MaxLength       *int64         `json:"maxLength,omitzero"`
	Pattern         string         `json:"pattern,omitzero"`
	MinItems        *int64         `json:"minItems,omitzero"`
	MaxItems        *int64         `json:"maxItems,omitzero"`
	UniqueItems     *bool          `json:"uniqueItems,omitzero"`
	AdditionalItems *bool          `json:"additionalItems,omitzero"`
	ReadOnly        *bool          `json:"readonly,omitzero"`
}

// check refuses a definition without what every one must have.
func (w propWire) check(field string) error {
	if w.Title == "" {
		return faultAt(cloud.Invalid, field, "Provided object does not match schema 'property': 'title' is a required property.")
	}
	switch w.Type {
	case "array", "boolean", "integer", "number", "object", "string":
		return nil
	}
	return faultAt(cloud.Invalid, field, "Provided object does not match schema 'property': type %.50q is not one of array, boolean, integer, number, object, string.", w.Type)
}

func (w propWire) domain() (image.MetaProperty, error) {
	if err := w.check("type"); err != nil {
		return image.MetaProperty{}, err
	}
	name := w.Name
	w.Name = ""
	b, err := jsonv2.Marshal(w, jsonv2.Deterministic(true))
	return image.MetaProperty{Name: name, Schema: b}, err
}

func renderProp(p image.MetaProperty) (w propWire) {
	_ = jsonv2.Unmarshal(p.Schema, &w) // it was one when it was stored
	w.Name = p.Name
	return w
}

var propertyKind = kind[image.MetaProperty]{
	read: func(rq *front.Request) (image.MetaProperty, error) {
		var b propWire
		if err := rq.Decode(&b); err != nil {
			return image.MetaProperty{}, err
		}
		return b.domain()
	},
	render: func(_ string, p image.MetaProperty) any { return renderProp(p) },
	list: func(_ string, ps []image.MetaProperty) any {
		out := map[string]propWire{}
		for _, p := range ps {
			out[p.Name] = renderProp(p)
		}
		return map[string]any{"properties": out}
	},
}

// objectWire is a group of properties.
type objectWire struct {
	Name        string              `json:"name"`
	Description string              `json:"description,omitzero"`
	Required    []string            `json:"required"`
	Properties  map[string]propWire `json:"properties"`
	CreatedAt   string              `json:"created_at,omitzero"`
	UpdatedAt   string              `json:"updated_at,omitzero"`
	Self        string              `json:"self,omitzero"`
	Schema      string              `json:"schema,omitzero"`
}

func (w objectWire) domain() (image.MetaObject, error) {
	for name, p := range w.Properties {
		if err := p.check("properties/" + name); err != nil {
			return image.MetaObject{}, err
		}
	}
	b, err := jsonv2.Marshal(w.Properties, jsonv2.Deterministic(true))
	return image.MetaObject{Name: w.Name, Description: w.Description, Required: w.Required, Properties: b}, err
}

func renderObject(namespace string, o image.MetaObject) objectWire {
	w := objectWire{Name: o.Name, Description: o.Description, Required: o.Required, CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt),
		Self: "/v2/metadefs/namespaces/" + namespace + "/objects/" + o.Name, Schema: "/v2/schemas/metadefs/object"}
	_ = jsonv2.Unmarshal(o.Properties, &w.Properties) // it was one when it was stored
	return w
}

var objectKind = kind[image.MetaObject]{
	read: func(rq *front.Request) (image.MetaObject, error) {
		var b objectWire
		if err := rq.Decode(&b); err != nil {
			return image.MetaObject{}, err
		}
		return b.domain()
	},
	render: func(ns string, o image.MetaObject) any { return renderObject(ns, o) },
	list: func(ns string, os []image.MetaObject) any {
		out := make([]objectWire, len(os))
		for n, o := range os {
			out[n] = renderObject(ns, o)
		}
		return map[string]any{"objects": out, "first": "/v2/metadefs/namespaces/" + ns + "/objects", "schema": "/v2/schemas/metadefs/objects"}
	},
}

type metaTagWire struct {
	Name      string `json:"name"`
	CreatedAt string `json:"created_at,omitzero"`
	UpdatedAt string `json:"updated_at,omitzero"`
	Self      string `json:"self,omitzero"`
	Schema    string `json:"schema,omitzero"`
}

func renderMetaTag(ns string, t image.MetaTag) any {
	return metaTagWire{t.Name, stamp(t.CreatedAt), stamp(t.UpdatedAt), "/v2/metadefs/namespaces/" + ns + "/tags/" + t.Name, "/v2/schemas/metadefs/tag"}
}

var metaTagKind = kind[image.MetaTag]{
	read: func(rq *front.Request) (image.MetaTag, error) {
		var b metaTagWire
		err := rq.Decode(&b)
		return image.MetaTag{Name: b.Name}, err
	},
	render: renderMetaTag,
}

// tagNames renders tags by name only, as lists of them are.
func tagNames(ts []image.MetaTag) []metaTagWire {
	out := make([]metaTagWire, len(ts))
	for n, t := range ts {
		out[n] = metaTagWire{Name: t.Name}
	}
	return out
}

func metaTagList(rq *front.Request) (*front.Response, error) {
	n, err := image.NamespaceGet(rq.Read(), rq.Caller, rq.PathValue("ns"))
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"tags": tagNames(n.Tags), "first": "/v2/metadefs/namespaces/" + n.Name + "/tags", "schema": "/v2/schemas/metadefs/tags"}), nil
}

// metaTagsCreate puts tags in the place of all, or adds them if a header says so.
func metaTagsCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Tags []metaTagWire `json:"tags"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	var ts []image.MetaTag
	for _, t := range b.Tags {
		ts = append(ts, image.MetaTag{Name: t.Name})
	}
	add := rq.HTTP.Header.Get("X-Openstack-Append") == "True"
	err := rq.Write(func(tx *statestore.Txn) error {
		return image.PartsReplace(tx, rq.Caller, rq.PathValue("ns"), image.MetaTags, add, ts)
	})
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusCreated, Body: map[string]any{"tags": tagNames(ts)}}, nil
}

// metaTagCreate makes the tag of the path. Clients send no body, or an empty object.
func metaTagCreate(rq *front.Request) (*front.Response, error) {
	ns := rq.PathValue("ns")
	t, err := write(rq, func(tx *statestore.Txn) (image.MetaTag, error) {
		return image.PartCreate(tx, rq.Caller, ns, image.MetaTags, image.MetaTag{Name: rq.PathValue("part")})
	})
	if err != nil {
		return nil, err
	}
	return front.Created(renderMetaTag(ns, t)), nil
}
