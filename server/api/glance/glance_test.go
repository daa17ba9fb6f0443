package glance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/fetch"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// callers are who a token speaks for, by the token itself.
var callers = map[string]cloud.Caller{
	"ann":    {UserID: "ann", ProjectID: "p1", Roles: []string{"member", "reader"}},
	"anton":  {UserID: "anton", ProjectID: "p1", Roles: []string{"reader"}},
	"bob":    {UserID: "bob", ProjectID: "p2", Roles: []string{"member", "reader"}},
	"admin":  {UserID: "root", ProjectID: "p0", Roles: []string{"admin", "manager", "member", "reader"}},
	"nobody": {UserID: "nobody"},
}

type tokens struct{}

func (tokens) Authenticate(_ statestore.Reader, token string) (cloud.Caller, error) {
	c, ok := callers[token]
	if !ok {
		return c, cloud.Errorf(cloud.Unauthenticated, "", "The request you have made requires authentication.")
	}
	return c, nil
}

// world is the dialect behind a listener, on a store and a directory of its own.
type world struct {
	t       testing.TB
	store   *statestore.Store
	content *image.Content
	dir     string
	url     string
	fetcher fetch.Fetcher

	locations bool
	idle      time.Duration
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return openWorld(t, world{})
}

// openWorld is newWorld with settings.
func openWorld(t testing.TB, o world) *world {
	t.Helper()
	w := &world{t: t, locations: o.locations, idle: o.idle, store: storetest.NewStore(t, slices.Concat(image.Tables, task.Tables)), dir: t.TempDir()}
	var err error
	if w.content, err = image.OpenContent(w.dir, image.ContentOptions{MaxSize: 1 << 29, More: []image.Store{{ID: "second", Dir: t.TempDir()}}}); err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	w.fetcher = fetch.Fetcher{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	f := front.New(front.Options{Store: w.store, Auth: tokens{}, Policy: rules, Services: []*front.Service{Service(Deps{Content: w.content, Fetcher: w.fetcher, Locations: w.locations})},
		StandIns: []func(*statestore.Txn){image.StandIns}, StreamIdle: w.idle, Clock: cloud.RealClock{}, Log: slog.New(slog.DiscardHandler), Version: "test"})
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	w.serveTasks()
	w.url = srv.URL
	return w
}

// answer is what a call got.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

// call makes a request. Headers come in pairs; the content type is JSON unless
// they say otherwise.
func (w *world) call(who, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case io.Reader:
		r = b
	}
	rq, err := http.NewRequestWithContext(context.WithoutCancel(w.t.Context()), method, w.url+"/image"+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	if who != "" {
		rq.Header.Set("X-Auth-Token", who)
	}
	rq.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		rq.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(rq)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		w.t.Fatal(err)
	}
	_ = json.Unmarshal(a.body, &a.json)
	return a
}

// want makes a call that must answer with a status.
func (w *world) want(status int, who, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	a := w.call(who, method, path, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s as %s: %d, want %d: %.300s", method, path, who, a.status, status, a.body)
	}
	return a
}

// create makes an image and returns its id.
func (w *world) create(who, body string) string {
	w.t.Helper()
	return w.want(201, who, "POST", "/v2/images", body).json["id"].(string)
}

func (w *world) put(status int, who, id string, body any) answer {
	w.t.Helper()
	return w.want(status, who, "PUT", "/v2/images/"+id+"/file", body, "Content-Type", octets)
}

func (w *world) patch(status int, who, id, ops string) answer {
	w.t.Helper()
	return w.want(status, who, "PATCH", "/v2/images/"+id, ops, "Content-Type", patchNew)
}

// until returns once the image has a status.
func (w *world) until(id string, s image.Status) {
	for {
		snap, watch := w.store.Watch()
		if i, _ := image.Images.Get(snap, id); i.Status == s {
			return
		}
		if err := watch.Wait(w.t.Context()); err != nil {
			w.t.Errorf("waiting until the image is %s: %v", s, err)
			return
		}
	}
}

const rawBody = `{"name":"img","disk_format":"raw","container_format":"bare"}`

