package glance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/image"
)

func TestLocations(t *testing.T) {
	w := openWorld(t, world{locations: true})
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "elsewhere") }))
	defer srv.Close()
	id := w.create("ann", rawImage)
	show := func(who string) map[string]any { return w.want(200, who, "GET", "/v2/images/"+id, nil).json }
	if l := show("ann")["locations"]; fmt.Sprint(l) != "[]" {
		t.Errorf("%v", l)
	}
	add := func(url, more string) string {
		return fmt.Sprintf(`[{"op":"add","path":"/locations/-","value":{"url":%q,"metadata":{"a":"b"}%s}}]`, url, more)
	}
	for _, bad := range []string{add("gopher://x", ""), add("http://10.0.0.1/", ""), add(srv.URL, `,"validation_data":{"checksum":"1"}`),
		add(srv.URL, `,"colour":"red"`), `[{"op":"add","path":"/locations/-","value":"x"}]`, `[{"op":"remove","path":"/locations/x"}]`, `[{"op":"remove","path":"/locations/0"}]`} {
		w.patch(400, "ann", id, bad)
	}
	w.patch(403, "anton", id, add(srv.URL, ""))
	sums := fmt.Sprintf(`,"validation_data":{"checksum":"%s","os_hash_value":"%s","os_hash_algo":"sha512"}`, strings.Repeat("1", 32), strings.Repeat("deadbeef", 16))
	w.patch(200, "ann", id, add(srv.URL, sums))
	i := show("ann")
	if i["status"] != "active" || i["checksum"] != strings.Repeat("1", 32) || i["direct_url"] != srv.URL || i["size"] != nil {
		t.Errorf("%v", i)
	}
	if b := w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil); string(b.body) != "elsewhere" {
		t.Errorf("%s", b.body)
	}
	w.patch(400, "ann", id, add(srv.URL, ""))
	w.patch(409, "ann", id, add(srv.URL+"#2", strings.Replace(sums, "1111", "2222", 1)))
	w.patch(200, "ann", id, add(srv.URL+"#2", sums))
	replace := func(urls ...string) string {
		return `[{"op":"replace","path":"/locations","value":[{"url":"` + strings.Join(urls, `","metadata":{"x":"y"}},{"url":"`) + `","metadata":{}}]}]`
	}
	w.patch(200, "ann", id, replace(srv.URL, srv.URL+"#2"))
	w.patch(400, "ann", id, replace(srv.URL))
	w.patch(400, "ann", id, replace(srv.URL, srv.URL+"#3"))
	w.patch(200, "ann", id, `[{"op":"remove","path":"/locations/0"}]`)
	w.patch(403, "ann", id, `[{"op":"remove","path":"/locations/0"}]`)
	if l := show("ann")["locations"]; fmt.Sprint(l) != fmt.Sprintf("[map[metadata:map[] url:%s#2]]", srv.URL) {
		t.Errorf("%v", l)
	}
	up := w.create("ann", rawImage)
	w.put(204, "ann", up, "bytes")
	i = w.want(200, "ann", "GET", "/v2/images/"+up, nil).json
	if l := i["locations"].([]any); len(l) != 1 || !strings.HasPrefix(i["direct_url"].(string), "cloudlet://files/") {
		t.Errorf("%v", i)
	}
	closed := newWorld(t)
	id = closed.create("ann", rawImage)
	closed.patch(403, "ann", id, add(srv.URL, ""))
}

func TestCache(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawImage)
	w.want(403, "ann", "GET", "/v2/cache", nil)
	w.want(404, "admin", "PUT", "/v2/cache/none", nil)
	w.want(400, "admin", "PUT", "/v2/cache/"+id, nil)
	w.put(204, "ann", id, "bytes")
	w.want(404, "admin", "DELETE", "/v2/cache/"+id, nil)
	w.want(202, "admin", "PUT", "/v2/cache/"+id, nil)
	for {
		snap, watch := w.store.Watch()
		if c, ok := image.Cache.Get(snap, id); ok && !c.Queued {
			break
		}
		if err := watch.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil)
	l := w.want(200, "admin", "GET", "/v2/cache", nil).json
	if c := l["cached_images"].([]any); len(c) != 1 || c[0].(map[string]any)["hits"] != 1.0 || fmt.Sprint(l["queued_images"]) != "[]" {
		t.Errorf("%v", l)
	}
	w.want(400, "admin", "DELETE", "/v2/cache", nil, "x-image-cache-clear-target", "invalid")
	w.want(204, "admin", "DELETE", "/v2/cache", nil, "x-image-cache-clear-target", "queue")
	w.want(204, "admin", "DELETE", "/v2/cache/"+id, nil)
	w.want(204, "admin", "DELETE", "/v2/cache", nil)
	w.want(202, "admin", "PUT", "/v2/cache/"+id, nil)
	w.want(204, "ann", "DELETE", "/v2/images/"+id, nil)
	if l := w.want(200, "admin", "GET", "/v2/cache", nil).json; fmt.Sprint(l) != "map[cached_images:[] queued_images:[]]" {
		t.Errorf("%v", l)
	}
}

// Bytes that a disk has changed are not downloaded as if they were the image's.
func TestDamagedBytesFailVisibly(t *testing.T) {
	w := newWorld(t)
	id := w.create("ann", rawImage)
	w.put(204, "ann", id, strings.Repeat("x", 1<<20))
	i, _ := image.Images.Get(w.store.Snapshot(), id)
	if err := os.WriteFile(filepath.Join(w.dir, i.SHA256), []byte(strings.Repeat("x", 1<<20-1)+"y"), 0o600); err != nil {
		t.Fatal(err)
	}
	rq, _ := http.NewRequestWithContext(t.Context(), "GET", w.url+"/image/v2/images/"+id+"/file", nil)
	rq.Header.Set("X-Auth-Token", "ann")
	resp, err := http.DefaultClient.Do(rq)
	if err != nil {
		return // cut before the header
	}
	defer resp.Body.Close()
	var n int64
	buf := make([]byte, 64<<10)
	for err == nil {
		var m int
		m, err = resp.Body.Read(buf)
		n += int64(m)
	}
	if n >= 1<<20 || err.Error() == "EOF" {
		t.Errorf("%d damaged bytes came, then %v", n, err)
	}
}
