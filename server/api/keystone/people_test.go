package keystone

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
)

// person makes a user with a role somewhere and returns its id and a token for it.
func (w *world) person(admin, name, domain, role, scopePath, scope string) (id, token string) {
	w.Helper()
	id = w.call(admin, "POST /users", fmt.Sprintf(`{"user":{"name":%q,"domain_id":%q,"password":%q}}`, name, domain, password)).must(201).at("user/id")
	w.call(admin, "PUT "+scopePath+"/users/"+id+"/roles/"+w.id(admin, "roles", role), "").must(204)
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}},"scope":%s}}`, id, password, scope)
	return id, w.call("", "POST /auth/tokens", body).must(201).header.Get(subjectHeader)
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	demoProject, adminProject, demo := w.id(admin, "projects", "demo"), w.id(admin, "projects", "admin"), w.id(admin, "users", "demo")
	member, reader, adminRole := w.id(admin, "roles", "member"), w.id(admin, "roles", "reader"), w.id(admin, "roles", "admin")
	strange := w.call(admin, "POST /roles", `{"role":{"name":"cook","domain_id":"default"}}`).must(201).at("role/id")
	domain := w.call(admin, "POST /domains", `{"domain":{"name":"branch"}}`).must(201).at("domain/id")
	branch := w.call(admin, "POST /projects", `{"project":{"name":"shop","domain_id":"`+domain+`"}}`).must(201).at("project/id")
	manager, managerToken := w.person(admin, "boss", domain, "manager", "/domains/"+domain, `{"domain":{"id":"`+domain+`"}}`)
	_, readerToken := w.person(admin, "guest", "default", "reader", "/projects/"+demoProject, `{"project":{"id":"`+demoProject+`"}}`)
	_, auditorToken := w.person(admin, "auditor", "default", "reader", "/system", `{"system":{"all":true}}`)
	tokens := map[string]string{"": "", "admin": admin, "demo": w.login("demo", "demo"), "manager": managerToken, "reader": readerToken, "auditor": auditorToken}
	grant := func(project, user, role string) string {
		return "/projects/" + project + "/users/" + user + "/roles/" + role
	}
	for _, c := range []struct {
		who, request, body string
		status             int
	}{
		{"", "GET /users", "", 401},
		{"demo", "GET /projects", "", 403},
		{"demo", "GET /projects/" + demoProject, "", 200},
		{"demo", "GET /projects/" + adminProject, "", 403},
		{"demo", "GET /projects/unknown", "", 403},
		{"demo", "PATCH /projects/" + demoProject, `{"project":{"name":"mine"}}`, 403},
		{"demo", "DELETE /projects/" + adminProject, "", 403},
		{"demo", "GET /users", "", 403},
		{"demo", "GET /users/" + demo, "", 200},
		{"demo", "GET /users/" + manager, "", 403},
		{"demo", "PATCH /users/" + demo, `{"user":{"name":"me"}}`, 403},
		{"demo", "GET /users/" + demo + "/projects", "", 200},
		{"demo", "GET /users/" + demo + "/groups", "", 200},
		{"demo", "GET /users/" + manager + "/groups", "", 403},
		{"demo", "GET /groups", "", 403},
		{"demo", "POST /groups", `{"group":{"name":"x"}}`, 403},
		{"demo", "GET /users/" + manager + "/projects", "", 403},
		{"demo", "GET /domains/default", "", 200},
		{"demo", "GET /domains/" + domain, "", 403},
		{"demo", "GET /domains", "", 403},
		{"demo", "GET /roles", "", 403},
		{"demo", "GET /roles/" + member, "", 403},
		{"demo", "GET /roles/unknown", "", 404},
		{"demo", "PATCH /roles/unknown", `{"role":{"name":"x"}}`, 404},
		{"demo", "DELETE /endpoints/unknown", "", 404},
		{"demo", "DELETE /groups/unknown", "", 403},
		{"demo", "GET /regions", "", 200},
		{"demo", "GET /services", "", 403},
		{"demo", "POST /regions", `{"region":{}}`, 403},
		{"demo", "GET /role_assignments", "", 403},
		{"demo", "PUT " + grant(demoProject, demo, adminRole), "", 403},
		{"demo", "PUT " + grant(adminProject, demo, adminRole), "", 403},
		{"demo", "PUT /system/users/" + demo + "/roles/" + adminRole, "", 403},
		{"reader", "POST /projects", `{"project":{"name":"new"}}`, 403},
		{"reader", "POST /projects", `{"project":{"nonsense":1}}`, 403},
		{"reader", "POST /users", `{"user":{"name":"new"}}`, 403},
		{"reader", "POST /domains", `{"domain":{"name":"new"}}`, 403},
		{"reader", "POST /roles", `{"role":{"name":"new"}}`, 403},
		{"auditor", "GET /users", "", 200},
		{"auditor", "GET /role_assignments", "", 200},
		{"auditor", "GET /endpoints", "", 200},
		{"auditor", "GET " + grant(demoProject, demo, member), "", 204},
		{"auditor", "POST /projects", `{"project":{"name":"new"}}`, 403},
		{"auditor", "DELETE /users/" + demo, "", 403},
		{"manager", "POST /projects", `{"project":{"name":"stall"}}`, 201},
		{"manager", "POST /projects", `{"project":{"name":"stall","domain_id":"default"}}`, 403},
		{"manager", "POST /users", `{"user":{"name":"clerk","domain_id":"` + domain + `"}}`, 201},
		{"manager", "POST /users", `{"user":{"name":"clerk","domain_id":"default"}}`, 403},
		{"manager", "PUT " + grant(branch, manager, member), "", 204},
		{"manager", "GET " + grant(branch, manager, member), "", 204},
		{"manager", "PUT " + grant(branch, manager, adminRole), "", 403},
		{"manager", "PUT " + grant(branch, demo, reader), "", 403},
		{"manager", "PUT " + grant(demoProject, manager, reader), "", 403},
		{"manager", "GET /users/" + demo, "", 403},
		{"manager", "DELETE " + grant(branch, manager, member), "", 204},
		{"manager", "DELETE " + grant(branch, manager, member), "", 404},
		{"manager", "GET " + grant(branch, manager, strange), "", 403},
		{"manager", "GET /role_assignments?include_subtree&scope.project.id=" + branch, "", 200},
		{"manager", "GET /role_assignments?include_subtree&scope.project.id=" + demoProject, "", 403},
		{"manager", "PATCH /domains/" + domain, `{"domain":{"enabled":false}}`, 403},
		{"admin", "GET /projects/unknown", "", 404},
		{"admin", "GET /users/unknown", "", 404},
		{"admin", "GET /groups/unknown", "", 404},
		{"manager", "POST /groups", `{"group":{"name":"staff"}}`, 201},
		{"manager", "POST /groups", `{"group":{"name":"staff","domain_id":"default"}}`, 403},
		{"manager", "POST /projects", `{"project":{"name":"mine","is_domain":true}}`, 403},
		{"manager", "POST /projects", `{"project":{"name":"beside","parent_id":"` + demoProject + `"}}`, 403},
		{"manager", "GET /projects/" + domain, "", 200},
		{"manager", "PATCH /projects/" + domain, `{"project":{"name":"x"}}`, 403},
		{"admin", "PUT " + grant(demoProject, demo, "unknown"), "", 404},
		{"admin", "PUT " + grant(demoProject, "unknown", member), "", 404},
		{"admin", "PUT " + grant("unknown", demo, member), "", 404},
		{"admin", "HEAD " + grant(demoProject, demo, member), "", 204},
		{"admin", "HEAD " + grant(demoProject, demo, adminRole), "", 404},
	} {
		if a := w.call(tokens[c.who], c.request, c.body); a.status != c.status {
			t.Errorf("%s: %s: %d, want %d: %s", c.who, c.request, a.status, c.status, a.text)
		}
	}
	// What a manager lists is their own domain's.
	for _, kind := range []string{"users", "projects"} {
		a := w.call(managerToken, "GET /"+kind, "").must(200)
		if ids := a.names(kind, "domain_id"); len(ids) == 0 || slices.ContainsFunc(ids, func(id string) bool { return id != domain }) {
			t.Errorf("a manager's %s: %s", kind, a.text)
		}
	}
	if a := w.call(managerToken, "GET /domains", "").must(200); !slices.Equal(a.names("domains", "id"), []string{domain}) {
		t.Errorf("a manager's domains: %s", a.text)
	}
	w.call(managerToken, "GET /role_assignments", "").must(200)
}

// An id that is not there must look like one that may not be seen.
func TestHiddenIsLikeMissing(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	for kind, name := range map[string]string{"projects": "admin", "users": "admin"} {
		hidden := w.call(demo, "GET /"+kind+"/"+w.id(admin, kind, name), "").must(403)
		if missing := w.call(demo, "GET /"+kind+"/00000000000000000000000000000000", "").must(403); missing.text != hidden.text {
			t.Errorf("%s: hidden %s, missing %s", kind, hidden.text, missing.text)
		}
	}
}

func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	project, user, role := w.id(admin, "projects", "demo"), w.id(admin, "users", "demo"), w.id(admin, "roles", "member")
	service := w.id(admin, "services", "nova")
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		request, body string
		status        int
		field         string
	}{
		{"POST /projects", `{"project":{"name":"x","options":{"immutable":7}}}`, 400, "/project/options/immutable"},
		{"POST /projects", `{"project":{"name":"x","options":{"immutible":true}}}`, 400, "/project/options/immutible"},
		{"POST /projects", `{"project":{"name":"x","parent_id":"default","is_domain":true}}`, 400, "/project/parent_id"},
		{"POST /groups", `{"group":{}}`, 400, "/group/name"},
		{"POST /groups", `{"group":{"name":"x","domain_id":"nowhere"}}`, 404, "/group/domain_id"},
		{"POST /groups", `{"group":{"name":["x"]}}`, 400, "/group/name"},
		{"PUT /groups/unknown/users/" + user, ``, 404, ""},
		{"POST /projects", `{"project":{"name":"x","enabled":"yes"}}`, 400, "/project/enabled"},
		{"POST /projects", `{"project":{"name":"x","enabled":null}}`, 400, "/project/enabled"},
		{"POST /projects", `{"project":{"name":"x","tags":["a,b"]}}`, 400, "/project/tags/0"},
		{"POST /projects", `{"project":{"name":"x","tags":["a","a"]}}`, 400, "/project/tags/1"},
		{"POST /projects", `{"project":{"name":"x","tags":["` + long + `"]}}`, 400, "/project/tags/0"},
		{"PATCH /projects/" + project, `{"project":{"tags":null}}`, 400, "/project/tags"},
		{"PATCH /projects/" + project, `{"project":{"tags":["` + long[1:] + `"]}}`, 200, ""},
		{"PATCH /projects/" + project, `{"project":{}}`, 400, "/project"},
		{"PATCH /domains/default", `{"domain":{}}`, 400, "/domain"},
		{"PATCH /users/" + user, `{"user":{}}`, 400, "/user"},
		{"POST /projects", `{"project":{"name":"default","is_domain":true}}`, 409, "/project/name"},
		{"PATCH /projects/" + project, `{"project":{"is_domain":true}}`, 400, "/project/is_domain"},
		{"POST /projects", `{"project":{"name":"x","domain_id":"nowhere"}}`, 404, "/project/domain_id"},
		{"POST /projects", `{"project":{"name":"x","parent_id":"nothing"}}`, 404, "/project/parent_id"},
		{"POST /projects", `{"project":{"name":7}}`, 400, "/project/name"},
		{"POST /projects", `{"project":{}}`, 400, "/project/name"},
		{"POST /projects", `{"project":{"name":"` + long + `"}}`, 400, "/project/name"},
		{"POST /projects", `{"project":{"name":"demo"}}`, 409, "/project/name"},
		{"POST /projects", `{"tenant":{}}`, 400, "/tenant"},
		{"PATCH /projects/" + project, `{"project":{"domain_id":"other"}}`, 400, "/project/domain_id"},
		{"PATCH /projects/" + project, `{"project":{"parent_id":"other"}}`, 400, "/project/parent_id"},
		{"PATCH /projects/" + project, `{"project":{"name":"admin"}}`, 409, "/project/name"},
		{"PATCH /projects/" + project, `{"project":{"domain_id":"default"}}`, 200, ""},
		{"PUT /projects/" + project + "/tags", `{"tags":["a/b"]}`, 400, "/tags/0"},
		{"POST /users", `{"user":{"name":"demo"}}`, 409, "/user/name"},
		{"POST /users", `{"user":{"name":"x","options":{"lock_password":"yes"}}}`, 400, "/user/options/lock_password"},
		{"POST /users", `{"user":{"name":"x","options":{"multi_factor_auth_rules":[["password","password"]]}}}`, 400, "/user/options/multi_factor_auth_rules"},
		{"POST /users", `{"user":{"name":"x","default_project_id":"default"}}`, 400, "/user/default_project_id"},
		{"POST /users", `{"user":{"name":"x","password":"` + strings.Repeat("x", 4097) + `"}}`, 400, "/user/password"},
		{"PATCH /users/" + user, `{"user":{"id":"` + user + `"}}`, 200, ""},
		{"PATCH /users/" + user, `{"user":{"id":"other"}}`, 400, "/user/id"},
		{"POST /users", `{"user":{"name":"x","id":"mine"}}`, 400, "/user/id"},
		{"PATCH /users/" + user, `{"user":{"name":null}}`, 400, "/user/name"},
		{"GET /users?password_expires_at=soon", ``, 400, ""},
		{"GET /users?limit=some", ``, 400, ""},
		{"GET /role_assignments?group.id=x&effective", ``, 400, ""},
		{"GET /role_assignments?group.id=x&user.id=y", ``, 400, ""},
		{"PATCH /users/" + user, `{"user":{"domain_id":"other"}}`, 400, "/user/domain_id"},
		{"PATCH /users/" + user, `{"user":{"name":"a","name":"b"}}`, 400, "/user/name"},
		{"POST /users/" + user + "/password", `{"user":{"original_password":"wrong","password":"x"}}`, 401, ""},
		{"POST /users/" + user + "/password", `{"user":{"password":"x"}}`, 400, "/user/original_password"},
		{"POST /users/unknown/password", `{"user":{"original_password":"wrong","password":"x"}}`, 401, ""},
		{"POST /users/" + user + "/password", `{"user":{"original_password":"` + password + `","password":""}}`, 400, "/user/password"},
		{"PATCH /domains/default", `{"domain":{"enabled":false}}`, 403, ""},
		{"DELETE /domains/default", ``, 403, ""},
		{"POST /domains", `{"domain":{"name":"default"}}`, 409, "/domain/name"},
		{"POST /roles", `{"role":{"name":"MEMBER"}}`, 409, "/role/name"},
		{"PATCH /roles/" + role, `{"role":{"name":"x"}}`, 403, ""},
		{"DELETE /roles/" + role, ``, 403, ""},
		{"PUT /roles/" + role + "/implies/" + role, ``, 400, ""},
		{"GET /roles/" + role + "/implies/unknown", ``, 404, ""},
		{"POST /regions", `{"region":{"id":"RegionOne"}}`, 409, "/region/id"},
		{"POST /regions", `{"region":{"parent_region_id":"x"}}`, 404, "/region/parent_region_id"},
		{"PUT /regions/x", `{"region":{"id":"y"}}`, 400, "/region/id"},
		{"DELETE /regions/RegionOne", ``, 403, ""},
		{"POST /services", `{"service":{"name":"x"}}`, 400, "/service/type"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"http://x"}}`, 400, "/endpoint/service_id"},
		{"POST /endpoints", `{"endpoint":{"interface":"side","url":"http://x","service_id":"` + service + `"}}`, 400, "/endpoint/interface"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"http://x/$(nothing)s","service_id":"` + service + `"}}`, 400, "/endpoint/url"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"http://x/%(user_id","service_id":"` + service + `"}}`, 400, "/endpoint/url"},
		{"POST /OS-EP-FILTER/endpoint_groups", `{"endpoint_group":{"name":"x","filters":{}}}`, 400, "/endpoint_group/filters"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"ftp://x","service_id":"` + service + `"}}`, 400, "/endpoint/url"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"http://x","service_id":"x"}}`, 404, "/endpoint/service_id"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"http://x","service_id":"` + service + `","region_id":"x"}}`, 404, "/endpoint/region_id"},
		{"GET /role_assignments?scope.project.id=a&scope.domain.id=b", ``, 400, ""},
		{"GET /role_assignments?include_subtree", ``, 400, ""},
		{"PUT /users", `{}`, 405, ""},
	} {
		before := w.store.Snapshot().Revision()
		a := w.call(admin, c.request, c.body)
		if a.status != c.status || a.header.Get("Cloudlet-Field") != c.field {
			t.Errorf("%s %s: %d at %q, want %d at %q: %s", c.request, c.body, a.status, a.header.Get("Cloudlet-Field"), c.status, c.field, a.text)
		}
		if a.status >= 400 && w.store.Snapshot().Revision() != before {
			t.Errorf("%s %s: refused, and something was stored", c.request, c.body)
		}
	}
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	red := w.call(admin, "POST /projects", `{"project":{"name":"red","tags":["warm","bright"],"enabled":false,"description":null,"options":{}}}`).must(201).at("project/id")
	w.call(admin, "POST /projects", `{"project":{"name":"rose","tags":["warm"],"is_domain":false,"enabled":false,"parent_id":"`+red+`"}}`).must(201)
	for query, want := range map[string]string{
		"?name=RED": "red", "?enabled=false": "red rose", "?enabled": "admin demo service", "?parent_id=" + red: "rose", "?is_domain=true": "Default", "?is_domain=0&name__gt=r": "red rose service",
		"?tags=warm": "red rose", "?tags=warm,bright": "red", "?tags-any=bright,cold": "red", "?not-tags=warm,bright": "admin demo rose service",
		"?not-tags-any=bright,warm": "admin demo service", "?name__startswith=r": "red rose", "?name__icontains=ED": "red", "?domain_id=x": "",
	} {
		a := w.call(admin, "GET /projects"+query, "").must(200)
		names := a.names("projects", "name")
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
		if a.at("links/self") != w.url+"/identity/v3/projects"+query || a.at("links/next") != "<nil>" || !strings.Contains(a.text, `"previous":null`) {
			t.Errorf("%s: links %s", query, a.at("links"))
		}
	}
	if a := w.call(admin, "GET /users?idp_id=acme", "").must(200); len(a.names("users", "name")) != 0 {
		t.Errorf("nobody came by federation: %s", a.text)
	}
	if a := w.call(admin, "GET /projects/"+red+"?subtree_as_ids&parents_as_ids", "").must(200); !strings.Contains(a.text, `"parents":{"default":null}`) || a.at("project/subtree") == "<nil>" {
		t.Errorf("relatives: %s", a.text)
	}
	if a := w.call(admin, "GET /projects/"+red+"?subtree_as_list=1&parents_as_list=1", "").must(200); a.at("project/subtree/0/project/name") != "rose" || a.at("project/parents") != "[]" {
		t.Errorf("relatives: %s", a.text)
	}
	if a := w.call(admin, "GET /projects/"+red, "").must(200); a.at("project/links/self") != w.url+"/identity/v3/projects/"+red || strings.Contains(a.text, "subtree") {
		t.Errorf("project: %s", a.text)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	path := "/projects/" + w.id(admin, "projects", "demo") + "/tags"
	for _, c := range []struct {
		request, body string
		status        int
		tags          string
	}{
		{"PUT " + path, `{"tags":["a","b"]}`, 200, "[a b]"},
		{"PUT " + path + "/c%20d", "", 201, "[a b c d]"},
		{"PUT " + path + "/a", "", 201, "[a b c d]"},
		{"GET " + path + "/b", "", 204, "[a b c d]"},
		{"GET " + path + "/x", "", 404, "[a b c d]"},
		{"DELETE " + path + "/b", "", 204, "[a c d]"},
		{"DELETE " + path + "/b", "", 404, "[a c d]"},
		{"DELETE " + path, "", 204, "[]"},
	} {
		w.call(admin, c.request, c.body).must(c.status)
		if got := w.call(admin, "GET "+path, "").must(200).at("tags"); got != c.tags {
			t.Errorf("after %s: %s, want %s", c.request, got, c.tags)
		}
	}
}

func TestAssignmentList(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	demo, project, member := w.id(admin, "users", "demo"), w.id(admin, "projects", "demo"), w.id(admin, "roles", "member")
	child := w.call(admin, "POST /projects", `{"project":{"name":"child","parent_id":"`+project+`"}}`).must(201).at("project/id")
	w.call(admin, "PUT /OS-INHERIT/projects/"+project+"/users/"+demo+"/roles/"+member+"/inherited_to_projects", "").must(204)
	w.call(admin, "HEAD /OS-INHERIT/projects/"+project+"/users/"+demo+"/roles/"+member+"/inherited_to_projects", "").must(204)
	w.call(admin, "PUT /system/users/"+demo+"/roles/"+member, "").must(204)
	for query, want := range map[string]int{
		"?user.id=" + demo:                                                  3,
		"?user.id=" + demo + "&scope.system=all":                            1,
		"?user.id=" + demo + "&scope.OS-INHERIT:inherited_to=projects":      1,
		"?user.id=" + demo + "&scope.project.id=" + project:                 2,
		"?user.id=" + demo + "&effective":                                   6, // member and reader in project, child and system
		"?user.id=" + demo + "&effective=0":                                 3,
		"?scope.project.id=" + child + "&effective=True":                    2,
		"?scope.project.id=" + project + "&include_subtree&effective":       8, // and admin's four
		"?role.id=" + member:                                                3,
		"?group.id=x":                                                       0,
		"?scope.domain.id=default&role.id=" + w.id(admin, "roles", "admin"): 1,
	} {
		a := w.call(admin, "GET /role_assignments"+query, "").must(200)
		if got := len(a.names("role_assignments", "role")); got != want {
			t.Errorf("%s: %d, want %d: %s", query, got, want, a.text)
		}
	}
	// The same for another reason is another row, and each says where it comes from.
	w.call(admin, "PUT /projects/"+child+"/users/"+demo+"/roles/"+member, "").must(204)
	a := w.call(admin, "GET /role_assignments?user.id="+demo+"&role.id="+member+"&scope.project.id="+child+"&effective", "").must(200)
	inherited := fmt.Sprintf(`"scope":{"project":{"id":%q},"OS-INHERIT:inherited_to":"projects"}`, child)
	if strings.Count(a.text, `"role"`) != 2 || strings.Count(a.text, inherited) != 1 {
		t.Errorf("given and inherited: %s", a.text)
	}
	if a := w.call(admin, "GET /role_assignments?scope.domain.id=default", "").must(200); strings.Contains(a.text, `"name":`) {
		t.Errorf("names that nobody asked for: %s", a.text)
	}
	a = w.call(admin, "GET /role_assignments?include_names&scope.OS-INHERIT:inherited_to=projects", "").must(200)
	want := fmt.Sprintf(`{"role":{"id":%q,"name":"member"},"user":{"id":%q,"name":"demo","domain":{"id":"default","name":"Default"}},`+
		`"scope":{"project":{"id":%q,"name":"demo","domain":{"id":"default","name":"Default"}},"OS-INHERIT:inherited_to":"projects"},`+
		`"links":{"assignment":"%s/identity/v3/OS-INHERIT/projects/%s/users/%s/roles/%s/inherited_to_projects"}}`, member, demo, project, w.url, project, demo, member)
	if !strings.Contains(a.text, want) {
		t.Errorf("got  %s\nwant %s", a.text, want)
	}
	if a := w.call(admin, "GET /projects/"+project+"/users/"+demo+"/roles", "").must(200); !slices.Equal(a.names("roles", "name"), []string{"member"}) {
		t.Errorf("roles in the project: %s", a.text)
	}
	w.call(admin, "GET /projects/"+project+"/users/unknown/roles", "").must(404)
}

func TestRolesOfDomains(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	reader := w.id(admin, "roles", "reader")
	own := w.call(admin, "POST /roles", `{"role":{"name":"reader","domain_id":"default"}}`).must(201).at("role/id")
	if got := w.id(admin, "roles", "reader"); got != reader {
		t.Errorf("the roles for all list one of a domain, %s", got)
	}
	if a := w.call(admin, "GET /roles?domain_id=default", "").must(200); !slices.Equal(a.names("roles", "id"), []string{own}) {
		t.Errorf("roles of the domain: %s", a.text)
	}
	both := "/roles/" + own + "/implies/" + reader
	w.call(admin, "PUT /roles/"+reader+"/implies/"+own, "").must(403)
	w.call(admin, "HEAD "+both, "").must(404)
	if a := w.call(admin, "PUT "+both, "").must(201); a.at("role_inference/prior_role/id") != own || a.at("role_inference/implies/name") != "reader" {
		t.Errorf("inference: %s", a.text)
	}
	w.call(admin, "HEAD "+both, "").must(204)
	w.call(admin, "GET "+both, "").must(200)
	if a := w.call(admin, "GET /roles/"+own+"/implies", "").must(200); a.at("role_inference/implies/0/id") != reader {
		t.Errorf("implied: %s", a.text)
	}
	w.call(admin, "PUT /roles/"+reader+"/implies/"+w.id(admin, "roles", "admin"), "").must(400)
	w.call(admin, "DELETE "+both, "").must(204)
	w.call(admin, "DELETE "+both, "").must(404)
}

// Every row asks for a rule that the policy has, and every rule is asked for.
func TestRowsAndRules(t *testing.T) {
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s := Service(Deps{})
	var asked []string
	front.Rows([]*front.Service{s}, func(_ *front.Service, _ string, r *front.Route) {
		if r.Rule != front.Public && r.Rule != front.Authenticated {
			asked = append(asked, r.Rule)
		}
	})
	undefined, unused := rules.Check(asked)
	unused = slices.DeleteFunc(unused, func(name string) bool { return !strings.HasPrefix(name, "identity:") })
	if len(undefined)+len(unused) > 0 {
		t.Errorf("undefined %v, unused %v", undefined, unused)
	}
}