func TestEveryRuleExists(t *testing.T) {
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{"image:visible", "image:image:publicize", "image:image:communitize", "image:image:set_owner", "image:image:set_protected", "image:image:copy",
		"image:location:get", "image:location:set", "image:location:delete"}
	front.Rows([]*front.Service{Service(Deps{})}, func(_ *front.Service, _ string, r *front.Route) {
		if r.Rule != front.Public && r.Rule != front.Authenticated {
			asked = append(asked, r.Rule)
		}
	})
	undefined, unused := rules.Check(asked)
	unused = slices.DeleteFunc(unused, func(name string) bool { return !strings.HasPrefix(name, "image:") })
	if len(undefined)+len(unused) > 0 {
		t.Errorf("undefined %v, unused %v", undefined, unused)
	}
}

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{"": 300, "/": 300, "/versions": 200, "/v2": 300, "/v2/": 300} {
		a := w.want(status, "", "GET", path, nil)
		v := a.json["versions"].([]any)[0].(map[string]any)
		if v["id"] != "v2.16" || v["status"] != "CURRENT" || v["links"].([]any)[0].(map[string]any)["href"] != w.url+"/image/v2/" {
			t.Errorf("%s: %v", path, v)
		}
	}
	w.want(401, "", "GET", "/v2/images", nil)
	for _, name := range []string{"image", "images", "member", "members", "task", "tasks"} {
		if a := w.want(200, "ann", "GET", "/v2/schemas/"+name, nil); a.json["name"] != name {
			t.Errorf("schema %s is called %v", name, a.json["name"])
		}
	}
	w.want(404, "ann", "GET", "/v2/schemas/..%2Fimage", nil)
	w.want(200, "ann", "GET", "/v2/info/import", nil)
	w.want(200, "ann", "GET", "/v2/info/stores", nil)
	w.want(200, "admin", "GET", "/v2/tasks", nil)
	w.want(403, "ann", "GET", "/v2/tasks", nil)
	w.want(404, "admin", "GET", "/v2/tasks/x", nil)
}

