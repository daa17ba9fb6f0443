package keystone

import (
	"slices"
	"strings"
	"testing"
)

func TestGroups(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	user := w.call(admin, "POST /users", `{"user":{"name":"ann","password":"`+password+`"}}`).must(201).at("user/id")
	project, member := w.id(admin, "projects", "demo"), w.id(admin, "roles", "member")
	a := w.call(admin, "POST /groups", `{"group":{"name":"crew","description":"d","shoe":44}}`).must(201)
	group := a.at("group/id")
	if a.at("group/domain_id") != "default" || a.at("group/shoe") != "44" || a.at("group/links/self") != w.url+"/identity/v3/groups/"+group {
		t.Errorf("group: %s", a.text)
	}
	if a := w.call(admin, "PATCH /groups/"+group, `{"group":{"name":"team","size":3}}`).must(200); a.at("group/name") != "team" || a.at("group/shoe") != "44" || a.at("group/size") != "3" {
		t.Errorf("changed: %s", a.text)
	}
	w.call(admin, "PUT /groups/"+group+"/users/"+user, "").must(204)
	w.call(admin, "HEAD /groups/"+group+"/users/"+user, "").must(204)
	if got := w.call(admin, "GET /groups/"+group+"/users", "").must(200).names("users", "name"); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("members %v", got)
	}
	w.call("", "POST /auth/tokens", passwordAuth("ann", password, projectNamed("demo"))).must(401)
	grant := "/projects/" + project + "/groups/" + group + "/roles"
	w.call(admin, "PUT "+grant+"/"+member, "").must(204)
	w.call(admin, "HEAD "+grant+"/"+member, "").must(204)
	if got := w.call(admin, "GET "+grant, "").must(200).names("roles", "name"); !slices.Equal(got, []string{"member"}) {
		t.Errorf("roles %v", got)
	}
	token := w.login("ann", "demo")
	if got := w.call(token, "GET /auth/projects", "").must(200).names("projects", "name"); !slices.Equal(got, []string{"demo"}) {
		t.Errorf("projects %v", got)
	}
	if got := w.call(token, "GET /users/"+user+"/groups", "").must(200).names("groups", "name"); !slices.Equal(got, []string{"team"}) {
		t.Errorf("groups %v", got)
	}
	a = w.call(admin, "GET /role_assignments?effective&include_names&user.id="+user, "").must(200)
	if n := len(a.names("role_assignments", "role")); n != 2 || !strings.Contains(a.text, `"membership":"`+w.url+"/identity/v3/groups/"+group+"/users/"+user) {
		t.Errorf("effective: %s", a.text)
	}
	a = w.call(admin, "GET /role_assignments?include_names&group.id="+group, "").must(200)
	if a.at("role_assignments/0/group/name") != "team" || a.at("role_assignments/0/user") != "<nil>" || a.at("role_assignments/1") != "<nil>" {
		t.Errorf("given: %s", a.text)
	}
	w.call(admin, "DELETE /groups/"+group+"/users/"+user, "").must(204)
	w.call(admin, "HEAD /groups/"+group+"/users/"+user, "").must(404)
	w.call(token, "GET /auth/projects", "").must(401)
	w.call(admin, "PUT /groups/"+group+"/users/"+user, "").must(204)
	w.call(token, "GET /auth/projects", "").must(200)
	w.call(admin, "DELETE /groups/"+group, "").must(204)
	w.call(token, "GET /auth/projects", "").must(401)
	if got := w.call(admin, "GET /users/"+user+"/groups", "").must(200).at("groups"); got != "[]" {
		t.Errorf("groups of nobody: %s", got)
	}
}

