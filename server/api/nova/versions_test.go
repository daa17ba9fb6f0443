package nova

import (
	"slices"
	"strings"
	"testing"
)

func TestVersionDocuments(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"", "/"} {
		a := w.call("", "GET", path, "").want(200)
		a.check(map[string]any{"versions/0/id": "v2.1", "versions/0/status": "CURRENT", "versions/0/min_version": "2.1", "versions/0/version": "2.90",
			"versions/0/links/0/rel": "self", "versions/0/links/0/href": w.url + "/compute/v2.1/"})
	}
	for _, path := range []string{"/v2.1", "/v2.1/"} {
		a := w.call("", "GET", path, "").want(200)
		a.check(map[string]any{"version/id": "v2.1", "version/version": "2.90", "version/min_version": "2.1",
			"version/media-types/0/base": "application/json"})
	}
}

func TestMicroversions(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		header, value string
		status        int
		stamped       string
	}{
		{"OpenStack-API-Version", "", 200, "2.1"},
		{"OpenStack-API-Version", "compute 2.79", 200, "2.79"},
		{"OpenStack-API-Version", "volume 3.60, compute 2.79", 200, "2.79"},
		{"OpenStack-API-Version", "volume 3.60", 200, "2.1"},
		{"OpenStack-API-Version", "compute latest", 200, "2.90"},
		{"OpenStack-API-Version", "compute 2.91", 406, "2.1"},
		{"OpenStack-API-Version", "compute 2.0", 406, "2.1"},
		{"OpenStack-API-Version", "compute 3.1", 406, "2.1"},
		{"OpenStack-API-Version", "compute two", 400, "2.1"},
		{"X-OpenStack-Nova-API-Version", "2.26", 200, "2.26"},
		{"X-OpenStack-Nova-API-Version", "latest", 200, "2.90"},
	} {
		a := w.call("ann", "GET", "/v2.1/flavors", "", c.header, c.value).want(c.status)
		if got := a.header.Get("OpenStack-API-Version"); got != "compute "+c.stamped {
			t.Errorf("%s: %s: stamped %q, want %s", c.header, c.value, got, c.stamped)
		}
		if got := a.header.Get("X-OpenStack-Nova-API-Version"); got != c.stamped {
			t.Errorf("%s: %s: stamped the old way %q, want %s", c.header, c.value, got, c.stamped)
		}
		if v := a.header.Values("Vary"); !slices.Contains(v, "OpenStack-API-Version") {
			t.Errorf("Vary: %v", v)
		}
		if c.status == 406 {
			a.fails(406, "", "Minimum is 2.1 and maximum is 2.90")
		}
	}
	a := w.get("ann", "/flavors")
	if id := a.header.Get("X-Compute-Request-Id"); !strings.HasPrefix(id, "req-") || id != a.header.Get("X-Openstack-Request-Id") {
		t.Errorf("request id %q", id)
	}
}
