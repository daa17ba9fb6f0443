package glance

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/task"
)

// serveTasks runs the world's tasks until the test ends.
func (w *world) serveTasks() {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	e := task.New(task.Options{Store: w.store, Log: slog.New(slog.DiscardHandler), Kinds: w.content.Kinds(image.ImportOptions{Fetcher: w.fetcher, Region: "RegionOne"})})
	work.Go(func() { _ = e.Serve(ctx) })
	w.t.Cleanup(func() { cancel(); work.Wait() })
}

// imported returns the image once its import has ended.
func (w *world) imported(id string) map[string]any {
	w.t.Helper()
	for {
		snap, watch := w.store.Watch()
		if i, ok := image.Images.Get(snap, id); !ok || i.Imported && i.TaskID == "" {
			return w.want(200, "ann", "GET", "/v2/images/"+id, nil).json
		}
		if err := watch.Wait(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) stage(status int, who, id string, body any) answer {
	w.t.Helper()
	return w.want(status, who, "PUT", "/v2/images/"+id+"/stage", body, "Content-Type", octets)
}

func (w *world) start(status int, who, id, body string) answer {
	w.t.Helper()
	return w.want(status, who, "POST", "/v2/images/"+id+"/import", body)
}

const rawImage = `{"name":"i","disk_format":"raw","container_format":"bare"}`

func TestDirectImport(t *testing.T) {
	w := newWorld(t)
	a := w.want(201, "ann", "POST", "/v2/images", rawImage)
	if m, s := a.header.Get("OpenStack-image-import-methods"), a.header.Get("OpenStack-image-store-ids"); !strings.Contains(m, "glance-direct,web-download") || s != "files,second" {
		t.Errorf("methods %q, stores %q", m, s)
	}
	id := a.json["id"].(string)
	w.start(409, "ann", id, `{"method":{"name":"glance-direct"}}`)
	w.stage(404, "bob", id, "bytes")
	w.stage(204, "ann", id, "bytes")
	w.stage(409, "ann", id, "again")
	if i := w.want(200, "ann", "GET", "/v2/images/"+id, nil); i.json["status"] != "uploading" {
		t.Errorf("%s", i.body)
	}
	w.start(400, "ann", id, `{"method":{"name":"carrier-pigeon"}}`)
	w.start(400, "ann", id, `{"method":{"name":"glance-direct"},"stores":["nowhere"]}`)
	w.start(400, "ann", id, `{"method":{"name":"glance-direct"},"stores":["files"],"all_stores":true}`)
	w.start(403, "anton", id, `{"method":{"name":"glance-direct"}}`)
	rq := w.start(202, "ann", id, `{"method":{"name":"glance-direct"},"all_stores":true}`)
	i := w.imported(id)
	if i["status"] != "active" || i["stores"] != "files,second" || i["os_glance_importing_to_stores"] != "" || i["os_glance_failed_import"] != "" || i["size"] != 5.0 {
		t.Errorf("%v", i)
	}
	if got := w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil); string(got.body) != "bytes" {
		t.Errorf("%s", got.body)
	}
	ts := w.want(200, "ann", "GET", "/v2/images/"+id+"/tasks", nil).json["tasks"].([]any)
	x := ts[0].(map[string]any)
	if len(ts) != 1 || x["status"] != "success" || x["request_id"] != rq.header.Get("X-Openstack-Request-Id") ||
		fmt.Sprint(x["input"]) != fmt.Sprintf("map[backend:[files second] image_id:%s import_req:map[all_stores:true method:map[name:glance-direct]]]", id) {
		t.Errorf("%v", x)
	}
	w.want(403, "ann", "GET", "/v2/tasks", nil)
	if l := w.want(200, "admin", "GET", "/v2/tasks?status=success", nil); len(l.json["tasks"].([]any)) != 1 {
		t.Errorf("%s", l.body)
	}
	w.want(200, "admin", "GET", "/v2/tasks/"+x["id"].(string), nil)
	w.want(404, "admin", "GET", "/v2/tasks/none", nil)
	w.start(409, "ann", id, `{"method":{"name":"glance-direct"}}`)
}

func TestRefusedImportLeavesTheImageQueued(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawImage)
	w.stage(204, "ann", id, "QFI\xfb\x00\x00\x00\x03")
	w.start(202, "ann", id, `{"method":{"name":"glance-direct"}}`)
	if i := w.imported(id); i["status"] != "queued" || i["os_glance_failed_import"] != "files" {
		t.Errorf("%v", i)
	}
	x := w.want(200, "ann", "GET", "/v2/images/"+id+"/tasks", nil).json["tasks"].([]any)[0].(map[string]any)
	if x["status"] != "failure" || !strings.Contains(x["message"].(string), "qcow2") {
		t.Errorf("%v", x)
	}
	w.stage(204, "ann", id, "raw")
	w.start(202, "ann", id, `{"method":{"name":"glance-direct"},"stores":["second"]}`)
	if i := w.imported(id); i["status"] != "active" || i["stores"] != "second" {
		t.Errorf("%v", i)
	}
}

