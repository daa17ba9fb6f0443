package glance

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

// names returns the names that a list call shows, in its order.
func (w *world) names(who, query string) (names []string) {
	w.t.Helper()
	for _, i := range w.want(200, who, "GET", "/v2/images?"+query, nil).json["images"].([]any) {
		names = append(names, i.(map[string]any)["name"].(string))
	}
	return names
}

func TestList(t *testing.T) {
	w := newWorld(t)
	for _, b := range []string{
		`{"name":"private","visibility":"private","disk_format":"raw","container_format":"bare","min_ram":5,"tags":["a","b"],"os_distro":"debian"}`,
		`{"name":"a, b","visibility":"private","disk_format":"qcow2","container_format":"bare","tags":["a"]}`,
		`{"name":"shared","disk_format":"raw","container_format":"bare"}`,
		`{"name":"community","visibility":"community"}`,
		`{"name":"hidden","visibility":"private","os_hidden":true}`,
	} {
		id := w.create("ann", b)
		if strings.Contains(b, `"private","visibility"`) {
			w.put(204, "ann", id, "12345")
		}
	}
	w.create("admin", `{"name":"public","visibility":"public","protected":true}`)
	pid := w.want(200, "ann", "GET", "/v2/images?name=private", nil).json["images"].([]any)[0].(map[string]any)["id"].(string)
	q := url.QueryEscape
	for _, c := range []struct{ who, query, want string }{
		{"ann", "sort=name:asc", "a, b|community|private|public|shared"},
		{"ann", "sort_key=name&sort_dir=desc", "shared|public|private|community|a, b"},
		{"ann", "sort_key=status&sort_dir=asc&sort_key=name&sort_dir=asc", "private|a, b|community|public|shared"},
		{"bob", "", "public"},
		{"bob", "visibility=community", "community"},
		{"bob", "visibility=all&sort=name:asc", "community|public"},
		{"bob", "visibility=shared", ""},
		{"bob", "owner=p1", "community"},
		{"admin", "visibility=private&sort=name:asc", "a, b|private"},
		{"ann", "os_hidden=true", "hidden"},
		{"ann", "name=shared", "shared"},
		{"ann", "name=" + q(`in:"a, b",shared`) + "&sort=name", "shared|a, b"},
		{"ann", "id=" + q("in:"+pid+",x"), "private"},
		{"ann", "id=" + pid, "private"},
		{"ann", "status=active", "private"},
		{"ann", "status=" + q("in:saving,active"), "private"},
		{"ann", "disk_format=qcow2", "a, b"},
		{"ann", "container_format=bare&disk_format=" + q("in:raw,iso") + "&sort=name", "shared|private"},
		{"ann", "tag=a&sort=name:asc", "a, b|private"},
		{"ann", "tag=a&tag=b", "private"},
		{"ann", "os_distro=debian", "private"},
		{"ann", "os_distro=", ""},
		{"ann", "size_min=5", "private"},
		{"ann", "size_min=6", ""},
		{"ann", "size_max=5", "private"},
		{"ann", "min_ram=5", "private"},
		{"ann", "protected=true", "public"},
		{"ann", "created_at=" + q("gt:2001-01-01T00:00:00Z") + "&name=shared", "shared"},
		{"ann", "created_at=" + q("lt:2001-01-01T00:00:00Z"), ""},
		{"ann", "updated_at=" + q("gte:2001-01-01T00:00:00") + "&name=shared", "shared"},
		{"ann", "limit=0", ""},
	} {
		if got := strings.Join(w.names(c.who, c.query), "|"); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.who, c.query, got, c.want)
		}
	}
	for _, query := range []string{"visibility=secret", "member_status=x", "protected=True", "os_hidden=1", "size_min=-1", "size_max=x", "limit=-1", "limit=x",
		"marker=x", "sort_key=x", "sort=name:up", "sort=name&sort_key=id", "changes-since=2001", "created_at=yesterday", "created_at=" + q("xx:2001-01-01T00:00:00Z"), "name=" + q(`in:"a`)} {
		w.want(400, "ann", "GET", "/v2/images?"+query, nil)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		w.create("ann", `{"name":"`+n+`"}`)
	}
	var got []string
	path := "/v2/images?limit=2&sort=name:asc"
	for pages := 0; path != ""; pages++ {
		a := w.want(200, "ann", "GET", path, nil).json
		if a["first"] != "/v2/images?limit=2&sort=name%3Aasc" || a["schema"] != "/v2/schemas/images" || pages > 3 {
			t.Fatalf("page %d: %v", pages, a)
		}
		for _, i := range a["images"].([]any) {
			got = append(got, i.(map[string]any)["name"].(string))
		}
		path, _ = a["next"].(string)
	}
	if !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("pages show %v", got)
	}
	for range 25 {
		w.create("ann", `{}`)
	}
	if a := w.want(200, "ann", "GET", "/v2/images", nil).json; len(a["images"].([]any)) != 25 || a["next"] == nil {
		t.Errorf("a page without limit has %d images, next %v", len(a["images"].([]any)), a["next"])
	}
}

