package glance

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) imageRoutes() []front.Route {
	t := imageTarget
	return []front.Route{
		{Method: "GET", Path: "/images", Rule: "image:image:list", Handle: a.imageList},
		{Method: "POST", Path: "/images", Rule: "image:image:create", Handle: a.imageCreate},
		{Method: "DELETE", Path: "/images", Rule: front.Authenticated, Handle: imageUnnamed},
		{Method: "GET", Path: "/images/{image}", Rule: "image:image:get", Target: t, Handle: a.imageShow},
		{Method: "PATCH", Path: "/images/{image}", Rule: "image:image:update", Target: t, Handle: a.imageUpdate, AlsoJSON: patchTypes},
		{Method: "DELETE", Path: "/images/{image}", Rule: "image:image:delete", Target: t, Handle: a.imageDelete},
		{Method: "POST", Path: "/images/{image}/actions/deactivate", Rule: "image:image:deactivate", Target: t, Handle: imageStep(image.ImageDeactivate)},
		{Method: "POST", Path: "/images/{image}/actions/reactivate", Rule: "image:image:reactivate", Target: t, Handle: imageStep(image.ImageReactivate)},
	}
}

// imageWire is an image as Glance renders it.
type imageWire struct {
	ID              string `json:"id"`
	Name            any    `json:"name"`
	Status          string `json:"status"`
	Visibility      string `json:"visibility"`
	Protected       bool   `json:"protected"`
	Hidden          bool   `json:"os_hidden"`
	Owner           any    `json:"owner"`
	DiskFormat      any    `json:"disk_format"`
	ContainerFormat any    `json:"container_format"`
	MinDisk         int    `json:"min_disk"`
	MinRAM          int    `json:"min_ram"`

	Size        any `json:"size"`
	VirtualSize any `json:"virtual_size"`
	Checksum    any `json:"checksum"`
	HashAlgo    any `json:"os_hash_algo"`
	HashValue   any `json:"os_hash_value"`

	Stores    string   `json:"stores,omitzero"`
	Tags      []string `json:"tags"`
	CreatedAt string   `json:"created_at"`
	UpdatedAt string   `json:"updated_at"`

	DirectURL string          `json:"direct_url,omitzero"`
	Locations *[]locationWire `json:"locations,omitzero"`

	Self   string `json:"self"`
	File   string `json:"file"`
	Schema string `json:"schema"`

	Properties map[string]string `json:",embed"`
}

// null is a member that is there and null.
var null = jsontext.Value("null")