func TestTasksMadeByThemselves(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, "bytes") }))
	defer srv.Close()
	body := func(kind, from string) string {
		return fmt.Sprintf(`{"type":%q,"input":{"import_from":%q,"import_from_format":"raw","image_properties":{"name":"t","disk_format":"raw","container_format":"bare","visibility":"public","color":"red"}}}`, kind, from)
	}
	for _, bad := range []string{`{"type":"import"}`, body("export", srv.URL), body("import", "http://10.0.0.1/"), body("import", ""),
		strings.Replace(body("import", srv.URL), `"color":"red"`, `"min_disk":-1`, 1)} {
		w.want(400, "admin", "POST", "/v2/tasks", bad)
	}
	if got := w.want(200, "admin", "GET", "/v2/images", nil).json["images"].([]any); len(got) != 0 {
		t.Errorf("a refused task leaves %v", got)
	}
	w.want(403, "ann", "POST", "/v2/tasks", body("import", srv.URL))
	a := w.want(201, "admin", "POST", "/v2/tasks", body("import", srv.URL))
	id := a.json["image_id"].(string)
	w.imported(id)
	task := w.want(200, "admin", "GET", strings.TrimPrefix(a.header.Get("Location"), w.url+"/image"), nil).json
	if task["type"] != "import" || fmt.Sprint(task["result"]) != "map[image_id:"+id+"]" || task["input"].(map[string]any)["import_from"] != srv.URL {
		t.Errorf("%v", task)
	}
	if i := w.want(200, "admin", "GET", "/v2/images/"+id, nil).json; i["color"] != "red" || i["size"] != 5.0 {
		t.Errorf("%v", i)
	}
	if l := w.want(200, "admin", "GET", "/v2/tasks?type=import", nil).json["tasks"].([]any); len(l) != 1 {
		t.Errorf("%v", l)
	}
}

func TestWebDownload(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/image" {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, strings.Repeat("x", 1<<20))
	}))
	defer srv.Close()
	id := w.create("ann", rawImage)
	web := func(uri string) string { return fmt.Sprintf(`{"method":{"name":"web-download","uri":%q}}`, uri) }
	for _, bad := range []string{"", "file:///etc/passwd", "http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]/"} {
		w.start(400, "ann", id, web(bad))
	}
	w.start(202, "ann", id, web(srv.URL+"/missing"))
	if i := w.imported(id); i["status"] != "queued" {
		t.Errorf("%v", i)
	}
	w.start(202, "ann", id, web(srv.URL+"/image"))
	w.start(409, "ann", id, web(srv.URL+"/image"))
	w.until(id, image.Active)
	if i := w.imported(id); i["size"] != float64(1<<20) || i["stores"] != "files" {
		t.Errorf("%v", i)
	}
}

