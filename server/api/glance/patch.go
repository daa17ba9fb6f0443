package glance

import (
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

// The media types of a patch: Glance's two and the RFC's own.
const (
	patchOld  = "application/openstack-images-v2.0-json-patch" // {"replace": "/name", "value": …}
	patchNew  = "application/openstack-images-v2.1-json-patch" // {"op": "replace", "path": "/name", "value": …}
	patchRFC  = "application/json-patch+json"
	patchVerb = "Provide a list of operations, each with op (add, remove or replace), path and value."
)

var patchTypes = []string{patchNew, patchOld, patchRFC}

// operation is one step of a JSON patch (RFC 6902).
type operation struct {
	op, name string
	at       []string // what the path says beyond the name
	value    jsontext.Value
}

func (a *api) imageUpdate(rq *front.Request) (*front.Response, error) {
	mt, _, _ := mime.ParseMediaType(rq.HTTP.Header.Get("Content-Type"))
	if !slices.Contains(patchTypes, mt) {
		e := cloud.Errorf(cloud.Invalid, "image", "The content type %.100q is not supported here; use one of %s.", mt, strings.Join(patchTypes, ", "))
		return fault(rq, http.StatusUnsupportedMediaType, e).With("Accept-Patch", strings.Join(patchTypes, ", ")), nil
	}
	var body []map[string]jsontext.Value
	if err := rq.Decode(&body); err != nil {
		return nil, err
	}
	ops := make([]operation, len(body))
	for n, b := range body {
		var err error
		if ops[n], err = parse(b, mt == patchOld); err != nil {
			return nil, err
		}
	}
	i, err := write(rq, func(tx *statestore.Txn) (image.Image, error) { return a.patch(rq, tx, ops, mt == patchOld) })
	if err != nil {
		return nil, err
	}
	return front.OK(a.render(rq, i)), nil
}

// patch resolves the operations against the image as it is, and makes the change.
func (a *api) patch(rq *front.Request, tx *statestore.Txn, ops []operation, old bool) (image.Image, error) {
	was, err := image.ImageGet(tx, rq.Caller, rq.PathValue("image"))
	if err != nil || len(ops) == 0 {
		return was, err
	}
	d := draft{properties: maps.Clone(was.Properties)}
	if d.properties == nil {
		d.properties = map[string]string{}
	}
	for _, o := range ops {
		if o.name == "locations" && a.Locations {
			change, err := a.location(rq, o)
			if err != nil {
				return image.Image{}, err
			}
			d.change.Locations = append(d.change.Locations, change)
			continue
		}
		if err := d.apply(was, o, old); err != nil {
			return image.Image{}, err
		}
	}
	if err := permit(rq, rq.Target, was, d.change); err != nil {
		return image.Image{}, err
	}
	d.change.Properties = &d.properties
	return image.ImageUpdate(tx, rq.Caller, was.ID, d.change)
}

// parse reads an operation of either form.
func parse(b map[string]jsontext.Value, old bool) (o operation, err error) {
	var path string
	if old {
		for _, op := range []string{"add", "remove", "replace"} {
			if v, ok := b[op]; ok {
				o.op, b["path"] = op, v
			}
		}
	} else if err := take("op", b["op"], &o.op, "string"); err != nil {
		return o, invalid("", "Unable to find 'op' in JSON Schema change. %s", patchVerb)
	}
	if o.op != "add" && o.op != "remove" && o.op != "replace" {
		return o, invalid("", "Operations must be one of add, remove, replace; %.50q is none. %s", o.op, patchVerb)
	}
	if err := take("path", b["path"], &path, "string"); err != nil {
		return o, invalid("", "Unable to find 'path' in JSON Schema change. %s", patchVerb)
	}
	if o.value = b["value"]; o.value == nil && o.op != "remove" {
		return o, invalid("", "Operation \"%s\" requires a member named \"value\".", o.op)
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[0] != "" || slices.Contains(parts[1:], "") {
		return o, invalid("", "Pointer `%.100s` is not a path to a member of an image: it must start with a slash and have no empty part.", path)
	}
	for n := range parts {
		parts[n] = strings.NewReplacer("~1", "/", "~0", "~").Replace(parts[n])
	}
	o.name, o.at = parts[1], parts[2:]
	if len(o.at) > 1 || len(o.at) == 1 && o.name != "tags" && o.name != "locations" {
		return o, invalid(o.name, "Invalid JSON pointer for this resource: '%.100s'", path)
	}
	return o, nil
}

// apply takes in one operation on an image that was.
func (d *draft) apply(was image.Image, o operation, old bool) error {
	own := slices.Contains(base, o.name)
	_, has := d.properties[o.name]
	switch {
	case len(o.at) == 1 && o.name != "tags":
		return nameable(o.name, false)
	case len(o.at) == 1:
		return d.applyTag(was, o)
	case o.op == "remove" && own:
		return forbidden(o.name, "Property %s may not be removed.", o.name)
	case o.op == "add" && old && (own || has):
		return faultAt(cloud.Conflict, o.name, "Property %.255s already present.", o.name)
	case o.op == "add", own:
		return d.set(o.name, o.value, false)
	}
	if err := nameable(o.name, false); err != nil {
		return err
	}
	if !has {
		return faultAt(cloud.Conflict, o.name, "Property %.255s does not exist.", o.name)
	}
	if o.op == "remove" {
		delete(d.properties, o.name)
		return nil
	}
	return d.set(o.name, o.value, false)
}

// applyTag changes one element of the tags, in the order in which they were told.
func (d *draft) applyTag(was image.Image, o operation) error {
	tags := slices.Clone(was.Tags)
	if d.change.Tags != nil {
		tags = *d.change.Tags
	}
	last := len(tags) // the largest index that may be named
	if o.op != "add" {
		last--
	}
	n, err := strconv.Atoi(o.at[0])
	if o.at[0] == "-" && o.op == "add" {
		n, err = last, nil
	}
	if err != nil || n < 0 || n > last {
		return invalid(o.name, "Invalid JSON pointer for this resource: the image has no tag number %.20q.", o.at[0])
	}
	var tag string
	if o.op != "remove" {
		if err := take(o.name, o.value, &tag, "string"); err != nil {
			return err
		}
	}
	switch o.op {
	case "add":
		tags = slices.Insert(tags, n, tag)
	case "remove":
		tags = slices.Delete(tags, n, n+1)
	default:
		tags[n] = tag
	}
	d.change.Tags = &tags
	return nil
}
