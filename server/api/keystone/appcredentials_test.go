package keystone

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
)

func appAuth(id, secret string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":%q,"secret":%q}}}}`, id, secret)
}

func TestAppCredentials(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	me, boss, project := w.id(admin, "users", "demo"), w.id(admin, "users", "admin"), w.id(admin, "projects", "demo")
	member, reader := w.id(admin, "roles", "member"), w.id(admin, "roles", "reader")
	of := "/users/" + me + "/application_credentials"
	end := w.clock.Now().Add(30 * time.Minute)
	a := w.call(demo, "POST "+of, `{"application_credential":{"name":"ci","secret":"s3cret","roles":[{"name":"reader"}],"expires_at":"`+end.Format("2006-01-02T15:04:05.000000")+`"}}`).must(201)
	id := a.at("application_credential/id")
	if a.at("application_credential/secret") != "s3cret" || a.at("application_credential/project_id") != project || a.at("application_credential/roles/0/id") != reader {
		t.Errorf("made %s", a.text)
	}
	if got := w.call(demo, "GET "+of+"/"+id, "").must(200); got.at("application_credential/secret") != "<nil>" || got.at("application_credential/expires_at") != end.Format("2006-01-02T15:04:05.000000") {
		t.Errorf("shown %s", got.text)
	}
	for body, status := range map[string]int{
		`{"name":"ci"}`: 409, `{}`: 400, `{"name":"x","roles":[{"name":"admin"}]}`: 400, `{"name":"x","roles":[{"id":"nosuch"}]}`: 404, `{"name":"x","roles":[{}]}`: 400,
		`{"name":"x","expires_at":"2001-01-01T00:00:00Z"}`: 400, `{"name":"x","expires_at":"soon"}`: 400, `{"name":"x","access_rules":[{"method":"GET"}]}`: 400, `{"name":"x","access_rules":[{"id":"nosuch"}]}`: 404,
	} {
		w.call(demo, "POST "+of, `{"application_credential":`+body+`}`).must(status)
	}
	w.call(admin, "POST "+of, `{"application_credential":{"name":"x"}}`).must(403)
	w.call(demo, "GET /users/"+boss+"/application_credentials", "").must(403)
	token := w.call("", "POST /auth/tokens", appAuth(id, "s3cret")).must(201)
	if token.at("token/project/id") != project || token.at("token/roles/0/name") != "reader" || token.at("token/roles/1") != "<nil>" || token.at("token/application_credential/restricted") != "true" {
		t.Errorf("token %s", token.text)
	}
	if got := token.at("token/expires_at"); got != stamp(end) {
		t.Errorf("the token ends at %s, not with the credential", got)
	}
	lent := token.header.Get(subjectHeader)
	byName := `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"name":"ci","user":{"name":"demo","domain":{"id":"default"}},"secret":"s3cret"}}}}`
	w.call("", "POST /auth/tokens", byName).must(201)
	w.call("", "POST /auth/tokens", appAuth(id, "wrong")).must(401)
	w.call("", "POST /auth/tokens", appAuth("nosuch", "s3cret")).must(401)
	w.call(lent, "POST "+of, `{"application_credential":{"name":"y"}}`).must(403)
	w.call(lent, "DELETE "+of+"/"+id, "").must(403)
	w.call(lent, "POST /credentials", `{"credential":{"type":"cert","blob":"x"}}`).must(403)
	// What was lent does not grow by asking again.
	w.call("", "POST /auth/tokens", tokenAuth(lent, projectNamed("admin"))).must(401)
	w.call("", "POST /auth/tokens", tokenAuth(lent, `"unscoped"`)).must(401)
	again := w.call("", "POST /auth/tokens", tokenAuth(lent, projectNamed("demo"))).must(201)
	if again.at("token/roles/1") != "<nil>" {
		t.Errorf("rescoped to %s", again.text)
	}
	free := w.call(demo, "POST "+of, `{"application_credential":{"name":"free","unrestricted":true}}`).must(201)
	freely := w.call("", "POST /auth/tokens", appAuth(free.at("application_credential/id"), free.at("application_credential/secret"))).must(201).header.Get(subjectHeader)
	w.call(freely, "POST "+of, `{"application_credential":{"name":"z"}}`).must(201)
	// A role that its user loses ends it.
	w.call(lent, "GET /users/"+me, "").must(200)
	grant := "/projects/" + project + "/users/" + me + "/roles/"
	w.call(admin, "DELETE "+grant+member, "").must(204)
	w.call(lent, "GET /users/"+me, "").must(401)
	w.call("", "POST /auth/tokens", appAuth(id, "s3cret")).must(401)
	w.call(admin, "PUT "+grant+member, "").must(204)
	w.call(lent, "GET /users/"+me, "").must(200)
	w.clock.pass(31 * time.Minute)
	w.call(lent, "GET /users/"+me, "").must(401)
	w.call("", "POST /auth/tokens", appAuth(id, "s3cret")).must(401)
	admin = w.login("admin", "admin")
	w.call(admin, "DELETE /users/"+me, "").must(204)
	if n := identity.AppCredentials.Len(w.store.Snapshot()); n != 0 {
		t.Errorf("%d are left of a user who is gone", n)
	}
}

