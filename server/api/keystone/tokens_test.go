package keystone

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	for path, c := range map[string]struct {
		status int
		at     string
	}{
		"/":             {300, "versions/values/0/"},
		"/identity":     {300, "versions/values/0/"},
		"/identity/":    {300, "versions/values/0/"},
		"/identity/v3":  {200, "version/"},
		"/identity/v3/": {200, "version/"},
	} {
		rq, _ := http.NewRequestWithContext(t.Context(), "GET", w.url+path, nil)
		rq.Host = "cloud.example:5000"
		a := w.do(rq).must(c.status)
		if a.at(c.at+"links/0/href") != "http://cloud.example:5000/identity/v3/" || !strings.HasPrefix(a.at(c.at+"id"), "v3.") || a.at(c.at+"status") != "stable" {
			t.Errorf("%s: %s", path, a.text)
		}
	}
	if a := w.call("", "GET /nothing", ""); a.status != 404 || a.at("error/code") != "404" || a.at("error/title") != "Not Found" || a.at("error/message") == "<nil>" {
		t.Errorf("unknown path: %d %s", a.status, a.text)
	}
	if a := w.call("", "GET /projects", ""); a.status != 401 || !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Keystone uri=") {
		t.Errorf("no token: %d %s", a.status, a.text)
	}
}

func TestJSONHome(t *testing.T) {
	w := newWorld(t)
	a := w.call("", "GET /", "", "Accept", "application/json-home").must(200)
	if ct := a.header.Get("Content-Type"); ct != "application/json-home" {
		t.Errorf("type %s", ct)
	}
	resources, _ := a.body.(map[string]any)["resources"].(map[string]any)
	for rel, want := range map[string]string{
		"rel/users":              "map[href:/users]",
		"rel/auth_tokens":        "map[href:/auth/tokens]",
		"rel/user":               "map[href-template:/users/{user_id} href-vars:map[user_id:" + varRel + "user_id]]",
		"rel/group_user":         "map[href-template:/groups/{group_id}/users/{user_id} href-vars:map[group_id:" + varRel + "group_id user_id:" + varRel + "user_id]]",
		"rel/project_user_roles": "map[href-template:/projects/{project_id}/users/{user_id}/roles href-vars:map[project_id:" + varRel + "project_id user_id:" + varRel + "user_id]]",
		"ext/OS-INHERIT/1.0/rel/domain_user_role_inherited_to_projects": "map[href-template:/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects href-vars:map[domain_id:" +
			varRel + "domain_id role_id:" + varRel + "role_id user_id:" + varRel + "user_id]]",
		"rel/user_change_password":                      "map[href-template:/users/{user_id}/password href-vars:map[user_id:" + varRel + "user_id]]",
		"rel/implied_role":                              "map[href-template:/roles/{prior_role_id}/implies/{implied_role_id} href-vars:map[implied_role_id:" + varRel + "implied_role_id prior_role_id:" + varRel + "prior_role_id]]",
		"ext/OS-OAUTH1/1.0/rel/access_tokens":           "map[href:/OS-OAUTH1/access_token]",
		"ext/OS-OAUTH1/1.0/rel/authorize_request_token": "map[href-template:/OS-OAUTH1/authorize/{request_token_id} href-vars:map[request_token_id:" + varRel + "request_token_id]]",
		"ext/OS-OAUTH1/1.0/rel/user_access_token_roles": "map[href-template:/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles href-vars:map[access_token_id:" + varRel + "access_token_id user_id:" + varRel + "user_id]]",
	} {
		if got := fmt.Sprint(resources[homeRel+rel]); got != want {
			t.Errorf("%s: %s, want %s", rel, got, want)
		}
	}
	paths := map[string]string{}
	for _, r := range Service(Deps{}).Routes {
		if rel, _, _ := relation(r.Path); rel != "" && paths[rel] != "" && paths[rel] != r.Path {
			t.Errorf("%s is both %s and %s", rel, paths[rel], r.Path)
		} else {
			paths[rel] = r.Path
		}
	}
	for path := range homeNames {
		if !slices.ContainsFunc(Service(Deps{}).Routes, func(r front.Route) bool { return r.Path == path }) {
			t.Errorf("there is no path %s to have a name", path)
		}
	}
	if a := w.call("", "GET /", "", "Accept", "application/json").must(200); a.at("version/id") == "<nil>" {
		t.Errorf("without asking for it: %s", a.text)
	}
}