func TestMembers(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", `{"name":"offer"}`)
	members := "/v2/images/" + id + "/members"
	a := w.want(200, "ann", "POST", members, `{"member":"p2"}`).json
	if a["member_id"] != "p2" || a["image_id"] != id || a["status"] != "pending" || a["schema"] != "/v2/schemas/member" || a["created_at"] == nil {
		t.Errorf("%v", a)
	}
	w.want(409, "ann", "POST", members, `{"member":"p2"}`)
	w.want(403, "bob", "POST", members, `{"member":"p3"}`)
	w.want(400, "ann", "POST", members, `{"member":""}`)
	w.want(200, "ann", "POST", members, `{"member":"p3"}`)
	if got := w.names("bob", ""); len(got) != 0 {
		t.Errorf("what is not accepted is listed: %v", got)
	}
	if got := w.names("bob", "member_status=pending&visibility=shared"); !slices.Equal(got, []string{"offer"}) {
		t.Errorf("what is offered: %v", got)
	}
	w.want(200, "bob", "GET", "/v2/images/"+id, nil)
	w.want(403, "ann", "PUT", members+"/p2", `{"status":"accepted"}`)
	w.want(403, "bob", "PUT", members+"/p3", `{"status":"accepted"}`)
	w.want(400, "bob", "PUT", members+"/p2", `{"status":"perhaps"}`)
	if a := w.want(200, "bob", "PUT", members+"/p2", `{"status":"accepted","member":"p2"}`).json; a["status"] != "accepted" {
		t.Errorf("%v", a)
	}
	if got := w.names("bob", ""); !slices.Equal(got, []string{"offer"}) {
		t.Errorf("what is accepted: %v", got)
	}
	for who, want := range map[string]int{"ann": 2, "bob": 1} {
		a := w.want(200, who, "GET", members, nil).json
		if got := len(a["members"].([]any)); got != want || a["schema"] != "/v2/schemas/members" {
			t.Errorf("%s sees %v", who, a)
		}
	}
	w.want(200, "bob", "GET", members+"/p2", nil)
	w.want(404, "bob", "GET", members+"/p3", nil)
	w.want(403, "bob", "PATCH", "/v2/images/"+id, `[]`, "Content-Type", patchNew)
	w.want(403, "bob", "DELETE", members+"/p2", nil)
	w.want(204, "ann", "DELETE", members+"/p2", nil)
	w.want(404, "ann", "DELETE", members+"/p2", nil)
	w.want(404, "bob", "GET", "/v2/images/"+id, nil)
	w.want(404, "bob", "GET", members, nil)
	private := w.create("ann", `{"visibility":"private"}`)
	w.want(403, "ann", "POST", "/v2/images/"+private+"/members", `{"member":"p2"}`)
}

