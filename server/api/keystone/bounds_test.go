package keystone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/identity"
)

// A user cannot fill the cloud with what users may make by themselves.
func TestUserLimits(t *testing.T) {
	w := newWorldWith(t, identity.Settings{CredentialUserLimit: 2, AppCredentialUserLimit: 2, TrustUserLimit: 2})
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	user, boss, project := w.id(admin, "users", "demo"), w.id(admin, "users", "admin"), w.id(admin, "projects", "demo")
	trust := fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":false,"roles":[{"name":"member"}]}}`, user, boss, project)
	for _, c := range []struct {
		path, what string
		body       func(n int) string
	}{
		{"/credentials", "credentials", func(n int) string { return fmt.Sprintf(`{"credential":{"type":"cert","blob":"%d"}}`, n) }},
		{"/users/" + user + "/application_credentials", "application credentials", func(n int) string { return fmt.Sprintf(`{"application_credential":{"name":"%d"}}`, n) }},
		{"/OS-TRUST/trusts", "trusts", func(int) string { return trust }},
	} {
		for n := range 2 {
			w.call(demo, "POST "+c.path, c.body(n)).must(201)
		}
		if a := w.call(demo, "POST "+c.path, c.body(2)).must(403); a.at("error/message") != "Unable to create additional "+c.what+", maximum of 2 already exceeded for user." {
			t.Errorf("%s: %s", c.path, a.text)
		}
	}
	w.call(demo, "POST /users/"+user+"/credentials/OS-EC2", `{"tenant_id":"`+project+`"}`).must(403)
	of := w.call(demo, "GET /credentials", "").must(200).names("credentials", "id")
	w.call(demo, "PATCH /credentials/"+of[0], `{"credential":{"blob":"other"}}`).must(200) // what there is may change
	mine := w.call(admin, "POST /credentials", `{"credential":{"type":"cert","blob":"x"}}`).must(201).at("credential/id")
	w.call(admin, "PATCH /credentials/"+mine, `{"credential":{"user_id":"`+user+`"}}`).must(403)
	w.call(demo, "DELETE /credentials/"+of[0], "").must(204)
	w.call(admin, "PATCH /credentials/"+mine, `{"credential":{"user_id":"`+user+`"}}`).must(200)
}

// What one call says is bounded, as Keystone bounds it.
func TestSizes(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	user, service := w.id(admin, "users", "admin"), w.id(admin, "services", "nova")
	x := func(n int) string { return strings.Repeat("x", n) }
	rules := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"service":"compute","method":"GET","path":"/%d"}`, i))
		}
		return `{"application_credential":{"name":"x","access_rules":[` + strings.Join(all, ",") + `]}}`
	}
	for _, c := range []struct {
		call, body string
		status     int
		field      string
	}{
		{"POST /credentials", `{"credential":{"type":"cert","blob":"` + x(maxBody) + `"}}`, 413, ""},
		{"POST /credentials", `{"credential":{"type":"` + x(256) + `","blob":"x"}}`, 400, "/credential/type"},
		{"POST /users", `{"user":{"name":"x","description":"` + x(maxBody) + `"}}`, 413, ""},
		{"POST /users/" + user + "/application_credentials", rules(101), 400, "/application_credential/access_rules"},
		{"POST /users/" + user + "/application_credentials", strings.Replace(rules(1), "compute", x(65), 1), 400, "/application_credential/access_rules/0"},
		{"POST /users", `{"user":{"name":"x","default_project_id":"` + x(65) + `"}}`, 400, "/user/default_project_id"},
		{"POST /users", `{"user":{"name":"x","default_project_id":"a/b"}}`, 400, "/user/default_project_id"},
		{"POST /services", `{"service":{"type":"x","name":"` + x(256) + `"}}`, 400, "/service/name"},
		{"POST /endpoints", `{"endpoint":{"interface":"public","url":"http://` + x(225) + `","service_id":"` + service + `"}}`, 400, "/endpoint/url"},
		{"POST /registered_limits", `{"registered_limits":[{"service_id":"` + service + `","resource_name":"x","default_limit":2147483648}]}`, 400, "/registered_limits/0/default_limit"},
	} {
		if a := w.call(admin, c.call, c.body).must(c.status); a.header.Get("Cloudlet-Field") != c.field {
			t.Errorf("%s points at %q, want %s", c.call, a.header.Get("Cloudlet-Field"), c.field)
		}
	}
	w.call(admin, "POST /users/"+user+"/application_credentials", rules(100)).must(201)
	// Nor does one row grow by many calls.
	demo := w.login("demo", "demo")
	cert := w.call(demo, "POST /credentials", `{"credential":{"type":"cert","blob":"x","a":"`+x(60000)+`"}}`).must(201).at("credential/id")
	w.call(demo, "PATCH /credentials/"+cert, `{"credential":{"b":"`+x(60000)+`"}}`).must(400)
	w.call(demo, "PATCH /credentials/"+cert, `{"credential":{"a":"y","b":"`+x(60000)+`"}}`).must(200)
	w.call(admin, "PATCH /users/"+user, `{"user":{"a":"`+x(70000)+`"}}`).must(400)
}