func TestTokenBody(t *testing.T) {
	w := newWorld(t)
	a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, projectNamed("demo"))).must(201)
	body := a.body.(map[string]any)["token"].(map[string]any)
	want := []string{"audit_ids", "catalog", "expires_at", "is_domain", "issued_at", "methods", "project", "roles", "user"}
	if got := slices.Sorted(maps.Keys(body)); !slices.Equal(got, want) {
		t.Errorf("members %v, want %v", got, want)
	}
	for path, want := range map[string]string{
		"token/methods": "[password]", "token/user/name": "demo", "token/user/domain": "map[id:default name:Default]", "token/user/password_expires_at": "<nil>",
		"token/project/name": "demo", "token/project/domain": "map[id:default name:Default]", "token/is_domain": "false",
		"token/catalog/0/type": "compute", "token/catalog/0/endpoints/0/url": w.url + "/compute/v2.1", "token/catalog/0/endpoints/0/interface": "public",
		"token/catalog/0/endpoints/0/region": "RegionOne", "token/catalog/0/endpoints/0/region_id": "RegionOne",
	} {
		if got := a.at(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	micros := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	if !micros.MatchString(a.at("token/issued_at")) || !micros.MatchString(a.at("token/expires_at")) {
		t.Errorf("times %s, %s", a.at("token/issued_at"), a.at("token/expires_at"))
	}
	if a.header.Get(subjectHeader) == "" || a.header.Get("Vary") != "X-Auth-Token" {
		t.Errorf("headers %v", a.header)
	}
	if a := w.call("", "POST /auth/tokens?nocatalog", passwordAuth("demo", password, projectNamed("demo"))).must(201); a.at("token/catalog") != "<nil>" {
		t.Error("a catalog in spite of nocatalog")
	}
}

func TestScopes(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	project, user := w.id(admin, "projects", "demo"), w.id(admin, "users", "admin")
	for name, c := range map[string]struct{ body, at, want string }{
		"project by id":      {passwordAuth("admin", password, `{"project":{"id":"`+project+`"}}`), "token/project/name", "demo"},
		"project by name":    {passwordAuth("admin", password, `{"project":{"name":"Demo","domain":{"id":"default"}}}`), "token/project/id", project},
		"domain by id":       {passwordAuth("admin", password, `{"domain":{"id":"default"}}`), "token/domain/name", "Default"},
		"domain by name":     {passwordAuth("admin", password, `{"domain":{"name":"Default"}}`), "token/domain/id", "default"},
		"system":             {passwordAuth("admin", password, `{"system":{"all":true}}`), "token/system/all", "true"},
		"none":               {passwordAuth("admin", password, ""), "token/roles", "<nil>"},
		"unscoped, a word":   {passwordAuth("admin", password, `"unscoped"`), "token/catalog", "<nil>"},
		"unscoped, a member": {passwordAuth("admin", password, `{"unscoped":{}}`), "token/project", "<nil>"},
		"user by id": {`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"` + user + `","password":"` + password + `"}}}}}`,
			"token/user/name", "admin"},
		"user by domain's name": {`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"name":"default"},"password":"` + password + `"}}}}}`,
			"token/user/id", user},
		"rescoped": {tokenAuth(admin, projectNamed("demo")), "token/project/name", "demo"},
	} {
		a := w.call("", "POST /auth/tokens", c.body)
		if a.status != 201 || a.at(c.at) != c.want {
			t.Errorf("%s: %d, %s is %s, want %s: %s", name, a.status, c.at, a.at(c.at), c.want, a.text)
		}
	}
}

func TestDefaultProject(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	project, user := w.id(admin, "projects", "demo"), w.id(admin, "users", "demo")
	w.call(admin, "PATCH /users/"+user, `{"user":{"default_project_id":"`+project+`"}}`).must(200)
	if a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, "")).must(201); a.at("token/project/name") != "demo" {
		t.Errorf("the default project is not the scope: %s", a.text)
	}
	if a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, `{"unscoped":{}}`)).must(201); a.at("token/project") != "<nil>" {
		t.Errorf("unscoped was asked for: %s", a.text)
	}
}

