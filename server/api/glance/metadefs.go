package glance

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

const (
	metaGet    = "image:metadef:get"
	metaChange = "image:metadef:change"
	nsPath     = "/metadefs/namespaces/{ns}"
)

func metadefRoutes() []front.Route {
	t := namespaceTarget
	return slices.Concat([]front.Route{
		{Method: "GET", Path: "/metadefs/namespaces", Rule: metaGet, Handle: namespaceList},
		{Method: "POST", Path: "/metadefs/namespaces", Rule: metaChange, Handle: namespaceCreate},
		{Method: "GET", Path: nsPath, Rule: metaGet, Target: t, Handle: namespaceShow},
		{Method: "PUT", Path: nsPath, Rule: metaChange, Target: t, Handle: namespaceUpdate},
		{Method: "DELETE", Path: nsPath, Rule: metaChange, Target: t, Handle: namespaceDelete},
		{Method: "GET", Path: "/metadefs/resource_types", Rule: metaGet, Handle: resourceTypeList},
		{Method: "GET", Path: nsPath + "/resource_types", Rule: metaGet, Target: t, Handle: associationList},
		{Method: "POST", Path: nsPath + "/resource_types", Rule: metaChange, Target: t, Handle: associationCreate},
		{Method: "DELETE", Path: nsPath + "/resource_types/{part}", Rule: metaChange, Target: t, Handle: partDelete(image.Types)},
		{Method: "GET", Path: nsPath + "/tags", Rule: metaGet, Target: t, Handle: metaTagList},
		{Method: "POST", Path: nsPath + "/tags", Rule: metaChange, Target: t, Handle: metaTagsCreate},
		{Method: "POST", Path: nsPath + "/tags/{part}", Rule: metaChange, Target: t, Handle: metaTagCreate},
	}, partRoutes("properties", image.Properties, propertyKind), partRoutes("objects", image.Objects, objectKind), partRoutes("tags", image.MetaTags, metaTagKind))
}

// namespaceTarget is the namespace of the path.
func namespaceTarget(rq *front.Request) (cloud.Target, error) {
	n, ok := image.Namespaces.Get(rq.Read(), rq.PathValue("ns"))
	if !ok {
		return cloud.Target{}, cloud.Missing("namespace", rq.PathValue("ns"))
	}
	return seen(rq, cloud.Target{ProjectID: n.ProjectID, Public: n.Visibility == image.Public}, "namespace", n.Name)
}

// namespaceWire is a namespace as Glance takes and renders it. Lists leave out
// properties, objects and tags.
type namespaceWire struct {
	Namespace   string              `json:"namespace"`
	DisplayName string              `json:"display_name,omitzero"`
	Description string              `json:"description,omitzero"`
	Visibility  string              `json:"visibility,omitzero"`
	Protected   bool                `json:"protected"`
	Owner       string              `json:"owner,omitzero"`
	Types       []associationWire   `json:"resource_type_associations,omitzero"`
	Properties  map[string]propWire `json:"properties,omitzero"`
	Objects     []objectWire        `json:"objects,omitzero"`
	Tags        []metaTagWire       `json:"tags,omitzero"`
	CreatedAt   string              `json:"created_at,omitzero"`
	UpdatedAt   string              `json:"updated_at,omitzero"`
	Self        string              `json:"self,omitzero"`
	Schema      string              `json:"schema,omitzero"`
}

func renderNamespace(n image.Namespace) namespaceWire {
	w := namespaceWire{Namespace: n.Name, DisplayName: n.DisplayName, Description: n.Description, Visibility: string(n.Visibility), Protected: n.Protected,
		Owner: n.ProjectID, CreatedAt: stamp(n.CreatedAt), UpdatedAt: stamp(n.UpdatedAt), Self: "/v2/metadefs/namespaces/" + n.Name, Schema: "/v2/schemas/metadefs/namespace"}
	for _, a := range n.Types {
		w.Types = append(w.Types, renderAssociation(a))
	}
	return w
}