// A group of a domain may hold more than that domain's manager: then it is not
// theirs to fill.
func TestManagersGiveNoMoreThanTheyHave(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	domain := w.call(admin, "POST /domains", `{"domain":{"name":"branch"}}`).must(201).at("domain/id")
	boss, token := w.person(admin, "boss", domain, "manager", "/domains/"+domain, `{"domain":{"id":"`+domain+`"}}`)
	group := w.call(token, "POST /groups", `{"group":{"name":"crew"}}`).must(201).at("group/id")
	join := "PUT /groups/" + group + "/users/" + boss
	w.call(token, "PUT /domains/"+domain+"/groups/"+group+"/roles/"+w.id(admin, "roles", "member"), "").must(204)
	w.call(token, join, "").must(204)
	w.call(token, "PUT /groups/"+group+"/users/"+w.id(admin, "users", "demo"), "").must(403)
	w.call(admin, "PUT /system/groups/"+group+"/roles/"+w.id(admin, "roles", "admin"), "").must(204)
	w.call(token, join, "").must(403)
	w.call(admin, join, "").must(204)
	// Nor is a user theirs who has more: a new password would be theirs to use.
	clerk := w.call(token, "POST /users", `{"user":{"name":"clerk"}}`).must(201).at("user/id")
	w.call(token, "PATCH /users/"+clerk, `{"user":{"password":"x"}}`).must(200)
	w.call(admin, "PUT /projects/"+w.id(admin, "projects", "admin")+"/users/"+clerk+"/roles/"+w.id(admin, "roles", "admin"), "").must(204)
	w.call(token, "PATCH /users/"+clerk, `{"user":{"password":"x"}}`).must(403)
	w.call(token, "DELETE /users/"+clerk, "").must(403)
	w.call(token, "GET /users/"+clerk, "").must(200)
	w.call(admin, "DELETE /users/"+clerk, "").must(204)
	// Nor one to whom a trust lends more.
	clerk = w.call(token, "POST /users", `{"user":{"name":"clerk"}}`).must(201).at("user/id")
	trust := w.call(admin, "POST /OS-TRUST/trusts", `{"trust":{"trustor_user_id":"`+w.id(admin, "users", "admin")+`","trustee_user_id":"`+clerk+
		`","project_id":"`+w.id(admin, "projects", "admin")+`","impersonation":false,"roles":[{"name":"reader"}]}}`).must(201).at("trust/id")
	w.call(token, "PATCH /users/"+clerk, `{"user":{"password":"x"}}`).must(403)
	w.call(admin, "DELETE /OS-TRUST/trusts/"+trust, "").must(204)
	w.call(token, "PATCH /users/"+clerk, `{"user":{"password":"x"}}`).must(200)
}

func TestImmutable(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	for kind, body := range map[string]string{"project": "", "role": "", "domain": `"enabled":false,`} {
		a := w.call(admin, "POST /"+kind+"s", `{"`+kind+`":{"name":"keep",`+body+`"options":{"immutable":true}}}`).must(201)
		if a.at(kind+"/options/immutable") != "true" {
			t.Errorf("%s: %s", kind, a.text)
		}
		path := "/" + kind + "s/" + a.at(kind+"/id")
		for _, refused := range [][2]string{
			{"PATCH " + path, `{"` + kind + `":{"description":"x"}}`},
			{"PATCH " + path, `{"` + kind + `":{"description":"x","options":{"immutable":false}}}`},
			{"DELETE " + path, ""},
		} {
			w.call(admin, refused[0], refused[1]).must(403)
		}
		if a := w.call(admin, "PATCH "+path, `{"`+kind+`":{"options":{"immutable":null}}}`).must(200); a.at(kind+"/options") != "map[]" {
			t.Errorf("%s: %s", kind, a.text)
		}
		w.call(admin, "PATCH "+path, `{"`+kind+`":{"description":"x"}}`).must(200)
		w.call(admin, "DELETE "+path, "").must(204)
	}
}