// A refused login must not tell what was wrong with it.
func TestRefusedLoginsLookTheSame(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	w.call(admin, "POST /users", `{"user":{"name":"off","password":"`+password+`","enabled":false}}`).must(201)
	w.call(admin, "POST /users", `{"user":{"name":"nopass"}}`).must(201)
	var first string
	for name, body := range map[string]string{
		"wrong password":      passwordAuth("demo", "wrong", ""),
		"empty password":      passwordAuth("demo", "", ""),
		"unknown user":        passwordAuth("nobody", password, ""),
		"disabled user":       passwordAuth("off", password, ""),
		"user without one":    passwordAuth("nopass", "", ""),
		"unknown project":     passwordAuth("demo", password, projectNamed("nothing")),
		"foreign project":     passwordAuth("demo", password, projectNamed("admin")),
		"unknown domain":      passwordAuth("demo", password, `{"domain":{"name":"nothing"}}`),
		"system without role": passwordAuth("demo", password, `{"system":{"all":true}}`),
	} {
		a := w.call("", "POST /auth/tokens", body)
		if first == "" {
			first = a.text
		}
		if a.status != 401 || a.text != first || a.header.Get(subjectHeader) != "" {
			t.Errorf("%s: %d %s, another said %s", name, a.status, a.text, first)
		}
	}
}