func TestCopyImage(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawImage)
	w.start(409, "admin", id, `{"method":{"name":"copy-image"},"all_stores":true}`)
	w.put(204, "ann", id, "bytes")
	w.start(403, "ann", id, `{"method":{"name":"copy-image"},"all_stores":true}`)
	w.start(409, "admin", id, `{"method":{"name":"copy-image"},"stores":["files"]}`)
	w.start(202, "admin", id, `{"method":{"name":"copy-image"},"all_stores":true,"all_stores_must_succeed":false}`)
	if i := w.imported(id); i["stores"] != "files,second" || i["status"] != "active" || i["os_glance_failed_import"] != "" {
		t.Errorf("%v", i)
	}
}

func TestDownloadOfAnotherImage(t *testing.T) {
	w := newWorld(t)
	src := w.create("ann", `{"disk_format":"raw","container_format":"bare","hw_cpu_cores":"5","os_distro":"rhel","speed":"88mph"}`)
	w.put(204, "ann", src, "bytes")
	dst := w.create("ann", `{"disk_format":"iso","container_format":"ovf","hw_cpu_cores":"1"}`)
	dl := func(id, region string) string {
		return fmt.Sprintf(`{"method":{"name":"glance-download","glance_image_id":%q,"glance_region":%q,"glance_service_interface":"public"}}`, id, region)
	}
	w.start(400, "ann", dst, dl("foo", "RegionOne"))
	for _, bad := range []string{dl(src, "elsewhere"), dl("11111111-1111-4111-8111-111111111111", "RegionOne")} {
		w.start(202, "ann", dst, bad)
		if i := w.imported(dst); i["status"] != "queued" || i["hw_cpu_cores"] != "1" {
			t.Errorf("%v", i)
		}
	}
	w.start(202, "ann", dst, dl(src, "RegionOne"))
	w.until(dst, image.Active)
	i := w.imported(dst)
	if i["disk_format"] != "raw" || i["container_format"] != "bare" || i["hw_cpu_cores"] != "5" || i["os_distro"] != "rhel" || i["speed"] != nil || i["size"] != 5.0 {
		t.Errorf("%v", i)
	}
	// Bob may not see ann's image, and so cannot have its bytes.
	mine := w.create("bob", rawImage)
	w.start(202, "bob", mine, dl(src, "RegionOne"))
	for {
		snap, watch := w.store.Watch()
		if i, _ := image.Images.Get(snap, mine); i.TaskID == "" {
			if i.Status != image.Queued {
				t.Errorf("%+v", i)
			}
			break
		}
		if err := watch.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImportIsPlanned(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawImage)
	w.want(204, "ann", "PUT", "/v2/images/"+id+"/stage", "bytes", "Content-Type", octets, "Cloudlet-Plan", "p")
	w.want(202, "ann", "POST", "/v2/images/"+id+"/import", `{"method":{"name":"glance-direct"}}`, "Cloudlet-Plan", "p")
	if i := w.want(200, "ann", "GET", "/v2/images/"+id, nil, "Cloudlet-Plan", "p"); i.json["status"] != "active" {
		t.Errorf("%s", i.body)
	}
	if i := w.want(200, "ann", "GET", "/v2/images/"+id, nil); i.json["status"] != "queued" {
		t.Errorf("%s", i.body)
	}
}

func TestStores(t *testing.T) {
	w := newWorld(t)
	if l := w.want(200, "ann", "GET", "/v2/info/stores", nil).json["stores"].([]any); len(l) != 2 || l[0].(map[string]any)["default"] != true {
		t.Errorf("%v", l)
	}
	w.want(403, "ann", "GET", "/v2/info/stores/detail", nil)
	w.want(200, "admin", "GET", "/v2/info/stores/detail", nil)
	id := w.create("ann", rawImage)
	w.want(400, "ann", "PUT", "/v2/images/"+id+"/file", "bytes", "Content-Type", octets, storeHeader, "nowhere")
	w.want(204, "ann", "PUT", "/v2/images/"+id+"/file", "bytes", "Content-Type", octets, storeHeader, "second")
	if i := w.want(200, "ann", "GET", "/v2/images/"+id, nil); i.json["stores"] != "second" {
		t.Errorf("%s", i.body)
	}
	if b := w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil); string(b.body) != "bytes" {
		t.Errorf("%s", b.body)
	}
}