func TestImageOnTheWire(t *testing.T) {
	w := newWorld(t)
	const id = "33333333-3333-4333-8333-333333333333"
	a := w.want(201, "ann", "POST", "/v2/images", `{"id":"`+id+`","name":"tiny","disk_format":"raw","container_format":"bare","min_disk":1,"tags":["b","a"],"hw_disk_bus":"virtio"}`)
	if a.header.Get("Location") != w.url+"/image/v2/images/"+id {
		t.Errorf("Location %q", a.header.Get("Location"))
	}
	check := func(want map[string]any) {
		t.Helper()
		got := w.want(200, "ann", "GET", "/v2/images/"+id, nil).json
		for k, v := range want {
			if fmt.Sprint(got[k]) != fmt.Sprint(v) {
				t.Errorf("%s is %v, want %v", k, got[k], v)
			}
			if _, there := got[k]; !there {
				t.Errorf("%s is missing", k)
			}
		}
		for _, k := range []string{"locations", "direct_url", "Properties", "UploadID"} {
			if _, there := got[k]; there {
				t.Errorf("%s is there", k)
			}
		}
	}
	check(map[string]any{"id": id, "name": "tiny", "status": "queued", "visibility": "shared", "protected": false, "os_hidden": false, "owner": "p1",
		"size": nil, "virtual_size": nil, "checksum": nil, "os_hash_algo": nil, "os_hash_value": nil, "min_disk": 1, "min_ram": 0, "tags": "[a b]",
		"self": "/v2/images/" + id, "file": "/v2/images/" + id + "/file", "schema": "/v2/schemas/image", "hw_disk_bus": "virtio"})
	w.want(204, "ann", "GET", "/v2/images/"+id+"/file", nil)
	w.put(204, "ann", id, "abc")
	check(map[string]any{"status": "active", "size": 3, "virtual_size": 3, "checksum": "900150983cd24fb0d6963f7d28e17f72", "os_hash_algo": "sha512",
		"os_hash_value": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"})
	f := w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil)
	if string(f.body) != "abc" || f.header.Get("Content-Length") != "3" || f.header.Get("Content-Type") != octets || f.header.Get("Content-Md5") != "900150983cd24fb0d6963f7d28e17f72" {
		t.Errorf("%q, %v", f.body, f.header)
	}
	w.want(204, "ann", "DELETE", "/v2/images/"+id, nil)
	for _, path := range []string{"", "/file", "/members"} {
		w.want(404, "ann", "GET", "/v2/images/"+id+path, nil)
	}
	if files, _ := os.ReadDir(w.dir); len(files) != 2 { // incoming, staging
		t.Errorf("bytes are left: %v", files)
	}
}

func TestCreateRefusals(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		who, body string
		status    int
		field     string
	}{
		{"ann", `{"disk_format":"wrong"}`, 400, "/disk_format"},
		{"ann", `{"container_format":"wrong"}`, 400, "/container_format"},
		{"ann", `{"name":3}`, 400, "/name"},
		{"ann", `{"min_ram":"much"}`, 400, "/min_ram"},
		{"ann", `{"min_disk":-1}`, 400, "/min_disk"},
		{"ann", `{"tags":"a"}`, 400, "/tags"},
		{"ann", `{"visibility":"secret"}`, 400, "/visibility"},
		{"ann", `{"protected":"yes"}`, 400, "/protected"},
		{"ann", `{"my/property":{"a":1}}`, 400, "/my~1property"},
		{"ann", `{"my_property":null}`, 400, "/my_property"},
		{"ann", `{"id":"abc"}`, 400, "/id"},
		{"ann", `{"status":"active"}`, 403, "/status"},
		{"ann", `{"self":"x"}`, 403, "/self"},
		{"ann", `{"deleted":"x"}`, 403, "/deleted"},
		{"ann", `{"os_glance_x":"x"}`, 403, "/os_glance_x"},
		{"ann", `{"visibility":"public"}`, 403, "/visibility"},
		{"ann", `{"owner":"p2"}`, 403, "/owner"},
		{"ann", `{"name":"a","name":"b"}`, 400, "/name"},
		{"ann", `[]`, 400, ""},
		{"ann", ``, 400, ""},
		{"anton", `{}`, 403, ""},
		{"nobody", `{}`, 403, ""},
		{"ann", `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, 413, ""},
	} {
		a := w.call(c.who, "POST", "/v2/images", c.body)
		e, _ := a.json["error"].(map[string]any)
		if a.status != c.status || a.header.Get("Cloudlet-Field") != c.field || e["message"] == "" || e["code"] != float64(c.status) {
			t.Errorf("%.60s: %d at %q, want %d at %q: %.200s", c.body, a.status, a.header.Get("Cloudlet-Field"), c.status, c.field, a.body)
		}
	}
	w.want(415, "ann", "POST", "/v2/images", `{}`, "Content-Type", "text/plain")
	w.want(201, "admin", "POST", "/v2/images", `{"visibility":"public","owner":"p2","name":null}`)
	if n := image.Images.Len(w.store.Snapshot()); n != 1 {
		t.Errorf("%d images are left", n)
	}
}

func TestPatch(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", `{"name":"a","disk_format":"raw","container_format":"bare","keep":"1","change":"1","a/b":"1"}`)
	got := w.patch(200, "ann", id, `[{"op":"replace","path":"/name","value":"b"},{"op":"replace","path":"/min_disk","value":2},{"op":"replace","path":"/tags","value":["y","x"]},
		{"op":"replace","path":"/change","value":"2"},{"op":"add","path":"/new","value":"3"},{"op":"remove","path":"/a~1b"},{"op":"replace","path":"/os_hidden","value":true}]`).json
	for k, v := range map[string]any{"name": "b", "min_disk": 2, "tags": "[x y]", "change": "2", "new": "3", "keep": "1", "os_hidden": true, "a/b": nil} {
		if fmt.Sprint(got[k]) != fmt.Sprint(v) {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if got := w.patch(200, "ann", id, `[{"op":"add","path":"/tags/-","value":"z"},{"op":"remove","path":"/tags/0"},{"op":"replace","path":"/tags/0","value":"w"}]`).json; fmt.Sprint(got["tags"]) != "[w z]" {
		t.Errorf("tags %v", got["tags"])
	}
	if got := w.patch(200, "ann", id, `[{"op":"add","path":"/name","value":"c"}]`).json; got["name"] != "c" {
		t.Errorf("name %v", got["name"])
	}
	old := w.want(200, "ann", "PATCH", "/v2/images/"+id, `[{"replace":"/name","value":"d"},{"add":"/newer","value":"4"},{"remove":"/new"}]`, "Content-Type", patchOld).json
	if old["name"] != "d" || old["newer"] != "4" || old["new"] != nil {
		t.Errorf("%v", old)
	}
	w.want(409, "ann", "PATCH", "/v2/images/"+id, `[{"add":"/newer","value":"4"}]`, "Content-Type", patchOld)
	for _, c := range []struct {
		ops    string
		status int
		field  string
	}{
		{`{}`, 400, ""},
		{`[3]`, 400, "/0"},
		{`[{"op":"move","path":"/name","value":"x"}]`, 400, ""},
		{`[{"path":"/name","value":"x"}]`, 400, ""},
		{`[{"op":"replace","value":"x"}]`, 400, ""},
		{`[{"op":"replace","path":"/name"}]`, 400, ""},
		{`[{"op":"replace","path":"name","value":"x"}]`, 400, ""},
		{`[{"op":"replace","path":"/name/first","value":"x"}]`, 400, "/name"},
		{`[{"op":"replace","path":"/tags/7","value":"x"}]`, 400, "/tags"},
		{`[{"op":"replace","path":"/min_disk","value":"x"}]`, 400, "/min_disk"},
		{`[{"op":"replace","path":"/min_disk","value":null}]`, 400, "/min_disk"},
		{`[{"op":"replace","path":"/nothing","value":"x"}]`, 409, "/nothing"},
		{`[{"op":"remove","path":"/nothing"}]`, 409, "/nothing"},
		{`[{"op":"remove","path":"/name"}]`, 403, "/name"},
		{`[{"op":"replace","path":"/size","value":1}]`, 403, "/size"},
		{`[{"op":"remove","path":"/checksum"}]`, 403, "/checksum"},
		{`[{"op":"add","path":"/location","value":"x"}]`, 403, "/location"},
		{`[{"op":"replace","path":"/visibility","value":"public"}]`, 403, "/visibility"},
		{`[{"op":"replace","path":"/owner","value":"p2"}]`, 403, "/owner"},
		{`[{"op":"replace","path":"/name","value":"half"},{"op":"remove","path":"/nothing"}]`, 409, "/nothing"},
	} {
		if a := w.call("ann", "PATCH", "/v2/images/"+id, c.ops, "Content-Type", patchNew); a.status != c.status || a.header.Get("Cloudlet-Field") != c.field {
			t.Errorf("%s: %d at %q, want %d at %q: %.200s", c.ops, a.status, a.header.Get("Cloudlet-Field"), c.status, c.field, a.body)
		}
	}
	if got := w.want(200, "ann", "GET", "/v2/images/"+id, nil).json; got["name"] != "d" {
		t.Errorf("a refused patch did half of its work: %v", got)
	}
	a := w.want(415, "ann", "PATCH", "/v2/images/"+id, `[]`)
	if !strings.Contains(a.header.Get("Accept-Patch"), patchNew) {
		t.Errorf("Accept-Patch %q", a.header.Get("Accept-Patch"))
	}
	w.patch(404, "bob", id, `[]`)
	w.patch(403, "anton", id, `[]`)
	w.patch(200, "ann", id, `[{"op":"replace","path":"/protected","value":true}]`)
	w.want(403, "ann", "DELETE", "/v2/images/"+id, nil)
}

func TestUploadRefusals(t *testing.T) {
	w := newWorld(t)
	bare := w.create("ann", `{"name":"without formats"}`)
	w.put(400, "ann", bare, "x")
	id := w.create("ann", rawBody)
	w.want(415, "ann", "PUT", "/v2/images/"+id+"/file", "x")
	w.put(404, "bob", id, "x")
	w.put(403, "anton", id, "x")
	w.put(404, "ann", "44444444-4444-4444-8444-444444444444", "x")
	w.put(204, "ann", id, "x")
	w.put(409, "ann", id, bytes.NewReader(make([]byte, 4<<20)))
	lying := w.create("ann", `{"disk_format":"qcow2","container_format":"bare"}`)
	a := w.put(400, "ann", lying, bytes.NewReader(bytes.Repeat([]byte("random"), 4<<20)))
	if !strings.Contains(string(a.body), "its bytes are raw") {
		t.Errorf("%s", a.body)
	}
	if got := w.want(200, "ann", "GET", "/v2/images/"+lying, nil).json["status"]; got != "killed" {
		t.Errorf("a lying image is %v", got)
	}
	w.want(204, "ann", "DELETE", "/v2/images/"+lying, nil)
	backed := w.create("ann", rawBody)
	w.put(400, "ann", backed, "QFI\xfb\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x01\x00/etc/passwd")
	w.want(404, "ann", "DELETE", "/v2/images/", nil)
	w.want(404, "ann", "GET", "/v2/images/", nil)
}

func TestDeletedDuringUploadIsGone(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawBody)
	r, feed := io.Pipe()
	go func() {
		_, _ = feed.Write([]byte("some"))
		w.until(id, image.Saving)
		w.call("ann", "DELETE", "/v2/images/"+id, nil)
		_ = feed.Close()
	}()
	w.put(410, "ann", id, r)
	if files, _ := os.ReadDir(w.dir + "/incoming"); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}

func TestClientThatGoesAwayLeavesTheImageQueued(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawBody)
	ctx, cancel := context.WithCancel(t.Context())
	r, feed := io.Pipe()
	go func() {
		_, _ = feed.Write(make([]byte, 1<<20))
		w.until(id, image.Saving)
		cancel()
		_ = feed.Close()
	}()
	rq, _ := http.NewRequestWithContext(ctx, "PUT", w.url+"/image/v2/images/"+id+"/file", r)
	rq.Header.Set("X-Auth-Token", "ann")
	rq.Header.Set("Content-Type", octets)
	rq.ContentLength = 2 << 20
	if resp, err := http.DefaultClient.Do(rq); err == nil {
		resp.Body.Close()
		t.Fatalf("answered %d", resp.StatusCode)
	}
	w.until(id, image.Queued)
	if files, _ := os.ReadDir(w.dir + "/incoming"); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
	w.put(204, "ann", id, "whole")
}

func TestDownload(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawBody)
	w.put(204, "ann", id, "0123456789")
	path := "/v2/images/" + id + "/file"
	for _, c := range []struct {
		header, body, told string
		status             int
	}{
		{"bytes=0-3", "0123", "bytes 0-3/10", 206},
		{"bytes=4-", "456789", "bytes 4-9/10", 206},
		{"bytes=-3", "789", "bytes 7-9/10", 206},
		{"bytes=8-100", "89", "bytes 8-9/10", 206},
		{"bytes=0-0", "0", "bytes 0-0/10", 206},
		{"bytes=-100", "0123456789", "bytes 0-9/10", 206},
		{"bytes=10-", "", "bytes */10", 416},
		{"bytes=-0", "", "bytes */10", 416},
		{"bytes=5-2", "0123456789", "", 200},
		{"bytes=0-1,3-4", "0123456789", "", 200},
		{"lines=1-2", "0123456789", "", 200},
	} {
		a := w.want(c.status, "ann", "GET", path, nil, "Range", c.header)
		if c.status != 416 && string(a.body) != c.body || a.header.Get("Content-Range") != c.told {
			t.Errorf("%s: %q, %q", c.header, a.body, a.header.Get("Content-Range"))
		}
	}
	if a := w.want(200, "ann", "HEAD", path, nil); a.header.Get("Content-Length") != "10" || len(a.body) != 0 {
		t.Errorf("HEAD: %v", a.header)
	}
	w.want(404, "bob", "GET", path, nil)
	w.want(204, "ann", "POST", "/v2/images/"+id+"/actions/deactivate", nil)
	w.want(403, "ann", "GET", path, nil)
	w.want(200, "admin", "GET", path, nil)
	w.want(204, "ann", "POST", "/v2/images/"+id+"/actions/reactivate", nil)
	w.want(200, "ann", "GET", path, nil)
	queued := w.create("ann", rawBody)
	w.want(403, "ann", "POST", "/v2/images/"+queued+"/actions/deactivate", nil)
}

func TestDeleteWhileDownloading(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawBody)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than sockets buffer
	w.put(204, "ann", id, bytes.NewReader(data))
	rq, _ := http.NewRequestWithContext(t.Context(), "GET", w.url+"/image/v2/images/"+id+"/file", nil)
	rq.Header.Set("X-Auth-Token", "ann")
	resp, err := http.DefaultClient.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	w.want(204, "ann", "DELETE", "/v2/images/"+id, nil)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(rest, data[16:]) {
		t.Errorf("the download ends after %d bytes: %v", len(rest), err)
	}
}