func TestAccessRules(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	me := w.id(admin, "users", "demo")
	of, rules := "/users/"+me+"/application_credentials", "/users/"+me+"/access_rules"
	const calls = `[{"service":"identity","method":"GET","path":"/v3/users/*"},{"service":"identity","method":"GET","path":"/identity/v3/regions"}]`
	a := w.call(demo, "POST "+of, `{"application_credential":{"name":"a","access_rules":`+calls+`}}`).must(201)
	b := w.call(demo, "POST "+of, `{"application_credential":{"name":"b","access_rules":[`+`{"service":"identity","method":"GET","path":"/v3/users/*"}]}}`).must(201)
	rule := a.at("application_credential/access_rules/0/id")
	if rule != b.at("application_credential/access_rules/0/id") || a.at("application_credential/access_rules/0/links") != "<nil>" {
		t.Errorf("a rule is not used again: %s %s", a.text, b.text)
	}
	lent := w.call("", "POST /auth/tokens", appAuth(a.at("application_credential/id"), a.at("application_credential/secret"))).must(201)
	if lent.at("token/application_credential/access_rules/0/path") != "/v3/users/*" {
		t.Errorf("token %s", lent.text)
	}
	token := lent.header.Get(subjectHeader)
	w.call(token, "GET /users/"+me, "").must(200)
	w.call(token, "GET /regions", "").must(200)
	w.call(token, "GET /services", "").must(401)
	w.call(token, "GET /users/"+me+"/projects", "").must(401)
	w.call(token, "GET /auth/projects", "").must(401)
	w.call(demo, "DELETE "+rules+"/"+rule, "").must(403)
	none := w.call(demo, "POST "+of, `{"application_credential":{"name":"none","access_rules":[]}}`).must(201)
	nothing := w.call("", "POST /auth/tokens", appAuth(none.at("application_credential/id"), none.at("application_credential/secret"))).must(201).header.Get(subjectHeader)
	w.call(nothing, "GET /users/"+me, "").must(401)
	for _, c := range []answer{a, b} {
		w.call(demo, "DELETE "+of+"/"+c.at("application_credential/id"), "").must(204)
	}
	w.call(token, "GET /users/"+me, "").must(401)
	if got := w.call(demo, "GET "+rules, "").must(200).names("access_rules", "id"); len(got) != 2 {
		t.Errorf("rules left: %v", got)
	}
	w.call(demo, "GET "+rules+"/"+rule, "").must(200)
	w.call(demo, "DELETE "+rules+"/"+rule, "").must(204)
	w.call(demo, "GET "+rules+"/"+rule, "").must(404)
}