func orNull(s string) any {
	if s == "" {
		return null
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// render renders an image as everybody sees it.
func render(i image.Image) imageWire {
	self := "/v2/images/" + i.ID
	w := imageWire{ID: i.ID, Name: orNull(i.Name), Status: string(i.Status), Visibility: string(i.Visibility), Protected: i.Protected, Hidden: i.Hidden,
		Owner: orNull(i.ProjectID), DiskFormat: orNull(i.DiskFormat), ContainerFormat: orNull(i.ContainerFormat), MinDisk: i.MinDisk, MinRAM: i.MinRAM,
		Size: null, VirtualSize: null, Checksum: null, HashAlgo: null, HashValue: null,
		Tags: i.Tags, CreatedAt: stamp(i.CreatedAt), UpdatedAt: stamp(i.UpdatedAt),
		Self: self, File: self + "/file", Schema: "/v2/schemas/image", Properties: i.Properties}
	if i.Imported {
		w.Properties = importing(i)
	}
	if i.MD5 != "" {
		w.Checksum = i.MD5
	}
	if i.SHA512 != "" {
		w.HashAlgo, w.HashValue = "sha512", i.SHA512
	}
	if i.HasData() {
		w.Stores = strings.Join(i.InStores(), ",")
		w.Size, w.VirtualSize = i.Size, i.VirtualSize
	}
	return w
}

// importing returns the image's properties with those that tell of its import.
func importing(i image.Image) map[string]string {
	p := map[string]string{reservedPrefix + "importing_to_stores": strings.Join(i.ImportLeft, ","),
		reservedPrefix + "failed_import": strings.Join(i.ImportMissed, ",")}
	if i.TaskID != "" {
		p[reservedPrefix+"import_task"] = i.TaskID
	}
	maps.Copy(p, i.Properties)
	return p
}

func (a *api) imageShow(rq *front.Request) (*front.Response, error) {
	i, err := image.ImageGet(rq.Read(), rq.Caller, rq.PathValue("image"))
	if err != nil {
		return nil, err
	}
	return front.OK(a.render(rq, i)), nil
}

// imageUnnamed answers for an image with an empty id, which looks like the list.
func imageUnnamed(*front.Request) (*front.Response, error) {
	return nil, cloud.Missing("image", "")
}

func (a *api) imageCreate(rq *front.Request) (*front.Response, error) {
	var body map[string]jsontext.Value
	if err := rq.Decode(&body); err != nil {
		return nil, err
	}
	d, err := drafted(rq, body)
	if err != nil {
		return nil, err
	}
	i, err := write(rq, func(tx *statestore.Txn) (image.Image, error) {
		return a.Content.ImageCreate(tx, rq.Caller, d.id, d.change)
	})
	if err != nil {
		return nil, err
	}
	return front.Created(a.render(rq, i)).With("Location", rq.URL("/v2/images/"+i.ID)).
		With("OpenStack-image-import-methods", methodList()).With("OpenStack-image-store-ids", a.storeIDs()), nil
}

// drafted reads what a new image shall be, and asks whether the caller may make it so.
func drafted(rq *front.Request, body map[string]jsontext.Value) (draft, error) {
	d := draft{properties: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if err := d.set(name, body[name], true); err != nil {
			return d, err
		}
	}
	err := permit(rq, rq.Target, image.Image{Visibility: image.Shared, ProjectID: rq.Caller.ProjectID}, d.change)
	d.change.Properties = &d.properties
	return d, err
}

// permit asks policy about those parts of a change that not everybody who may
// make or change an image may make.
func permit(rq *front.Request, t cloud.Target, was image.Image, ch image.ImageChange) error {
	require := func(rule, field string, changes bool) error {
		if !changes {
			return nil
		}
		if err := rq.Require(rule, t); err != nil {
			return cloud.AsError(err).At(field)
		}
		return nil
	}
	to := func(v image.Visibility) bool {
		return ch.Visibility != nil && *ch.Visibility == v && was.Visibility != v
	}
	for _, ask := range []struct {
		rule, field string
		changes     bool
	}{
		{"image:image:publicize", "/visibility", to(image.Public)},
		{"image:image:communitize", "/visibility", to(image.Community)},
		{"image:image:set_protected", "/protected", ch.Protected != nil && *ch.Protected != was.Protected},
		{"image:image:set_owner", "/owner", ch.ProjectID != nil && *ch.ProjectID != was.ProjectID},
	} {
		if err := require(ask.rule, ask.field, ask.changes); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) imageDelete(rq *front.Request) (*front.Response, error) {
	i, err := write(rq, func(tx *statestore.Txn) (image.Image, error) {
		return a.Content.ImageDelete(tx, rq.Caller, rq.PathValue("image"))
	})
	if err != nil {
		return nil, err
	}
	if !rq.Planning() {
		// The image is gone; bytes that stay are swept at the next start.
		if err := a.Content.Forget(rq.Context(), rq.Write, i); err != nil {
			rq.Log().Warn("bytes of a deleted image cannot be removed", "image", i.ID, "error", err)
		}
	}
	return front.NoContent(), nil
}

func imageStep(step func(*statestore.Txn, cloud.Caller, string) (image.Image, error)) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		_, err := write(rq, func(tx *statestore.Txn) (image.Image, error) { return step(tx, rq.Caller, rq.PathValue("image")) })
		return front.NoContent(), err
	}
}

// unnamed reports whether a call to the list meant an image with an empty id.
func unnamed(r *http.Request) bool {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return strings.HasSuffix(path, "/")
}