func TestProjectsThatActAsDomains(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	a := w.call(admin, "POST /projects", `{"project":{"name":"branch","is_domain":true}}`).must(201)
	id := a.at("project/id")
	if a.at("project/is_domain") != "true" || a.at("project/domain_id") != "<nil>" || a.at("project/parent_id") != "<nil>" {
		t.Errorf("made: %s", a.text)
	}
	w.call(admin, "GET /domains/"+id, "").must(200)
	child := w.call(admin, "POST /projects", `{"project":{"name":"shop","parent_id":"`+id+`"}}`).must(201)
	if child.at("project/domain_id") != id || child.at("project/parent_id") != id {
		t.Errorf("below: %s", child.text)
	}
	// A role in the project that acts as the domain is one in the domain no more than one in its projects.
	demo, member := w.id(admin, "users", "demo"), w.id(admin, "roles", "member")
	w.call(admin, "PUT /projects/"+id+"/users/"+demo+"/roles/"+member, "").must(204)
	a = w.call("", "POST /auth/tokens", passwordAuth("demo", password, `{"project":{"id":"`+id+`"}}`)).must(201)
	if a.at("token/is_domain") != "true" || a.at("token/project/domain") != "<nil>" || a.at("token/project/name") != "branch" {
		t.Errorf("token: %s", a.text)
	}
	w.call("", "POST /auth/tokens", passwordAuth("demo", password, `{"domain":{"id":"`+id+`"}}`)).must(401)
	w.call("", "POST /auth/tokens", passwordAuth("demo", password, `{"project":{"id":"`+child.at("project/id")+`"}}`)).must(401)
	w.call(admin, "DELETE /projects/"+id, "").must(403)
	w.call(admin, "PATCH /projects/"+id, `{"project":{"enabled":false}}`).must(200)
	w.call(admin, "POST /projects", `{"project":{"name":"late","domain_id":"`+id+`"}}`).must(403)
	w.call(admin, "DELETE /projects/"+id, "").must(204)
	w.call(admin, "GET /projects/"+child.at("project/id"), "").must(404)
}

func TestHierarchy(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	parent, ids := "default", []string{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		parent = w.call(admin, "POST /projects", `{"project":{"name":"`+name+`","parent_id":"`+parent+`"}}`).must(201).at("project/id")
		ids = append(ids, parent)
	}
	w.call(admin, "POST /projects", `{"project":{"name":"f","parent_id":"`+parent+`"}}`).must(403)
	enable := func(n int, on string) answer {
		return w.call(admin, "PATCH /projects/"+ids[n], `{"project":{"enabled":`+on+`}}`)
	}
	enable(3, "false").must(403)
	enable(4, "false").must(200)
	enable(3, "false").must(200)
	enable(4, "true").must(403)
	w.call(admin, "POST /projects", `{"project":{"name":"x","parent_id":"`+ids[3]+`"}}`).must(403)
	w.call(admin, "DELETE /projects/"+ids[3], "").must(403)
	if a := w.call(admin, "GET /projects/"+ids[2]+"?subtree_as_ids&parents_as_ids", "").must(200); !strings.Contains(a.text, `"subtree":{"`+ids[3]+`":{"`+ids[4]+`":null}}`) || !strings.Contains(a.text, `"parents":{"`+ids[1]+`":{"`+ids[0]+`":{"default":null}}}`) {
		t.Errorf("relatives: %s", a.text)
	}
	if a := w.call(admin, "GET /projects/"+ids[2]+"?subtree_as_list&parents_as_list", "").must(200); a.at("project/subtree/1/project/name") != "e" || a.at("project/parents/1/project/name") != "a" {
		t.Errorf("relatives: %s", a.text)
	}
	w.call(admin, "GET /projects/"+ids[2]+"?subtree_as_list&subtree_as_ids", "").must(400)
	w.call(admin, "GET /projects/"+ids[2]+"?parents_as_list&parents_as_ids", "").must(400)
}