func TestMalformedAuth(t *testing.T) {
	w := newWorld(t)
	user := `"user":{"name":"demo","domain":{"id":"default"},"password":"x"}`
	in := func(identity string) string { return `{"auth":{"identity":` + identity + `}}` }
	scoped := func(scope string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{` + user + `}},"scope":` + scope + `}}`
	}
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"nothing":               {``, 400, ""},
		"no JSON":               {`{`, 400, ""},
		"no auth":               {`{}`, 400, "/auth"},
		"no identity":           {`{"auth":{}}`, 400, "/auth/identity"},
		"no methods":            {in(`{}`), 400, "/auth/identity/methods"},
		"methods, a word":       {in(`{"methods":"password"}`), 400, "/auth/identity/methods"},
		"no password part":      {in(`{"methods":["password"]}`), 400, "/auth/identity/password"},
		"no user":               {in(`{"methods":["password"],"password":{}}`), 400, "/auth/identity/password/user"},
		"nameless user":         {in(`{"methods":["password"],"password":{"user":{"password":"x"}}}`), 400, "/auth/identity/password/user"},
		"user without domain":   {in(`{"methods":["password"],"password":{"user":{"name":"demo","password":"x"}}}`), 400, "/auth/identity/password/user/domain"},
		"password, a number":    {in(`{"methods":["password"],"password":{"user":{"id":"x","password":4711}}}`), 400, "/auth/identity/password/user/password"},
		"no token":              {in(`{"methods":["token"]}`), 400, "/auth/identity/token/id"},
		"unknown method":        {in(`{"methods":["magic"]}`), 401, ""},
		"method not offered":    {in(`{"methods":["application_credential"],"application_credential":{"id":"x","secret":"y"}}`), 401, ""},
		"unknown member":        {in(`{"methods":["password"],"password":{` + user + `},"magic":1}`), 400, "/auth/identity/magic"},
		"unknown scope":         {scoped(`{"project":{"id":"x"},"trust":1}`), 400, "/auth/scope/trust"},
		"two scopes":            {scoped(`{"project":{"id":"x"},"domain":{"id":"y"}}`), 400, "/auth/scope"},
		"no scope":              {scoped(`{}`), 400, "/auth/scope"},
		"another word":          {scoped(`"all"`), 400, "/auth/scope"},
		"project without name":  {scoped(`{"project":{}}`), 400, "/auth/scope/project"},
		"project without home":  {scoped(`{"project":{"name":"x"}}`), 400, "/auth/scope/project/domain"},
		"part of the system":    {scoped(`{"system":{"all":false}}`), 400, "/auth/scope/system/all"},
		"misspelt inner member": {scoped(`{"project":{"name":"x","domian":{"id":"default"}}}`), 400, "/auth/scope/project/domian"},
	} {
		a := w.call("", "POST /auth/tokens", c.body)
		if a.status != c.status || a.header.Get("Cloudlet-Field") != c.field || a.at("error/code") != fmt.Sprint(c.status) {
			t.Errorf("%s: %d at %q, want %d at %q: %s", name, a.status, a.header.Get("Cloudlet-Field"), c.status, c.field, a.text)
		}
		if strings.Contains(a.text, "4711") {
			t.Errorf("%s: the password is repeated: %s", name, a.text)
		}
	}
}

func TestTokenValidation(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	for name, c := range map[string]struct {
		token, request, subject string
		status                  int
	}{
		"itself":                 {demo, "GET /auth/tokens", demo, 200},
		"itself, without body":   {demo, "HEAD /auth/tokens", demo, 200},
		"another's, by admin":    {admin, "GET /auth/tokens", demo, 200},
		"another's":              {demo, "GET /auth/tokens", admin, 403},
		"another's, without":     {demo, "HEAD /auth/tokens", admin, 403},
		"a made-up one":          {admin, "GET /auth/tokens", "clt1.xyz", 404},
		"none":                   {admin, "GET /auth/tokens", "", 404},
		"without a token":        {"", "GET /auth/tokens", demo, 401},
		"another's, to revoke":   {demo, "DELETE /auth/tokens", admin, 403},
		"a made-up one, revoked": {admin, "DELETE /auth/tokens", "x", 404},
	} {
		a := w.call(c.token, c.request, "", subjectHeader, c.subject)
		if a.status != c.status || a.status == 200 && a.header.Get(subjectHeader) != c.subject {
			t.Errorf("%s: %d %v, want %d", name, a.status, a.header, c.status)
		}
	}
	if a := w.call(admin, "GET /auth/tokens?nocatalog", "", subjectHeader, demo).must(200); a.at("token/catalog") != "<nil>" || a.at("token/user/name") != "demo" {
		t.Errorf("without catalog: %s", a.text)
	}
}

func TestWhatEndsAToken(t *testing.T) {
	for name, end := range map[string]func(w *world, admin, token, user string){
		"revoking it": func(w *world, admin, token, _ string) {
			w.call(token, "DELETE /auth/tokens", "", subjectHeader, token).must(204)
		},
		"revoking by an administrator": func(w *world, admin, token, _ string) {
			w.call(admin, "DELETE /auth/tokens", "", subjectHeader, token).must(204)
		},
		"disabling the user": func(w *world, admin, _, user string) {
			w.call(admin, "PATCH /users/"+user, `{"user":{"enabled":false}}`).must(200)
		},
		"deleting the user": func(w *world, admin, _, user string) { w.call(admin, "DELETE /users/"+user, "").must(204) },
		"a password set by an administrator": func(w *world, admin, _, user string) {
			w.call(admin, "PATCH /users/"+user, `{"user":{"password":"new"}}`).must(200)
		},
		"a password changed by its user": func(w *world, _, token, user string) {
			w.call(token, "POST /users/"+user+"/password", `{"user":{"original_password":"`+password+`","password":"new"}}`).must(204)
			w.call("", "POST /auth/tokens", passwordAuth("demo", "new", "")).must(201)
			w.call("", "POST /auth/tokens", passwordAuth("demo", password, "")).must(401)
		},
		"disabling the project": func(w *world, admin, _, _ string) {
			w.call(admin, "PATCH /projects/"+w.id(admin, "projects", "demo"), `{"project":{"enabled":false}}`).must(200)
		},
		"disabling the domain of user and project": func(w *world, admin, _, user string) {
			domain := w.call(admin, "POST /domains", `{"domain":{"name":"branch"}}`).must(201).at("domain/id")
			w.write(func(tx *statestore.Txn) error { // as if all had been in a domain that can be disabled
				u, _ := identity.Users.Get(tx, user)
				u.DomainID = domain
				identity.Users.Put(tx, u)
				return nil
			})
			w.call(admin, "PATCH /domains/"+domain, `{"domain":{"enabled":false}}`).must(200)
		},
		"taking the role": func(w *world, admin, _, user string) {
			w.call(admin, "DELETE /projects/"+w.id(admin, "projects", "demo")+"/users/"+user+"/roles/"+w.id(admin, "roles", "member"), "").must(204)
		},
		"time": func(w *world, _, _, _ string) { w.clock.pass(identity.DefaultTokenLife) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			admin, token := w.login("admin", "admin"), w.login("demo", "demo")
			user := w.id(admin, "users", "demo")
			w.call(token, "GET /auth/projects", "").must(200)
			end(w, admin, token, user)
			w.call(token, "GET /auth/projects", "").must(401)
			w.call("", "POST /auth/tokens", tokenAuth(token, projectNamed("demo"))).must(404)
			if name != "time" {
				w.call(admin, "GET /auth/tokens", "", subjectHeader, token).must(404)
			}
		})
	}
}

func TestRescopedTokenLivesNoLonger(t *testing.T) {
	w := newWorld(t)
	first := w.call("", "POST /auth/tokens", passwordAuth("demo", password, "")).must(201)
	w.clock.pass(10 * time.Minute)
	second := w.call("", "POST /auth/tokens", tokenAuth(first.header.Get(subjectHeader), projectNamed("demo"))).must(201)
	if first.at("token/expires_at") != second.at("token/expires_at") {
		t.Errorf("expires %s, the first %s", second.at("token/expires_at"), first.at("token/expires_at"))
	}
	if second.at("token/audit_ids/1") != first.at("token/audit_ids/0") || second.at("token/methods") != "[token password]" {
		t.Errorf("%s after %s", second.text, first.text)
	}
}

func TestReach(t *testing.T) {
	w := newWorld(t)
	unscoped := func(user string) string {
		return w.call("", "POST /auth/tokens", passwordAuth(user, password, `"unscoped"`)).must(201).header.Get(subjectHeader)
	}
	admin, demo := unscoped("admin"), unscoped("demo")
	sorted := func(a answer, key, member string) string {
		names := a.must(200).names(key, member)
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	if got := sorted(w.call(admin, "GET /auth/projects", ""), "projects", "name"); got != "admin demo" {
		t.Errorf("projects %s", got)
	}
	if got := sorted(w.call(demo, "GET /auth/projects", ""), "projects", "name"); got != "demo" {
		t.Errorf("projects %s", got)
	}
	if got := sorted(w.call(admin, "GET /auth/domains", ""), "domains", "id"); got != "default" {
		t.Errorf("domains %s", got)
	}
	if got := sorted(w.call(admin, "GET /auth/system", ""), "system", "all"); got != "true" {
		t.Errorf("system %s", got)
	}
	if got := sorted(w.call(demo, "GET /auth/system", ""), "system", "all"); got != "" {
		t.Errorf("system %s", got)
	}
	if got := sorted(w.call(w.login("demo", "demo"), "GET /auth/catalog", ""), "catalog", "type"); got != "compute identity image network" {
		t.Errorf("catalog %s", got)
	}
	w.call(demo, "GET /auth/catalog", "").must(403)
}

func TestCatalogFillsPlaces(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	s := w.call(admin, "POST /services", `{"service":{"type":"volumev3","name":"cinder"}}`).must(201).at("service/id")
	for _, url := range []string{"/volume/v3/$(project_id)s", "https://elsewhere.example/%(tenant_id)s"} {
		w.call(admin, "POST /endpoints", `{"endpoint":{"service_id":"`+s+`","interface":"public","region":"New","url":"`+url+`"}}`).must(201)
	}
	urls := func(token string) (urls []string) {
		for _, e := range w.call(token, "GET /auth/catalog", "").must(200).body.(map[string]any)["catalog"].([]any) {
			if m := e.(map[string]any); m["id"] == s {
				for _, p := range m["endpoints"].([]any) {
					urls = append(urls, p.(map[string]any)["url"].(string))
				}
			}
		}
		slices.Sort(urls)
		return urls
	}
	project := w.id(admin, "projects", "admin")
	if got, want := urls(admin), []string{w.url + "/volume/v3/" + project, "https://elsewhere.example/" + project}; !slices.Equal(got, want) {
		t.Errorf("urls %v, want %v", got, want)
	}
	system := w.call("", "POST /auth/tokens", passwordAuth("admin", password, `{"system":{"all":true}}`)).must(201).header.Get(subjectHeader)
	if got := urls(system); len(got) != 0 {
		t.Errorf("endpoints for a project without one: %v", got)
	}
	w.call(admin, "PATCH /services/"+s, `{"service":{"enabled":false}}`).must(200)
	if got := urls(admin); got != nil {
		t.Errorf("a disabled service is in the catalog: %v", got)
	}
}

func TestPasswordsAreNotLogged(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	user := w.id(admin, "users", "demo")
	for _, c := range [][2]string{
		{"POST /auth/tokens", passwordAuth("demo", "S3cret", "")},
		{"POST /auth/tokens", passwordAuth("demo", "S3cret", `{"nonsense":1}`)},
		{"POST /auth/tokens", strings.ReplaceAll(passwordAuth("demo", "S3cret", ""), `"S3cret"`, `["S3cret"]`)},
		{"POST /users", `{"user":{"name":"x","password":"S3cret"}}`},
		{"POST /users", `{"user":{"name":"y","password":{"S3cret":1}}}`},
		{"PATCH /users/" + user, `{"user":{"password":"S3cret","nonsense":1}}`},
		{"POST /users/" + user + "/password", `{"user":{"original_password":"S3cret","password":"S3cret"}}`},
		{"POST /users/" + user + "/password", `{"user":{"original_password":"` + password + `","password":""}}`},
	} {
		if a := w.call(admin, c[0], c[1]); strings.Contains(a.text, "S3cret") || a.status >= 500 {
			t.Errorf("%s: %d %s", c[0], a.status, a.text)
		}
	}
	if log := w.log.String(); strings.Contains(log, "S3cret") || strings.Contains(log, password) || strings.Contains(log, admin) || !strings.Contains(log, "/auth/tokens") {
		t.Errorf("a secret, or nothing, is in the log:\n%s", log)
	}
}

// Whatever comes, the answer is a login or a complaint about the request.
func FuzzAuthBody(f *testing.F) {
	f.Add(passwordAuth("demo", "x", projectNamed("demo")))
	f.Add(tokenAuth("x", `"unscoped"`))
	f.Add(passwordAuth("demo", "x", `{"system":{"all":true}}`))
	f.Add(`{"auth":{"identity":null,"scope":null}}`)
	f.Add(`{"auth":{"identity":{"methods":["password","token"],"password":{"user":null},"token":null}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		var b authBody
		err := front.DecodeJSON([]byte(body), &b)
		var c identity.Credentials
		if err == nil {
			c, err = b.credentials()
		}
		if err == nil {
			_, err = b.scope()
		}
		if err == nil && len(c.Methods) == 0 {
			t.Errorf("credentials without a method of %q", body)
		}
		if err != nil && !cloud.Is(err, cloud.Invalid) && !cloud.Is(err, cloud.Unauthenticated) {
			t.Errorf("%q: %v", body, err)
		}
	})
}
