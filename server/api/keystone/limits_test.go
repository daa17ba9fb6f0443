package keystone

import (
	"fmt"
	"testing"

	"github.com/cloudlet/cloudlet/server/identity"
)

func TestLimits(t *testing.T) {
	for _, model := range []identity.LimitModel{identity.FlatLimits, identity.StrictLimits} {
		t.Run(string(model), func(t *testing.T) { testLimits(t, model) })
	}
}

func testLimits(t *testing.T, model identity.LimitModel) {
	w := newWorldWith(t, identity.Settings{LimitModel: model})
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	project, other := w.id(admin, "projects", "demo"), w.id(admin, "projects", "admin")
	service, _ := w.place(admin, "dns", "RegionOne")
	if got := w.call(demo, "GET /limits/model", "").must(200).at("model/name"); got != string(model) {
		t.Errorf("the model is %s", got)
	}
	strict := func(flat, strict int) int {
		if model == identity.StrictLimits {
			return strict
		}
		return flat
	}
	registered := func(more string) string {
		return fmt.Sprintf(`{"registered_limits":[{"service_id":%q,%s}]}`, service, more)
	}
	a := w.call(admin, "POST /registered_limits", registered(`"resource_name":"zones","default_limit":10`)).must(201)
	id := a.at("registered_limits/0/id")
	w.call(admin, "POST /registered_limits", registered(`"resource_name":"zones","default_limit":10`)).must(409)
	w.call(admin, "POST /registered_limits", registered(`"resource_name":"zones","default_limit":10,"region_id":"RegionOne"`)).must(201)
	w.call(admin, "POST /registered_limits", registered(`"resource_name":"zones","default_limit":10,"region_id":"nosuch"`)).must(400)
	w.call(admin, "POST /registered_limits", registered(`"resource_name":"x","default_limit":-2`)).must(400)
	w.call(admin, "POST /registered_limits", registered(`"resource_name":"x"`)).must(400)
	w.call(demo, "POST /registered_limits", registered(`"resource_name":"x","default_limit":1`)).must(403)
	if got := w.call(demo, "GET /registered_limits?resource_name=zones", "").must(200).names("registered_limits", "id"); len(got) != 2 {
		t.Errorf("registered are %v", got)
	}
	limit := func(owner, of string, most int) string {
		return fmt.Sprintf(`{"limits":[{%q:%q,"service_id":%q,"resource_name":"zones","resource_limit":%d}]}`, owner, of, service, most)
	}
	w.call(admin, "POST /limits", limit("project_id", project, 11)).must(strict(201, 403))
	if model == identity.StrictLimits {
		w.call(admin, "POST /limits", limit("domain_id", "default", 20)).must(201)
		w.call(admin, "POST /limits", limit("project_id", project, 11)).must(201)
	}
	own := w.call(demo, "GET /limits?project_id="+project, "").must(200).names("limits", "id")[0]
	w.call(admin, "POST /limits", limit("project_id", project, 5)).must(409)
	w.call(admin, "POST /limits", limit("project_id", "nosuch", 5)).must(400)
	w.call(admin, "POST /limits", fmt.Sprintf(`{"limits":[{"project_id":%q,"service_id":%q,"resource_name":"records","resource_limit":1}]}`, project, service)).must(403)
	theirs := w.call(admin, "POST /limits", limit("project_id", other, 1)).must(201).at("limits/0/id")
	w.call(demo, "GET /limits/"+theirs, "").must(403)
	if got := w.call(demo, "GET /limits", "").must(200).names("limits", "id"); len(got) != 1 || got[0] != own {
		t.Errorf("demo sees %v, not %s", got, own)
	}
	w.call(admin, "PATCH /limits/"+own, `{"limit":{"resource_limit":21}}`).must(strict(200, 403))
	w.call(admin, "PATCH /limits/"+own, `{"limit":{"resource_limit":-1}}`).must(strict(200, 403))
	w.call(admin, "PATCH /limits/"+own, `{"limit":{"resource_limit":-2}}`).must(400)
	w.call(admin, "PATCH /limits/"+own, `{"limit":{"project_id":"x"}}`).must(400)
	w.call(demo, "PATCH /limits/"+own, `{"limit":{"resource_limit":3}}`).must(403)
	if got := w.call(admin, "PATCH /limits/"+own, `{"limit":{"resource_limit":3,"description":"few"}}`).must(200); got.at("limit/resource_limit") != "3" {
		t.Errorf("changed to %s", got.text)
	}
	w.call(admin, "DELETE /registered_limits/"+id, "").must(403)
	w.call(admin, "PATCH /registered_limits/"+id, `{"registered_limit":{"resource_name":"x"}}`).must(403)
	w.call(admin, "PATCH /registered_limits/"+id, `{"registered_limit":{"default_limit":4}}`).must(200)
	w.call(admin, "DELETE /limits/"+theirs, "").must(204)
	w.call(admin, "DELETE /projects/"+project, "").must(204)
	w.call(admin, "GET /limits/"+own, "").must(404)
	w.call(admin, "DELETE /services/"+service, "").must(204)
	w.call(admin, "GET /registered_limits/"+id, "").must(404)
}

