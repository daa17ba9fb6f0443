package nova

import (
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestFlavorShape(t *testing.T) {
	w := newWorld(t)
	base := []string{"OS-FLV-DISABLED:disabled", "OS-FLV-EXT-DATA:ephemeral", "disk", "id", "links", "name", "os-flavor-access:is_public", "ram", "rxtx_factor", "swap", "vcpus"}
	for _, c := range []struct {
		version string
		more    []string
		swap    any
	}{
		{"2.1", nil, ""}, {"2.54", nil, ""}, {"2.55", []string{"description"}, ""}, {"2.61", []string{"description", "extra_specs"}, ""},
		{"2.75", []string{"description", "extra_specs"}, 0}, {"2.90", []string{"description", "extra_specs"}, 0},
	} {
		want := slices.Sorted(slices.Values(slices.Concat(base, c.more)))
		a := w.get("ann@"+c.version, "/flavors/1")
		if got := a.keys("flavor"); !slices.Equal(got, want) {
			t.Errorf("%s: members %v, want %v", c.version, got, want)
		}
		a.check(map[string]any{"flavor/id": "1", "flavor/name": "m1.tiny", "flavor/ram": 512, "flavor/vcpus": 1, "flavor/disk": 1, "flavor/rxtx_factor": 1.0,
			"flavor/swap": c.swap, "flavor/os-flavor-access:is_public": true, "flavor/links/0/href": w.url + "/compute/v2.1/flavors/1"})
		if got := w.get("ann@"+c.version, "/flavors/detail").keys("flavors/0"); !slices.Equal(got, want) {
			t.Errorf("%s, detail: members %v, want %v", c.version, got, want)
		}
	}
	if got := w.get("ann", "/flavors").keys("flavors/0"); !slices.Equal(got, []string{"id", "links", "name"}) {
		t.Errorf("list: members %v", got)
	}
}

func TestFlavorList(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *statestore.Txn) error {
		compute.Flavors.Put(tx, compute.Flavor{ID: "private", Name: "private", VCPUs: 1, MemoryMiB: 1, Projects: []string{"p2"}})
		return nil
	})
	all := []string{"1", "2", "3", "4", "5"}
	for _, c := range []struct {
		who, query string
		want       []string
	}{
		{"ann", "", all},
		{"bob", "", append(slices.Clone(all), "private")},
		{"admin", "", all},
		{"admin", "?is_public=None", append(slices.Clone(all), "private")},
		{"admin", "?is_public=false", []string{"private"}},
		{"ann", "?is_public=None", all},
		{"ann", "?minRam=4096", all[2:]},
		{"ann", "?minDisk=81", all[4:]},
		{"ann", "?sort_key=memory_mb&sort_dir=desc&limit=2", []string{"5", "4"}},
		{"ann", "?limit=2&marker=2", []string{"3", "4"}},
	} {
		if got := w.get(c.who, "/flavors/detail"+c.query).column("flavors", "id"); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %v, want %v", c.who, c.query, got, c.want)
		}
	}
	var got []string
	for url := w.url + "/compute/v2.1/flavors?limit=2"; url != ""; {
		a := w.call("ann", "GET", url, "").want(200)
		got = append(got, a.column("flavors", "id")...)
		url = a.text("flavors_links/0/href")
	}
	if !slices.Equal(got, all) {
		t.Errorf("page by page: %v", got)
	}
	w.call("ann", "GET", "/v2.1/flavors?minRam=x", "").fails(400, "", "minRam")
	w.call("ann", "GET", "/v2.1/flavors?marker=none", "").fails(400, "", "marker [none] not found")
	w.call("ann", "GET", "/v2.1/flavors/private", "").fails(404, "", "Flavor private could not be found.")
}

func TestFlavorManage(t *testing.T) {
	w := newWorld(t)
	create := `{"flavor":{"name":"f","ram":"256","vcpus":1,"disk":0,"swap":"64","id":"auto","os-flavor-access:is_public":"false","rxtx_factor":2.5}}`
	w.post("ann", "/flavors", create).fails(403, "", "compute:flavor:create")
	a := w.post("admin@2.55", "/flavors", create).want(200)
	id := a.text("flavor/id")
	if len(id) != 36 {
		t.Errorf("id %q is no UUID", id)
	}
	a.check(map[string]any{"flavor/ram": 256, "flavor/swap": 64, "flavor/os-flavor-access:is_public": false, "flavor/rxtx_factor": 2.5, "flavor/description": nil})
	w.post("admin", "/flavors", create).fails(409, "/flavor/name", "already exists")
	w.call("admin@2.54", "PUT", "/v2.1/flavors/"+id, `{"flavor":{"description":"d"}}`).want(404)
	w.call("admin@2.55", "PUT", "/v2.1/flavors/"+id, `{"flavor":{"description":"d"}}`).want(200).check(map[string]any{"flavor/description": "d"})

	specs := "/flavors/" + id + "/os-extra_specs"
	w.post("admin", specs, `{"extra_specs":{"hw:a":"1","b":"2"}}`).want(200).check(map[string]any{"extra_specs/hw:a": "1"})
	w.call("admin", "PUT", "/v2.1"+specs+"/b", `{"b":"3"}`).want(200)
	w.call("admin", "PUT", "/v2.1"+specs+"/b", `{"c":"3"}`).fails(400, "", "mismatch")
	w.get("admin", specs+"/b").check(map[string]any{"b": "3"})
	w.call("admin", "DELETE", "/v2.1"+specs+"/b", "").want(200)
	w.call("admin", "DELETE", "/v2.1"+specs+"/b", "").fails(404, "", "no extra specs with key b")
	w.get("admin", specs).check(map[string]any{"extra_specs": map[string]string{"hw:a": "1"}})

	access := "/flavors/" + id + "/os-flavor-access"
	w.call("ann", "GET", "/v2.1/flavors/"+id, "").want(404)
	w.post("admin", "/flavors/"+id+"/action", `{"addTenantAccess":{"tenant":"p1"}}`).want(200).check(map[string]any{"flavor_access/0/tenant_id": "p1", "flavor_access/0/flavor_id": id})
	w.post("admin", "/flavors/"+id+"/action", `{"addTenantAccess":{"tenant":"p1"}}`).fails(409, "", "already exists")
	w.get("ann", "/flavors/"+id)
	w.get("admin", access).check(map[string]any{"flavor_access/0/tenant_id": "p1"})
	w.call("admin", "GET", "/v2.1/flavors/1/os-flavor-access", "").fails(404, "", "public flavors")
	w.post("admin", "/flavors/"+id+"/action", `{"removeTenantAccess":{"tenant":"p1"}}`).want(200)
	w.call("ann", "GET", "/v2.1/flavors/"+id, "").want(404)

	w.call("ann", "DELETE", "/v2.1/flavors/1", "").fails(403, "", "")
	w.call("admin", "DELETE", "/v2.1/flavors/"+id, "").want(202)
	w.call("admin", "DELETE", "/v2.1/flavors/"+id, "").fails(404, "", "could not be found")
}