func TestStoreLeave(t *testing.T) {
	w := newWorld(t)
	first := w.content.Stores()[0].ID
	id := w.create("ann", rawImage)
	w.want(409, "ann", "DELETE", "/v2/stores/"+first+"/"+id, nil)
	w.want(204, "ann", "PUT", "/v2/images/"+id+"/stage", "bytes", "Content-Type", octets)
	w.want(202, "ann", "POST", "/v2/images/"+id+"/import", `{"method":{"name":"glance-direct"},"all_stores":true}`)
	w.imported(id)
	w.want(404, "bob", "DELETE", "/v2/stores/"+first+"/"+id, nil)
	w.want(404, "ann", "DELETE", "/v2/stores/nowhere/"+id, nil)
	w.want(204, "ann", "DELETE", "/v2/stores/"+first+"/"+id, nil, "Cloudlet-Plan", "p")
	bytes := func() (n int) {
		for _, s := range w.content.Stores() {
			files, err := filepath.Glob(filepath.Join(s.Dir, strings.Repeat("[0-9a-f]", 64)))
			if err != nil {
				t.Fatal(err)
			}
			n += len(files)
		}
		return n
	}
	if n := bytes(); n != 2 {
		t.Errorf("a plan removed bytes: %d", n)
	}
	w.want(204, "ann", "DELETE", "/v2/stores/"+first+"/"+id, nil)
	if i := w.want(200, "ann", "GET", "/v2/images/"+id, nil); i.json["stores"] != "second" || bytes() != 1 {
		t.Errorf("%s, in %d places", i.body, bytes())
	}
	w.want(403, "ann", "DELETE", "/v2/stores/second/"+id, nil)
	if b := w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil); string(b.body) != "bytes" {
		t.Errorf("%s", b.body)
	}
}

// A client that sends nothing any more does not keep an image saving or uploading.
func TestStalledUploads(t *testing.T) {
	w := openWorld(t, world{idle: 50 * time.Millisecond})
	for _, part := range []string{"file", "stage"} {
		id := w.create("ann", rawImage)
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT /image/v2/images/%s/%s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ann\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\nhalf", id, part, octets)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			resp.Body.Close()
		}
		if err == nil && resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", part, resp.StatusCode)
		}
		w.until(id, image.Queued)
	}
}

// Tasks of imports stay for days, and a plain member may begin any number of them.
func TestImportsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.serveTasks()
	id := w.want(201, "ann", "POST", "/v2/images", rawImage).json["id"].(string)
	long := strings.Repeat("x", 3000)
	for _, body := range []string{
		`{"method":{"name":"web-download","uri":"http://127.0.0.1/` + long + `"}}`,
		`{"method":{"name":"glance-download","glance_image_id":"` + long + `"}}`,
		`{"method":{"name":"web-download","uri":"http://127.0.0.1/","glance_image_id":"` + long + `"}}`,
		`{"method":{"name":"glance-download","glance_image_id":"` + id + `","glance_region":"` + long + `"}}`,
		`{"method":{"name":"glance-download","glance_image_id":"` + id + `","glance_service_interface":"` + long + `"}}`,
		`{"method":{"name":"glance-direct"},"stores":[` + strings.Repeat(`"files",`, 64) + `"files"]}`,
	} {
		w.start(400, "ann", id, body)
	}
	tasks := func() (n int) {
		for k := range task.Tasks.By(w.store.Snapshot(), "subject", id) {
			if k.Kind == image.ImportTask {
				n++
			}
		}
		return n
	}
	for range 12 {
		w.start(202, "ann", id, `{"method":{"name":"glance-download","glance_image_id":"`+id+`"}}`) // it has no bytes
		w.imported(id)
	}
	if n := tasks(); n != 10 {
		t.Errorf("%d tasks of 12 imports are kept, want 10", n)
	}
	w.want(204, "ann", "DELETE", "/v2/images/"+id, nil)
	if n := tasks(); n != 0 {
		t.Errorf("%d tasks are left of an image that was deleted", n)
	}
}