func TestExtraMembersAreKept(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	service := w.id(admin, "services", "nova")
	for kind, body := range map[string]string{"user": `"name":"x"`, "project": `"name":"x"`, "domain": `"name":"x"`, "group": `"name":"x"`, "role": `"name":"x"`,
		"region": `"id":"x"`, "service": `"type":"x"`, "endpoint": `"interface":"public","url":"http://x","service_id":"` + service + `"`} {
		a := w.call(admin, "POST /"+kind+"s", `{"`+kind+`":{`+body+`,"color":"red","deep":{"a":[1]},"links":{"self":"mine"}}}`).must(201)
		path := "/" + kind + "s/" + a.at(kind+"/id")
		w.call(admin, "PATCH "+path, `{"`+kind+`":{"color":null}}`).must(200)
		a = w.call(admin, "GET "+path, "").must(200)
		if !strings.Contains(a.text, `"color":null`) || !strings.Contains(a.text, `"deep":{"a":[1]}`) || strings.Contains(a.text, "mine") {
			t.Errorf("%s: %s", kind, a.text)
		}
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	var got []string
	next := "?limit=2&sort_key=name&sort_dir=desc"
	for pages := 0; next != ""; pages++ {
		a := w.call(admin, "GET /projects"+next, "").must(200)
		got = append(got, a.names("projects", "name")...)
		link := a.at("links/next")
		if (link == "<nil>") != (a.at("truncated") == "<nil>") || pages > 3 {
			t.Fatalf("page: %s", a.text)
		}
		_, next, _ = strings.Cut(link, "/projects")
	}
	if want := []string{"service", "demo", "admin"}; !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
	w.call(admin, "GET /projects?sort_key=color", "").must(400)
	w.call(admin, "GET /projects?marker=nothing", "").must(400)
}

// Who reads one domain sees of its users and groups what is in it, and of its roles everybody
// who has them.
func TestReadersOfADomain(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	create := func(plural, kind, members string) string {
		t.Helper()
		return w.call(admin, "POST /"+plural, `{"`+kind+`":{`+members+`}}`).must(201).at(kind + "/id")
	}
	domain := create("domains", "domain", `"name":"branch"`)
	in := `,"domain_id":"` + domain + `"`
	reader, token := w.person(admin, "reader", domain, "reader", "/domains/"+domain, `{"domain":{"id":"`+domain+`"}}`)
	near, far := create("groups", "group", `"name":"near"`+in), create("groups", "group", `"name":"far"`)
	user, guest := create("users", "user", `"name":"ann"`+in), create("users", "user", `"name":"guest"`)
	project, other := create("projects", "project", `"name":"shop"`+in), create("projects", "project", `"name":"elsewhere"`)
	role := w.id(admin, "roles", "member")
	for _, path := range []string{"/groups/" + near + "/users/" + user, "/groups/" + near + "/users/" + guest, "/groups/" + far + "/users/" + user, "/groups/" + far + "/users/" + reader,
		"/projects/" + project + "/users/" + guest + "/roles/" + role, "/projects/" + project + "/users/" + user + "/roles/" + role, "/projects/" + other + "/users/" + user + "/roles/" + role} {
		w.call(admin, "PUT "+path, "").must(204)
	}
	for _, c := range []struct {
		who, path, key string
		want           []string
	}{
		{token, "/groups/" + near + "/users", "users", []string{user}},
		{admin, "/groups/" + near + "/users", "users", []string{user, guest}},
		{token, "/users/" + user + "/groups", "groups", []string{near}},
		{token, "/users/" + reader + "/groups", "groups", []string{far}}, // one's own
		{token, "/users/" + user + "/projects", "projects", []string{project}},
		{admin, "/users/" + user + "/projects", "projects", []string{project, other}},
	} {
		got := w.call(c.who, "GET "+c.path, "").must(200).names(c.key, "id")
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.path, got, c.want)
		}
	}
	got := w.call(token, "GET /role_assignments", "").must(200)
	if !strings.Contains(got.text, guest) || strings.Contains(got.text, other) || strings.Contains(got.text, `"system"`) {
		t.Errorf("assignments %s", got.text)
	}
	w.call(token, "GET /projects/"+project+"/users/"+guest+"/roles/"+role, "").must(403) // one by one, user and scope are in the domain
}
