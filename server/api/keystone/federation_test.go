package keystone

import (
	"strings"
	"testing"
)

func TestFederation(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	const of = " /OS-FEDERATION"
	w.call(demo, "GET"+of+"/identity_providers", "").must(403)
	w.call(demo, "PUT"+of+"/mappings/m", `{"mapping":{"rules":[]}}`).must(403)

	a := w.call(admin, "PUT"+of+"/identity_providers/acme", `{"identity_provider":{"remote_ids":["b","a","a"],"description":"d"}}`).must(201)
	if a.at("identity_provider/remote_ids") != `["a","b"]` && !strings.Contains(a.text, `"remote_ids":["a","b"]`) || a.at("identity_provider/enabled") != "false" {
		t.Errorf("made %s", a.text)
	}
	domain := a.at("identity_provider/domain_id")
	if d := w.call(admin, "GET /domains/"+domain, "").must(200).at("domain/description"); !strings.Contains(d, "acme") {
		t.Errorf("its domain is %q", d)
	}
	w.call(admin, "PUT"+of+"/identity_providers/acme", `{"identity_provider":{}}`).must(409)
	w.call(admin, "PUT"+of+"/identity_providers/other", `{"identity_provider":{"remote_ids":["b"]}}`).must(409)
	w.call(admin, "PUT"+of+"/identity_providers/other", `{"identity_provider":{"domain_id":"nope"}}`).must(404)
	w.call(admin, "PUT"+of+"/identity_providers/other", `{"identity_provider":{"color":"red"}}`).must(400)
	w.call(admin, "PATCH"+of+"/identity_providers/acme", `{"identity_provider":{"domain_id":"default"}}`).must(400)
	w.call(admin, "PATCH"+of+"/identity_providers/acme", `{"identity_provider":{"enabled":true,"authorization_ttl":5}}`).must(200)
	if got := w.call(admin, "GET"+of+"/identity_providers?enabled=true&id=acme", "").must(200).names("identity_providers", "id"); len(got) != 1 {
		t.Errorf("listed %v", got)
	}

	for _, bad := range []string{`[]`, `[{"remote":[{"type":"x"}]}]`, `[{"local":[],"remote":[]}]`, `[{"local":[{"user":{"name":"{0}"}}],"remote":[{}]}]`, `[{"local":[{"color":"red"}],"remote":[{"type":"x"}]}]`,
		`[{"local":[{"groups":"{0}"}],"remote":[{"type":"x","whitelist":["a"],"blacklist":["b"]}]}]`, `"text"`} {
		w.call(admin, "PUT"+of+"/mappings/m", `{"mapping":{"rules":`+bad+`}}`).must(400)
	}
	const rules = `[{"local":[{"user":{"name":"{0}"},"group":{"name":"g","domain":{"name":"Default"}}}],"remote":[{"type":"NAME"},{"type":"ORG","any_one_of":["x"],"regex":true}]}]`
	if a := w.call(admin, "PUT"+of+"/mappings/m", `{"mapping":{"rules":`+rules+`}}`).must(201); !strings.Contains(a.text, rules) {
		t.Errorf("rules %s", a.text)
	}
	protocol := of + "/identity_providers/acme/protocols"
	w.call(admin, "PUT"+protocol+"/openid", `{"protocol":{"mapping_id":"nope"}}`).must(400)
	w.call(admin, "PUT"+of+"/identity_providers/nope/protocols/openid", `{"protocol":{"mapping_id":"m"}}`).must(404)
	w.call(admin, "PUT"+protocol+"/openid", `{"protocol":{"mapping_id":"m"}}`).must(201)
	w.call(admin, "PATCH"+protocol+"/openid", `{"protocol":{"remote_id_attribute":"iss"}}`).must(200)
	if got := w.call(admin, "GET"+protocol, "").must(200).names("protocols", "remote_id_attribute"); len(got) != 1 || got[0] != "iss" {
		t.Errorf("protocols %v", got)
	}

	const sp = `{"service_provider":{"auth_url":"https://x/v3","sp_url":"https://x/sp","enabled":true}}`
	w.call(admin, "PUT"+of+"/service_providers/x", `{"service_provider":{"auth_url":"https://x/v3"}}`).must(400)
	if got := w.call(admin, "PUT"+of+"/service_providers/x", sp).must(201).at("service_provider/relay_state_prefix"); got != "ss:mem:" {
		t.Errorf("relay state %q", got)
	}
	if a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, projectNamed("demo"))).must(201); a.at("token/service_providers/0/sp_url") != "https://x/sp" {
		t.Errorf("a token does not tell the clouds that trust this one: %s", a.text)
	}
	w.call(admin, "PATCH"+of+"/service_providers/x", `{"service_provider":{"enabled":false}}`).must(200)
	if a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, projectNamed("demo"))).must(201); strings.Contains(a.text, "service_providers") {
		t.Errorf("a token tells a disabled one: %s", a.text)
	}
	w.call(admin, "DELETE"+of+"/service_providers/x", "").must(204)
	w.call(admin, "DELETE"+of+"/mappings/m", "").must(204)

	w.call(admin, "PATCH /domains/"+domain, `{"domain":{"enabled":false}}`).must(200)
	w.call(admin, "DELETE /domains/"+domain, "").must(204)
	w.call(admin, "GET"+of+"/identity_providers/acme", "").must(404)
	w.call(admin, "GET"+protocol+"/openid", "").must(404)
}