// renderWhole renders a namespace with all its parts, properties named as on a
// type of resources if one is told.
func renderWhole(n image.Namespace, resourceType string) namespaceWire {
	w := renderNamespace(n)
	prefix := prefixOf(n, resourceType)
	for _, p := range n.Properties {
		if w.Properties == nil {
			w.Properties = map[string]propWire{}
		}
		one := renderProp(p)
		one.Name = ""
		w.Properties[prefix+p.Name] = one
	}
	for _, o := range n.Objects {
		w.Objects = append(w.Objects, renderObject(n.Name, o))
	}
	for _, t := range n.Tags {
		w.Tags = append(w.Tags, metaTagWire{Name: t.Name})
	}
	return w
}

// prefixOf is what the names of properties begin with on a type of resources.
func prefixOf(n image.Namespace, resourceType string) string {
	for _, a := range n.Types {
		if a.Name == resourceType {
			return a.Prefix
		}
	}
	return ""
}

// domain is what a request asks a namespace to be.
func (w namespaceWire) domain() (image.Namespace, error) {
	n := image.Namespace{Name: w.Namespace, DisplayName: w.DisplayName, Description: w.Description, Visibility: image.Visibility(w.Visibility),
		Protected: w.Protected, ProjectID: w.Owner}
	for _, a := range w.Types {
		n.Types = append(n.Types, a.domain())
	}
	for _, name := range slices.Sorted(maps.Keys(w.Properties)) {
		p := w.Properties[name]
		p.Name = name
		d, err := p.domain()
		if err != nil {
			return n, err
		}
		n.Properties = append(n.Properties, d)
	}
	for _, o := range w.Objects {
		d, err := o.domain()
		if err != nil {
			return n, err
		}
		n.Objects = append(n.Objects, d)
	}
	for _, t := range w.Tags {
		n.Tags = append(n.Tags, image.MetaTag{Name: t.Name})
	}
	return n, nil
}

// readNamespace decodes a body that says what a namespace is to be.
func readNamespace(rq *front.Request) (image.Namespace, error) {
	var b namespaceWire
	if err := rq.Decode(&b); err != nil {
		return image.Namespace{}, err
	}
	if b.Owner != "" && b.Owner != rq.Target.ProjectID {
		if err := rq.Require("image:image:set_owner", rq.Target); err != nil {
			return image.Namespace{}, err
		}
	}
	return b.domain()
}

func namespaceCreate(rq *front.Request) (*front.Response, error) {
	asked, err := readNamespace(rq)
	if err != nil {
		return nil, err
	}
	n, err := write(rq, func(tx *statestore.Txn) (image.Namespace, error) { return image.NamespaceCreate(tx, rq.Caller, asked) })
	if err != nil {
		return nil, err
	}
	return front.Created(renderWhole(n, "")).With("Location", rq.URL("/v2/metadefs/namespaces/"+n.Name)), nil
}

func namespaceUpdate(rq *front.Request) (*front.Response, error) {
	asked, err := readNamespace(rq)
	if err != nil {
		return nil, err
	}
	n, err := write(rq, func(tx *statestore.Txn) (image.Namespace, error) {
		return image.NamespaceUpdate(tx, rq.Caller, rq.PathValue("ns"), asked)
	})
	if err != nil {
		return nil, err
	}
	return front.OK(renderNamespace(n)), nil
}

func namespaceShow(rq *front.Request) (*front.Response, error) {
	n, err := image.NamespaceGet(rq.Read(), rq.Caller, rq.PathValue("ns"))
	if err != nil {
		return nil, err
	}
	return front.OK(renderWhole(n, rq.Query().Get("resource_type"))), nil
}

func namespaceDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		return image.NamespaceDelete(tx, rq.Caller, rq.PathValue("ns"))
	})
}

