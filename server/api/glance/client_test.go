package glance

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
)

// client is gophercloud as ann or somebody else.
func (w *world) client(who string) *gophercloud.ServiceClient {
	p := &gophercloud.ProviderClient{TokenID: who}
	return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: w.url + "/image/", ResourceBase: w.url + "/image/v2/", Type: "image"}
}

func TestGophercloud(t *testing.T) {
	w := newWorld(t)
	ctx, s := t.Context(), w.client("ann")
	i, err := images.Create(ctx, s, images.CreateOpts{Name: "tiny", DiskFormat: "raw", ContainerFormat: "bare", Tags: []string{"t"}, Properties: map[string]string{"hw_disk_bus": "virtio"}}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if i.Status != images.ImageStatusQueued || i.Owner != "p1" || fmt.Sprint(i.Properties["hw_disk_bus"]) != "virtio" {
		t.Errorf("%+v", i)
	}
	if err := imagedata.Upload(ctx, s, i.ID, strings.NewReader("bytes")).Err; err != nil {
		t.Fatal(err)
	}
	if i, err = images.Get(ctx, s, i.ID).Extract(); err != nil || i.Status != images.ImageStatusActive || i.SizeBytes != 5 || i.CreatedAt.IsZero() {
		t.Errorf("%+v, %v", i, err)
	}
	r, err := imagedata.Download(ctx, s, i.ID).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "bytes" {
		t.Errorf("%q, %v", b, err)
	}
	if i, err = images.Update(ctx, s, i.ID, images.UpdateOpts{images.ReplaceImageName{NewName: "renamed"}, images.UpdateVisibility{Visibility: images.ImageVisibilityShared}, images.ReplaceImageTags{NewTags: []string{"x"}}}).Extract(); err != nil || i.Name != "renamed" {
		t.Errorf("%+v, %v", i, err)
	}
	if m, err := members.Create(ctx, s, i.ID, "p2").Extract(); err != nil || m.Status != "pending" {
		t.Errorf("%+v, %v", m, err)
	}
	for n := range 7 {
		if err := images.Create(ctx, s, images.CreateOpts{Name: fmt.Sprint(n)}).Err; err != nil {
			t.Fatal(err)
		}
	}
	pages, err := images.List(s, images.ListOpts{Limit: 3, Sort: "name:asc"}).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := images.ExtractImages(pages); err != nil || len(all) != 8 {
		t.Errorf("all pages hold %d images, %v", len(all), err)
	}
	if err := images.Delete(ctx, s, i.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	err = images.Get(ctx, s, i.ID).Err
	if !gophercloud.ResponseCodeIs(err, 404) || !strings.Contains(err.Error(), "could not be found") {
		t.Errorf("a deleted image: %v", err)
	}
}

// TestBigStream sends and fetches an image that is larger than the memory it may use.
func TestBigStream(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawBody)
	const size = 256 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w.put(204, "ann", id, io.LimitReader(zeroes{}, size))
	r, err := imagedata.Download(t.Context(), w.client("ann"), id).Extract()
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	runtime.ReadMemStats(&after)
	if err != nil || n != size {
		t.Errorf("%d bytes come back, %v", n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes were allocated for an image of %d", used, size)
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestTerraform makes the calls that the resource cloudlet_image makes.
func TestTerraform(t *testing.T) {
	w := newWorld(t)
	ctx, s := t.Context(), w.client("ann")
	var got map[string]any
	body := wire{"name": "tf", "disk_format": "raw", "container_format": "bare", "visibility": "private", "protected": true, "os_hidden": false, "min_disk": 1, "min_ram": 0, "tags": []string{}, "hw_disk_bus": "virtio"}
	if err := images.Create(ctx, s, body).ExtractInto(&got); err != nil {
		t.Fatal(err)
	}
	id := got["id"].(string)
	if err := imagedata.Upload(ctx, s, id, bytes.NewReader([]byte("abc"))).Err; err != nil {
		t.Fatal(err)
	}
	a := w.want(200, "ann", "GET", "/v2/images/"+id, nil)
	if a.json["os_hash_algo"] != "sha512" || a.json["size"] != 3.0 || a.header.Get("ETag") == "" || !strings.Contains(a.header.Get("Cloudlet-Extensions"), "wait") {
		t.Errorf("%s, %v", a.body, a.header)
	}
	w.want(304, "ann", "GET", "/v2/images/"+id, nil, "If-None-Match", a.header.Get("ETag"))
	ops := changes{map[string]any{"op": "replace", "path": "/protected", "value": false}, map[string]any{"op": "replace", "path": "/tags", "value": []string{"a"}},
		map[string]any{"op": "remove", "path": "/hw_disk_bus"}, map[string]any{"op": "add", "path": "/a~1b", "value": "c"}}
	if err := images.Update(ctx, s, id, ops).ExtractInto(&got); err != nil {
		t.Fatal(err)
	}
	if got["a/b"] != "c" || got["protected"] != false {
		t.Errorf("%v", got)
	}
	err := images.Update(ctx, s, id, changes{map[string]any{"op": "replace", "path": "/min_disk", "value": -1}}).Err
	if !gophercloud.ResponseCodeIs(err, 400) {
		t.Errorf("got %v", err)
	}
	if err := images.Delete(ctx, s, id).Err; err != nil {
		t.Error(err)
	}
}

type wire map[string]any

func (o wire) ToImageCreateMap() (map[string]any, error) { return maps.Clone(o), nil }

type changes []any

func (p changes) ToImageUpdateMap() ([]any, error) { return p, nil }
