package keystone

import (
	"fmt"
	"slices"
	"testing"
)

// place makes a service and an endpoint of it in a region, and returns their ids.
func (w *world) place(admin, kind, region string) (service, endpoint string) {
	w.Helper()
	service = w.call(admin, "POST /services", `{"service":{"name":"x","type":"`+kind+`"}}`).must(201).at("service/id")
	body := fmt.Sprintf(`{"endpoint":{"service_id":%q,"interface":"public","url":"http://x","region":%q}}`, service, region)
	return service, w.call(admin, "POST /endpoints", body).must(201).at("endpoint/id")
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	policy := func(blob string) string {
		return w.call(admin, "POST /policies", `{"policy":{"blob":"`+blob+`","type":"text"}}`).must(201).at("policy/id")
	}
	a, b, c := policy("a"), policy("b"), policy("c")
	w.call(admin, "POST /policies", `{"policy":{"type":"text"}}`).must(400)
	w.call(admin, "POST /policies", `{"policy":{"blob":"x"}}`).must(400)
	w.call(demo, "GET /policies/"+a, "").must(403)
	if got := w.call(admin, "PATCH /policies/"+a, `{"policy":{"type":"json"}}`).must(200); got.at("policy/blob") != "a" || got.at("policy/type") != "json" {
		t.Errorf("changed to %s", got.text)
	}
	if got := w.call(admin, "GET /policies?type=text", "").must(200).names("policies", "id"); len(got) != 2 {
		t.Errorf("found %v", got)
	}
	service, endpoint := w.place(admin, "dns", "RegionOne")
	const of = "/OS-ENDPOINT-POLICY"
	w.call(admin, "GET /endpoints/"+endpoint+of+"/policy", "").must(404)
	for _, step := range []struct{ policy, place string }{{a, "/services/" + service}, {b, "/services/" + service + "/regions/RegionOne"}, {c, "/endpoints/" + endpoint}} {
		w.call(admin, "PUT /policies/"+step.policy+of+step.place, "").must(204)
		w.call(admin, "GET /policies/"+step.policy+of+step.place, "").must(204)
		if got := w.call(admin, "GET /endpoints/"+endpoint+of+"/policy", "").must(200).at("policy/id"); got != step.policy {
			t.Errorf("%s counts, not %s", got, step.policy)
		}
	}
	w.call(admin, "GET /policies/"+a+of+"/endpoints/"+endpoint, "").must(404)
	w.call(admin, "PUT /policies/"+a+of+"/endpoints/nosuch", "").must(404)
	if got := w.call(admin, "GET /policies/"+c+of+"/endpoints", "").must(200).names("endpoints", "id"); !slices.Equal(got, []string{endpoint}) {
		t.Errorf("applies to %v", got)
	}
	w.call(admin, "DELETE /policies/"+c+of+"/endpoints/"+endpoint, "").must(204)
	w.call(admin, "DELETE /policies/"+b, "").must(204)
	if got := w.call(admin, "GET /endpoints/"+endpoint+of+"/policy", "").must(200).at("policy/id"); got != a {
		t.Errorf("%s counts in the end", got)
	}
}

func TestEndpointGroups(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	project := w.id(admin, "projects", "demo")
	service, endpoint := w.place(admin, "dns", "RegionOne")
	_, other := w.place(admin, "key-manager", "RegionOne")
	const groups, projects = "/OS-EP-FILTER/endpoint_groups", "/OS-EP-FILTER/projects/"
	for body, status := range map[string]int{`{"name":"x"}`: 400, `{"filters":{}}`: 400, `{"name":"x","filters":{"color":"red"}}`: 400, `{"name":"x","filters":{"interface":"any"}}`: 400} {
		w.call(admin, "POST "+groups, `{"endpoint_group":`+body+`}`).must(status)
	}
	group := w.call(admin, "POST "+groups, `{"endpoint_group":{"name":"g","filters":{"service_id":"`+service+`"}}}`).must(201).at("endpoint_group/id")
	types := func() []string {
		a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, projectNamed("demo"))).must(201)
		return w.call(a.header.Get(subjectHeader), "GET /auth/catalog", "").must(200).names("catalog", "type")
	}
	if got := types(); !slices.Contains(got, "dns") || !slices.Contains(got, "key-manager") {
		t.Errorf("without a filter the catalog has %v", got)
	}
	w.call(admin, "PUT "+groups+"/"+group+"/projects/"+project, "").must(204)
	if got := types(); !slices.Equal(got, []string{"dns"}) {
		t.Errorf("with a group the catalog has %v", got)
	}
	w.call(admin, "PUT "+projects+project+"/endpoints/"+other, "").must(204)
	w.call(admin, "PUT "+projects+project+"/endpoints/nosuch", "").must(404)
	if got := types(); !slices.Equal(got, []string{"dns", "key-manager"}) {
		t.Errorf("with a group and an endpoint the catalog has %v", got)
	}
	for path, want := range map[string][]string{
		groups + "/" + group + "/endpoints endpoints":             {endpoint},
		groups + "/" + group + "/projects projects":               {project},
		projects + project + "/endpoint_groups endpoint_groups":   {group},
		"/OS-EP-FILTER/endpoints/" + other + "/projects projects": {project},
	} {
		var at, key string
		fmt.Sscan(path, &at, &key)
		if got := w.call(admin, "GET "+at, "").must(200).names(key, "id"); !slices.Equal(got, want) {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := w.call(admin, "GET "+projects+project+"/endpoints", "").must(200).names("endpoints", "id"); len(got) != 2 {
		t.Errorf("the project has %v", got)
	}
	w.call(admin, "GET "+projects+project+"/endpoints/"+other, "").must(204)
	w.call(admin, "GET "+groups+"/"+group+"/projects/"+project, "").must(200)
	w.call(admin, "PATCH "+groups+"/"+group, `{"endpoint_group":{"filters":{"interface":"admin"}}}`).must(200)
	w.call(admin, "DELETE /endpoints/"+other, "").must(204)
	w.call(admin, "DELETE "+groups+"/"+group, "").must(204)
	if got := types(); len(got) < 3 {
		t.Errorf("in the end the catalog has %v", got)
	}
}