var namespacePaging = front.Paging[image.Namespace]{
	ID:      func(n *image.Namespace) string { return n.Name },
	Default: "created_at:desc", DefaultDir: "desc", DefaultLimit: 25, Max: 1000,
	Sorts: map[string]func(a, b *image.Namespace) int{
		"namespace":  func(a, b *image.Namespace) int { return cmp.Compare(a.Name, b.Name) },
		"created_at": func(a, b *image.Namespace) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at": func(a, b *image.Namespace) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
	},
}

func namespaceList(rq *front.Request) (*front.Response, error) {
	q := rq.Query()
	if err := oneOf("visibility", q.Get("visibility"), "", "public", "private"); err != nil {
		return nil, err
	}
	var types []string
	if v := q.Get("resource_types"); v != "" {
		types = strings.Split(v, ",")
	}
	var found []image.Namespace
	for n := range image.NamespacesVisible(rq.Read(), rq.Caller) {
		about := types == nil || slices.ContainsFunc(n.Types, func(a image.TypeAssociation) bool { return slices.Contains(types, a.Name) })
		if about && (q.Get("visibility") == "" || q.Get("visibility") == string(n.Visibility)) {
			found = append(found, n)
		}
	}
	page, more, err := front.Page(q, found, namespacePaging)
	if err != nil {
		return nil, err
	}
	const path = "/v2/metadefs/namespaces"
	w := struct {
		Namespaces []namespaceWire `json:"namespaces"`
		First      string          `json:"first"`
		Next       string          `json:"next,omitzero"`
		Schema     string          `json:"schema"`
	}{make([]namespaceWire, len(page)), withQuery(path, first(q)), "", "/v2/schemas/metadefs/namespaces"}
	for n, ns := range page {
		w.Namespaces[n] = renderNamespace(ns)
	}
	if more && len(page) > 0 {
		w.Next = withQuery(path, front.NextQuery(q, page[len(page)-1].Name))
	}
	return front.OK(w), nil
}

// associationWire is what a namespace has to do with a type of resource.
type associationWire struct {
	Name      string `json:"name"`
	Prefix    string `json:"prefix,omitzero"`
	Target    string `json:"properties_target,omitzero"`
	CreatedAt string `json:"created_at,omitzero"`
	UpdatedAt string `json:"updated_at,omitzero"`
}

func renderAssociation(a image.TypeAssociation) associationWire {
	return associationWire{a.Name, a.Prefix, a.Target, stamp(a.CreatedAt), stamp(a.UpdatedAt)}
}

func (w associationWire) domain() image.TypeAssociation {
	return image.TypeAssociation{Name: w.Name, Prefix: w.Prefix, Target: w.Target}
}

func associationList(rq *front.Request) (*front.Response, error) {
	n, err := image.NamespaceGet(rq.Read(), rq.Caller, rq.PathValue("ns"))
	if err != nil {
		return nil, err
	}
	out := make([]associationWire, len(n.Types))
	for i, a := range n.Types {
		out[i] = renderAssociation(a)
	}
	return front.OK(map[string]any{"resource_type_associations": out}), nil
}

func associationCreate(rq *front.Request) (*front.Response, error) {
	var b associationWire
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	a, err := write(rq, func(tx *statestore.Txn) (image.TypeAssociation, error) {
		return image.PartCreate(tx, rq.Caller, rq.PathValue("ns"), image.Types, b.domain())
	})
	if err != nil {
		return nil, err
	}
	return front.Created(renderAssociation(a)), nil
}

// resourceTypeList tells the types that are agreed on, and those that a namespace
// which the caller may see names besides.
func resourceTypeList(rq *front.Request) (*front.Response, error) {
	names := map[string]bool{}
	for _, t := range image.ResourceTypes {
		names[t] = true
	}
	for n := range image.NamespacesVisible(rq.Read(), rq.Caller) {
		for _, a := range n.Types {
			names[a.Name] = true
		}
	}
	out := []map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, map[string]string{"name": name})
	}
	return front.OK(map[string]any{"resource_types": out}), nil
}
