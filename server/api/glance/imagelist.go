package glance

import (
	"cmp"
	"net/url"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
)

// paging is Glance's: pages of 25 unless told otherwise, newest first.
var paging = front.Paging[image.Image]{
	ID:      func(i *image.Image) string { return i.ID },
	Default: "created_at:desc,id:desc", DefaultDir: "desc", DefaultLimit: 25, Max: 1000,
	Sorts: map[string]func(a, b *image.Image) int{
		"id":               func(a, b *image.Image) int { return cmp.Compare(a.ID, b.ID) },
		"name":             func(a, b *image.Image) int { return cmp.Compare(a.Name, b.Name) },
		"status":           func(a, b *image.Image) int { return cmp.Compare(a.Status, b.Status) },
		"container_format": func(a, b *image.Image) int { return cmp.Compare(a.ContainerFormat, b.ContainerFormat) },
		"disk_format":      func(a, b *image.Image) int { return cmp.Compare(a.DiskFormat, b.DiskFormat) },
		"size":             func(a, b *image.Image) int { return cmp.Compare(a.Size, b.Size) },
		"created_at":       func(a, b *image.Image) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at":       func(a, b *image.Image) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
	},
}

type listWire struct {
	Images []imageWire `json:"images"`
	First  string      `json:"first"`
	Next   string      `json:"next,omitzero"`
	Schema string      `json:"schema"`
}

func (a *api) imageList(rq *front.Request) (*front.Response, error) {
	if unnamed(rq.HTTP) {
		return nil, cloud.Missing("image", "")
	}
	q := rq.Query()
	if q.Has("sort") && (q.Has("sort_key") || q.Has("sort_dir")) {
		return nil, cloud.Errorf(cloud.Invalid, "image", "Old and new sorting syntax cannot be combined")
	}
	f, err := newFilter(rq, q)
	if err != nil {
		return nil, err
	}
	var found []image.Image
	for i := range image.ImagesVisible(rq.Read(), rq.Caller) {
		if f.keeps(i) {
			found = append(found, i)
		}
	}
	page, more, err := front.Page(q, found, paging)
	if err != nil {
		return nil, err
	}
	if n := fitting(page); n < len(page) {
		page, more = page[:n], true
	}
	w := listWire{Images: make([]imageWire, len(page)), First: withQuery("/v2/images", first(q)), Schema: "/v2/schemas/images"}
	for n, i := range page {
		w.Images[n] = a.render(rq, i)
	}
	if more && len(page) > 0 {
		w.Next = withQuery("/v2/images", front.NextQuery(q, page[len(page)-1].ID))
	}
	return front.OK(w), nil
}

// maxPage bounds what a page tells, in bytes: images may have properties of 256 KiB, and the
// answers of many lists are in memory at once.
const maxPage = 4 << 20

// fitting returns how many images a page has room for, at least one.
func fitting(page []image.Image) int {
	size := 0
	for n, i := range page {
		size += 1000 + len(i.Name)
		for k, v := range i.Properties {
			size += len(k) + len(v)
		}
		for _, tag := range i.Tags {
			size += len(tag)
		}
		if size > maxPage && n > 0 {
			return n
		}
	}
	return len(page)
}

// first is the query of the first page.
func first(q url.Values) string {
	c := url.Values{}
	for k, v := range q {
		if k != "marker" {
			c[k] = v
		}
	}
	return c.Encode()
}

func withQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
