package nova

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestUsage(t *testing.T) {
	w := newWorld(t)
	now := time.Now().UTC()
	ids := map[string]string{}
	for _, s := range []struct{ at, name string }{{"ann", "one"}, {"ann", "two"}, {"bob", "three"}} {
		id := w.running(s.at+"@2.52", s.name, `"networks":"none"`)
		ids[s.name] = id
		w.write(func(tx *statestore.Txn) error {
			i, _ := compute.Instances.Get(tx, id)
			i.LaunchedAt = now.Add(-2 * time.Hour)
			compute.Instances.Put(tx, i)
			return nil
		})
	}
	w.call("ann", "DELETE", "/v2.1"+"/servers/"+ids["two"], "").want(204)
	w.observe(ids["two"], compute.Observed{Gone: true})
	w.server("ann@2.52", "four", `"networks":"none"`) // has not run

	const path = "/os-simple-tenant-usage"
	stamp := func(ago time.Duration) string { return now.Add(-ago).Format("2006-01-02T15:04:05.000000") }
	week := "?start=" + stamp(7*24*time.Hour) + "&end=" + stamp(-24*time.Hour) // also what is to come
	a := w.get("admin", path+week)
	if got := a.column("tenant_usages", "tenant_id"); !slices.Equal(got, []string{"p1", "p2"}) {
		t.Fatalf("projects %v", got)
	}
	hours := func(a answer, at string) float64 { n, _ := a.at(at).(float64); return n }
	near := func(got, want float64) bool { return math.Abs(got-want) < want/100 }
	if h := hours(a, "tenant_usages/0/total_hours"); !near(h, 4) {
		t.Errorf("p1 has %f hours", h)
	}
	if a.at("tenant_usages/0/server_usages") != nil {
		t.Errorf("details that nobody asked for")
	}
	flavor := w.get("admin", "/flavors/1")
	for total, has := range map[string]string{"total_memory_mb_usage": "ram", "total_vcpus_usage": "vcpus", "total_local_gb_usage": "disk"} {
		if got, want := hours(a, "tenant_usages/1/"+total), 2*hours(flavor, "flavor/"+has); math.Abs(got-want) > want/100 {
			t.Errorf("%s %f, want %f", total, got, want)
		}
	}
	if got := w.get("admin", path+week+"&detailed=1").column("tenant_usages/0/server_usages", "name"); len(got) != 2 {
		t.Errorf("details %v", got)
	}
	w.call("ann", "GET", "/v2.1"+path, "").want(403)
	w.call("bob", "GET", "/v2.1"+path+"/p1", "").want(404)
	if a := w.get("rita", path+"/p1?start="+stamp(time.Hour)+"&end="+stamp(0)); !near(hours(a, "tenant_usage/total_hours"), 2) {
		t.Errorf("the last hour: %v", a.at("tenant_usage"))
	}
	states := map[string]string{}
	a = w.get("ann", path+"/p1"+week)
	for n, name := range a.column("tenant_usage/server_usages", "name") {
		states[name] = a.text(fmt.Sprintf("tenant_usage/server_usages/%d/state", n))
	}
	if states["one"] != "active" || states["two"] != "terminated" || len(states) != 2 {
		t.Errorf("%v", states)
	}
	if a := w.get("admin", path+"/p9"); len(a.keys("tenant_usage")) != 0 {
		t.Errorf("nothing used is %v", a.at("tenant_usage"))
	}
	for _, bad := range []string{"?start=yesterday", "?end=2012-13-01", "?start=" + stamp(0) + "&end=" + stamp(time.Hour)} {
		w.call("admin", "GET", "/v2.1"+path+bad, "").want(400)
	}
	w.call("admin@2.40", "GET", "/v2.1"+path+week+"&limit=x", "").want(400)
	var paged []string
	for at := "/v2.1" + path + week + "&detailed=1&limit=1"; at != ""; {
		a := w.call("admin@2.40", "GET", at, "").want(200)
		paged = append(paged, a.column("tenant_usages/0/server_usages", "instance_id")...)
		at = a.text("tenant_usages_links/0/href")
	}
	if len(paged) != 3 || !slices.IsSorted(paged) {
		t.Errorf("pages %v", paged)
	}
}
