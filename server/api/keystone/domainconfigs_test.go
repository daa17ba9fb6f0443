package keystone

import (
	"regexp"
	"testing"

	"github.com/cloudlet/cloudlet/server/identity"
)

func TestDomainConfig(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	domain := w.call(admin, "POST /domains", `{"domain":{"name":"branch"}}`).must(201).at("domain/id")
	path := "/domains/" + domain + "/config"
	for _, c := range []struct {
		request, body string
		status        int
		at, want      string
	}{
		{"GET " + path, "", 404, "error/code", "404"},
		{"PATCH " + path, `{"config":{"ldap":{"url":"x"}}}`, 404, "", ""},
		{"PUT " + path, `{"config":{}}`, 403, "", ""},
		{"PUT " + path, `{"config":{"magic":{"a":1}}}`, 403, "", ""},
		{"PUT " + path, `{"config":{"ldap":{"magic":1}}}`, 403, "", ""},
		{"PUT " + path, `{"config":{"ldap":{"url":"ldap://x","password":"secret"},"identity":{"driver":"ldap"}}}`, 201, "config/ldap/password", "<nil>"},
		{"PUT " + path, `{"config":{"ldap":{"url":"ldap://y","suffix":"s"},"identity":{"driver":"ldap"}}}`, 200, "config/ldap/url", "ldap://y"},
		{"GET " + path + "/ldap", "", 200, "config", "map[ldap:map[suffix:s url:ldap://y]]"},
		{"HEAD " + path + "/ldap", "", 200, "", ""},
		{"GET " + path + "/ldap/url", "", 200, "config", "map[url:ldap://y]"},
		{"GET " + path + "/ldap/user", "", 404, "", ""},
		{"PATCH " + path + "/ldap", `{"config":{"identity":{"driver":"x"}}}`, 403, "", ""},
		{"PATCH " + path + "/ldap", `{"config":{"ldap":{"url":"z"}}}`, 200, "config/identity/driver", "ldap"},
		{"PATCH " + path + "/identity/driver", `{"config":{"driver":"sql"}}`, 200, "config/identity/driver", "sql"},
		{"PATCH " + path + "/identity/driver", `{"config":{"list_limit":7}}`, 403, "", ""},
		{"DELETE " + path + "/identity/driver", "", 204, "", ""},
		{"GET " + path + "/identity", "", 404, "", ""},
		{"DELETE " + path + "/ldap/suffix", "", 204, "", ""},
		{"GET " + path, "", 200, "config", "map[ldap:map[url:z]]"},
		{"DELETE " + path, "", 204, "", ""},
		{"DELETE " + path, "", 404, "", ""},
		{"GET /domains/config/default", "", 200, "config/identity/driver", "sql"},
		{"GET /domains/config/identity/default", "", 200, "config/ldap", "<nil>"},
		{"GET /domains/config/identity/list_limit/default", "", 200, "config", "map[list_limit:<nil>]"},
		{"GET /domains/config/identity/magic/default", "", 403, "", ""},
		{"GET /domains/unknown/config", "", 404, "", ""},
	} {
		a := w.call(admin, c.request, c.body)
		if a.status != c.status || c.at != "" && a.at(c.at) != c.want {
			t.Errorf("%s %s: %d %s, want %d and %s at %s", c.request, c.body, a.status, a.text, c.status, c.want, c.at)
		}
	}
	demo := w.login("demo", "demo")
	w.call(demo, "GET "+path, "").must(403)
	w.call(admin, "PUT "+path, `{"config":{"ldap":{"url":"x"}}}`).must(201)
	w.call(admin, "PATCH /domains/"+domain, `{"domain":{"enabled":false}}`).must(200)
	w.call(admin, "DELETE /domains/"+domain, "").must(204)
	if n := identity.DomainConfigs.Len(w.store.Snapshot()); n != 0 {
		t.Errorf("%d configurations outlive their domain", n)
	}
}

func TestWhatIsAskedOfPasswordsIsTold(t *testing.T) {
	w := newWorldWith(t, identity.Settings{Compliance: identity.Compliance{PasswordRegex: regexp.MustCompile("."), PasswordRegexDescription: "anything"}})
	demo := w.login("demo", "demo")
	if a := w.call(demo, "GET /domains/default/config/security_compliance", "").must(200); a.at("config/security_compliance/password_regex") != "." {
		t.Errorf("told: %s", a.text)
	}
	if a := w.call(demo, "GET /domains/default/config/security_compliance/password_regex_description", "").must(200); a.at("config/password_regex_description") != "anything" {
		t.Errorf("told: %s", a.text)
	}
	w.call(demo, "GET /domains/default/config/security_compliance/lockout_duration", "").must(403)
}
