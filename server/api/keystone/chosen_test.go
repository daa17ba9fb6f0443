package keystone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// What a client makes has the id that it chose, and is not made twice.
func TestChosenIDs(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	user, project := w.id(admin, "users", "admin"), w.id(admin, "projects", "admin")
	service := w.id(admin, "services", "nova")
	for _, c := range []struct{ path, kind, body string }{
		{"/domains", "domain", `{"domain":{"name":"chosen"}}`},
		{"/projects", "project", `{"project":{"name":"chosen"}}`},
		{"/projects", "project", `{"project":{"name":"chosen too","is_domain":true}}`},
		{"/users", "user", `{"user":{"name":"chosen"}}`},
		{"/groups", "group", `{"group":{"name":"chosen"}}`},
		{"/roles", "role", `{"role":{"name":"chosen"}}`},
		{"/regions", "region", `{"region":{}}`},
		{"/services", "service", `{"service":{"type":"chosen"}}`},
		{"/endpoints", "endpoint", `{"endpoint":{"service_id":"` + service + `","interface":"public","url":"http://x"}}`},
		{"/policies", "policy", `{"policy":{"type":"text/plain","blob":"x"}}`},
		{"/OS-EP-FILTER/endpoint_groups", "endpoint_group", `{"endpoint_group":{"name":"chosen","filters":{"interface":"public"}}}`},
		{"/OS-OAUTH1/consumers", "consumer", `{"consumer":{}}`},
		{"/credentials", "credential", `{"credential":{"type":"cert","blob":"x"}}`},
		{"/users/" + user + "/application_credentials", "application_credential", `{"application_credential":{"name":"chosen","access_rules":[{"service":"compute","method":"GET","path":"/x"}]}}`},
		{"/OS-TRUST/trusts", "trust", fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":true,"roles":[{"name":"reader"}]}}`, user, user, project)},
		{"/registered_limits", "registered_limits/0", `{"registered_limits":[{"service_id":"` + service + `","resource_name":"x","default_limit":1},{"service_id":"` + service + `","resource_name":"y","default_limit":1}]}`},
		{"/limits", "limits/0", `{"limits":[{"service_id":"` + service + `","project_id":"` + project + `","resource_name":"x","resource_limit":1}]}`},
	} {
		id := cloud.NewID()
		hex := strings.ReplaceAll(id, "-", "")
		if a := w.call(admin, "POST "+c.path, c.body, "Cloudlet-Id", id).must(201); a.at(c.kind+"/id") != hex {
			t.Errorf("%s: made %s", c.path, a.text)
		}
		w.call(admin, "GET "+c.path+"/"+hex, "").must(200)
		before := w.store.Snapshot().Revision()
		w.call(admin, "POST "+c.path, strings.NewReplacer("chosen", "another", `"x"`, `"z"`).Replace(c.body), "Cloudlet-Id", id).must(409)
		if w.store.Snapshot().Revision() != before {
			t.Errorf("%s: the second changed something", c.path)
		}
		if c.kind == "user" || c.kind == "project" && !strings.Contains(c.body, "is_domain") {
			w.call(admin, "DELETE "+c.path+"/"+hex, "").must(204)
			w.call(admin, "POST "+c.path, c.body, "Cloudlet-Id", id).must(409) // its tokens, servers and the like name it still
		}
	}
	w.call(admin, "POST /groups", `{"group":{"name":"x"}}`, "Cloudlet-Id", "nonsense").must(400)
}

// A fault says which field of the body is wrong.
func TestFaultsPointAtTheField(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	user, project, service := w.id(admin, "users", "admin"), w.id(admin, "projects", "admin"), w.id(admin, "services", "nova")
	w.call(admin, "POST /groups", `{"group":{"name":"taken"}}`).must(201)
	w.call(admin, "POST /registered_limits", `{"registered_limits":[{"service_id":"`+service+`","resource_name":"taken","default_limit":1}]}`).must(201)
	trust := func(trustee, project, role string) string {
		return fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":true,"roles":[{"name":%q}]}}`, user, trustee, project, role)
	}
	for _, c := range []struct {
		call, body string
		status     int
		field      string
	}{
		{"POST /users", `{"user":{"name":"x","domain_id":"nothing"}}`, 404, "/user/domain_id"},
		{"POST /groups", `{"group":{"name":"taken"}}`, 409, "/group/name"},
		{"POST /roles", `{"role":{"name":"x","domain_id":"nothing"}}`, 404, "/role/domain_id"},
		{"POST /credentials", `{"credential":{"type":"cert","blob":"x","user_id":"nothing"}}`, 404, "/credential/user_id"},
		{"POST /credentials", `{"credential":{"type":"cert","blob":"x","project_id":"nothing"}}`, 404, "/credential/project_id"},
		{"POST /OS-TRUST/trusts", trust("nothing", project, "admin"), 404, "/trust/trustee_user_id"},
		{"POST /OS-TRUST/trusts", trust(user, "nothing", "admin"), 404, "/trust/project_id"},
		{"POST /OS-TRUST/trusts", trust(user, project, "service"), 404, "/trust/roles"},
		{"POST /registered_limits", `{"registered_limits":[{"service_id":"` + service + `","resource_name":"taken","default_limit":1}]}`, 409, "/registered_limits/0/resource_name"},
		{"POST /limits", `{"limits":[{"service_id":"` + service + `","resource_name":"taken","resource_limit":1,"project_id":"nothing"}]}`, 400, "/limits/0/project_id"},
	} {
		if a := w.call(admin, c.call, c.body).must(c.status); a.header.Get("Cloudlet-Field") != c.field {
			t.Errorf("%s of %s points at %q, want %s", c.call, c.body, a.header.Get("Cloudlet-Field"), c.field)
		}
	}
}