func TestTagsOnTheWire(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", `{}`)
	w.want(204, "ann", "PUT", "/v2/images/"+id+"/tags/a%2Fb", nil)
	w.want(204, "ann", "PUT", "/v2/images/"+id+"/tags/a%2Fb", nil)
	w.want(403, "anton", "PUT", "/v2/images/"+id+"/tags/x", nil)
	w.want(400, "ann", "PUT", "/v2/images/"+id+"/tags/"+strings.Repeat("x", 256), nil)
	if got := w.want(200, "ann", "GET", "/v2/images/"+id, nil).json["tags"].([]any); len(got) != 1 || got[0] != "a/b" {
		t.Errorf("tags %v", got)
	}
	w.want(204, "ann", "DELETE", "/v2/images/"+id+"/tags/a%2Fb", nil)
	w.want(404, "ann", "DELETE", "/v2/images/"+id+"/tags/a%2Fb", nil)
}

// TestPlan does in a plan session what Terraform would, and finds the cloud and
// its bytes untouched.
func TestPlan(t *testing.T) {
	w := newWorld(t)
	kept := w.create("ann", rawBody)
	w.put(204, "ann", kept, "kept")
	protected := w.create("ann", `{"protected":true}`)
	before := w.store.Snapshot().Revision()
	plan := []string{"Cloudlet-Plan", "p", "Content-Type"}
	in := func(contentType string) []string { return append(slices.Clone(plan), contentType) }
	id := w.want(201, "ann", "POST", "/v2/images", rawBody, in("application/json")...).json["id"].(string)
	w.want(403, "ann", "POST", "/v2/images", `{"visibility":"public"}`, in("application/json")...)
	w.want(204, "ann", "PUT", "/v2/images/"+id+"/file", "bytes", in(octets)...)
	if a := w.want(200, "ann", "GET", "/v2/images/"+id, nil, in("")...).json; a["status"] != "active" || a["size"] != nil {
		t.Errorf("%v", a)
	}
	w.want(409, "ann", "PUT", "/v2/images/"+id+"/file", "bytes", in(octets)...)
	w.want(200, "ann", "PATCH", "/v2/images/"+kept, `[{"op":"replace","path":"/name","value":"x"}]`, in(patchNew)...)
	w.want(204, "ann", "DELETE", "/v2/images/"+kept, nil, in("")...)
	w.want(404, "ann", "GET", "/v2/images/"+kept, nil, in("")...)
	w.want(403, "ann", "DELETE", "/v2/images/"+protected, nil, in("")...)
	w.want(200, "ann", "GET", "/v2/images/00000000-0000-0000-0000-000000000000", nil, in("")...)
	if w.store.Snapshot().Revision() != before {
		t.Error("the plan changed the cloud")
	}
	if a := w.want(200, "ann", "GET", "/v2/images/"+kept+"/file", nil); string(a.body) != "kept" {
		t.Errorf("the plan changed bytes: %q", a.body)
	}
	if err := w.store.Write(t.Context(), func(tx *statestore.Txn) error {
		if n := image.Images.Len(tx); n != 2 {
			t.Errorf("there are %d images", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A page of images with many properties has fewer of them, and tells where the next begins.
func TestPagesAreBounded(t *testing.T) {
	w := newWorld(t)
	var fat strings.Builder
	for n := range 4 {
		fmt.Fprintf(&fat, `,"p%d":"%s"`, n, strings.Repeat("x", 60_000))
	}
	const all = 40
	for range all {
		w.create("ann", `{"name":"fat"`+fat.String()+`}`)
	}
	seen, pages := map[string]bool{}, 0
	for next := "/v2/images?limit=1000"; next != ""; pages++ {
		a := w.want(200, "ann", "GET", next, nil)
		if len(a.body) > 5<<20 {
			t.Fatalf("a page of %d bytes", len(a.body))
		}
		for _, i := range a.json["images"].([]any) {
			seen[i.(map[string]any)["id"].(string)] = true
		}
		next, _ = a.json["next"].(string)
	}
	if len(seen) != all || pages != 3 {
		t.Errorf("%d images on %d pages, want %d on 3", len(seen), pages, all)
	}
}