// In the strict model domain and project are the two levels, whatever order a request has
// limits in, and limits come with the projects above and below.
func TestLimitsOfTree(t *testing.T) {
	for _, model := range []identity.LimitModel{identity.FlatLimits, identity.StrictLimits} {
		w := newWorldWith(t, identity.Settings{LimitModel: model})
		admin := w.login("admin", "admin")
		service, _ := w.place(admin, "dns", "RegionOne")
		top := w.call(admin, "POST /projects", `{"project":{"name":"top"}}`).must(201).at("project/id")
		w.call(admin, "POST /registered_limits", fmt.Sprintf(`{"registered_limits":[{"service_id":%q,"resource_name":"zones","default_limit":5}]}`, service)).must(201)
		one := func(owner, id string, most int) string {
			return fmt.Sprintf(`{%q:%q,"service_id":%q,"resource_name":"zones","resource_limit":%d}`, owner, id, service, most)
		}
		a := w.call(admin, "POST /limits", `{"limits":[`+one("project_id", top, 10)+","+one("domain_id", "default", 20)+`]}`).must(201)
		if a.at("limits/0/project_id") != top || a.at("limits/1/domain_id") != "default" {
			t.Errorf("%s: made %s", model, a.text)
		}
		below := w.call(admin, "POST /projects", fmt.Sprintf(`{"project":{"name":"below","parent_id":%q}}`, top))
		if model == identity.StrictLimits {
			if below.must(403); below.header.Get("Cloudlet-Field") != "/project/parent_id" {
				t.Errorf("the refusal points at %q", below.header.Get("Cloudlet-Field"))
			}
			w.call(admin, "POST /limits", `{"limits":[`+one("project_id", w.id(admin, "projects", "demo"), 20)+`]}`).must(201) // the sum is not bounded
			w.call(admin, "PATCH /limits/"+a.at("limits/1/id"), `{"limit":{"resource_limit":19}}`).must(403)
			continue
		}
		child := below.must(201).at("project/id")
		w.call(admin, "POST /limits", `{"limits":[`+one("project_id", child, 3)+`]}`).must(201)
		if got := w.call(admin, "GET /projects/"+child+"?parents_as_list&include_limits", "").must(200); got.at("project/parents/0/project/limits/0/resource_limit") != "10" ||
			got.at("project/parents/0/project/limits/0/links") != "<nil>" || got.at("project/limits") != "<nil>" {
			t.Errorf("above %s", got.text)
		}
		if got := w.call(admin, "GET /projects/"+top+"?subtree_as_list&include_limits", "").must(200); got.at("project/subtree/0/project/limits/0/resource_limit") != "3" {
			t.Errorf("below %s", got.text)
		}
		if got := w.call(admin, "GET /projects/"+top+"?subtree_as_list", "").must(200); got.at("project/subtree/0/project/limits") != "<nil>" {
			t.Errorf("below %s", got.text)
		}
	}
}

// A registered limit may become one of another service, region or resource while no limit rests on it.
func TestRegisteredLimitsMove(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	dns, _ := w.place(admin, "dns", "RegionOne")
	lb, _ := w.place(admin, "load-balancer", "Two")
	one := func(service, region string) string {
		return fmt.Sprintf(`{"service_id":%q,"region_id":%s,"resource_name":"zones","default_limit":5}`, service, region)
	}
	a := w.call(admin, "POST /registered_limits", `{"registered_limits":[`+one(dns, `"RegionOne"`)+","+one(dns, `"Two"`)+","+one(lb, "null")+`]}`).must(201)
	id := a.at("registered_limits/0/id")
	at := "PATCH /registered_limits/" + id
	for _, c := range []struct {
		change string
		status int
		field  string
	}{
		{`{"region_id":"Two"}`, 409, "/registered_limit/resource_name"},
		{`{"service_id":"` + lb + `","region_id":null}`, 409, "/registered_limit/resource_name"},
		{`{"region_id":"nowhere"}`, 400, "/registered_limit/region_id"},
		{`{"service_id":"nothing"}`, 400, "/registered_limit/service_id"},
		{`{"default_limit":"5"}`, 400, "/registered_limit/default_limit"},
		{`{"service_id":"` + lb + `","region_id":"Two"}`, 200, ""},
		{`{"region_id":"RegionOne","resource_name":"pools","description":"d"}`, 200, ""},
	} {
		if got := w.call(admin, at, `{"registered_limit":`+c.change+`}`).must(c.status); got.header.Get("Cloudlet-Field") != c.field {
			t.Errorf("%s points at %q, want %s", c.change, got.header.Get("Cloudlet-Field"), c.field)
		}
	}
	for query, want := range map[string]int{"": 3, "service_id=" + lb: 2, "region_id=RegionOne": 1, "resource_name=zones": 2, "region_id=Two&service_id=" + dns: 1, "service_id=nothing": 0} {
		if got := w.call(admin, "GET /registered_limits?"+query, "").must(200).names("registered_limits", "id"); len(got) != want {
			t.Errorf("%s finds %v, want %d", query, got, want)
		}
	}
	project := w.id(admin, "projects", "demo")
	limit := func(owner string) string {
		return `{` + owner + `,"service_id":"` + lb + `","region_id":"RegionOne","resource_name":"pools","resource_limit":1}`
	}
	w.call(admin, "POST /limits", `{"limits":[`+limit(`"project_id":"`+project+`"`)+","+limit(`"domain_id":"default"`)+`]}`).must(201)
	for query, want := range map[string]int{"": 2, "project_id=" + project: 1, "domain_id=default": 1, "service_id=" + lb: 2, "region_id=Two": 0, "resource_name=pools": 2} {
		if got := w.call(admin, "GET /limits?"+query, "").must(200).names("limits", "id"); len(got) != want {
			t.Errorf("%s finds %v, want %d", query, got, want)
		}
	}
	for _, change := range []string{`{"region_id":"Two"}`, `{"service_id":"` + dns + `"}`, `{"resource_name":"x"}`} {
		w.call(admin, at, `{"registered_limit":`+change+`}`).must(403)
	}
	w.call(admin, at, `{"registered_limit":{"default_limit":7,"region_id":"RegionOne"}}`).must(200)
}
