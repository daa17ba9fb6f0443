package keystone

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
)

func TestTrusts(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	me, boss, project := w.id(admin, "users", "demo"), w.id(admin, "users", "admin"), w.id(admin, "projects", "demo")
	member := w.id(admin, "roles", "member")
	helper, _ := w.person(admin, "helper", "default", "reader", "/projects/"+w.id(admin, "projects", "admin"), projectNamed("admin"))
	trust := func(more string) string {
		return fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,%s}}`, me, helper, project, more)
	}
	auth := func(user, id string) string {
		return passwordAuth(user, password, `{"OS-TRUST:trust":{"id":"`+id+`"}}`)
	}
	a := w.call(demo, "POST /OS-TRUST/trusts", trust(`"impersonation":true,"roles":[{"name":"reader"}],"allow_redelegation":true`)).must(201)
	id := a.at("trust/id")
	if a.at("trust/expires_at") != "<nil>" || a.at("trust/roles/0/name") != "reader" || a.at("trust/redelegation_count") != "3" || a.at("trust/remaining_uses") != "<nil>" {
		t.Errorf("made %s", a.text)
	}
	for body, status := range map[string]int{
		`"impersonation":true`: 403, `"roles":[{"name":"reader"}]`: 400, `"impersonation":true,"roles":[{"name":"admin"}]`: 404,
		`"impersonation":true,"roles":[{"name":"reader"}],"expires_at":"bad.123Z"`:                          400,
		`"impersonation":true,"roles":[{"name":"reader"}],"expires_at":"2001-01-01T00:00:00Z"`:              400,
		`"impersonation":true,"roles":[{"name":"reader"}],"remaining_uses":0`:                               400,
		`"impersonation":true,"roles":[{"name":"reader"}],"allow_redelegation":true,"redelegation_count":4`: 403,
	} {
		w.call(demo, "POST /OS-TRUST/trusts", trust(body)).must(status)
	}
	w.call(admin, "POST /OS-TRUST/trusts", trust(`"impersonation":true,"roles":[{"name":"reader"}]`)).must(403)
	w.call("", "POST /auth/tokens", auth("admin", id)).must(401)
	w.call("", "POST /auth/tokens", auth("helper", "nosuch")).must(401)
	token := w.call("", "POST /auth/tokens", auth("helper", id)).must(201)
	if token.at("token/user/id") != me || token.at("token/project/id") != project || token.at("token/roles/1") != "<nil>" || token.at("token/OS-TRUST:trust/trustee_user/id") != helper {
		t.Errorf("token %s", token.text)
	}
	lent := token.header.Get(subjectHeader)
	w.call(lent, "GET /OS-TRUST/trusts/"+id+"/roles/"+w.id(admin, "roles", "reader"), "").must(200)
	w.call(lent, "GET /OS-TRUST/trusts/"+id+"/roles/"+member, "").must(404)
	w.call("", "POST /auth/tokens", tokenAuth(lent, projectNamed("demo"))).must(403)
	w.call(lent, "POST /credentials", `{"credential":{"type":"cert","blob":"x"}}`).must(403)
	pair := w.call(demo, "POST /users/"+me+"/credentials/OS-EC2", `{"tenant_id":"`+project+`"}`).must(201).at("credential/access")
	for _, secret := range []string{"/credentials", "/credentials/" + identity.EC2ID(pair), "/users/" + me + "/credentials/OS-EC2", "/users/" + me + "/credentials/OS-EC2/" + pair} {
		w.call(demo, "GET "+secret, "").must(200)
		w.call(lent, "GET "+secret, "").must(403)
	}
	w.call(lent, "POST /users/"+me+"/application_credentials", `{"application_credential":{"name":"x"}}`).must(403)
	// Lending on.
	on := func(more string) string {
		return fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":true,%s}}`, me, boss, project, more)
	}
	w.call(lent, "POST /OS-TRUST/trusts", on(`"roles":[{"name":"member"}]`)).must(403)
	child := w.call(lent, "POST /OS-TRUST/trusts", on(`"roles":[{"name":"reader"}]`)).must(201)
	if child.at("trust/redelegated_trust_id") != id || child.at("trust/redelegation_count") != "0" {
		t.Errorf("lent on %s", child.text)
	}
	lentOn := w.call("", "POST /auth/tokens", auth("admin", child.at("trust/id"))).must(201).header.Get(subjectHeader)
	w.call(lentOn, "POST /OS-TRUST/trusts", on(`"roles":[{"name":"reader"}]`)).must(403)
	if got := w.call(demo, "GET /OS-TRUST/trusts?trustor_user_id="+me+"&trustee_user_id="+helper, "").must(200).names("trusts", "id"); len(got) != 1 || got[0] != id {
		t.Errorf("found %v", got)
	}
	if got := w.call(admin, "GET /OS-TRUST/trusts", "").must(200).names("trusts", "id"); len(got) != 2 {
		t.Errorf("all are %v", got)
	}
	for _, others := range []string{"", "?trustor_user_id=" + boss, "?trustee_user_id=" + helper} {
		w.call(demo, "GET /OS-TRUST/trusts"+others, "").must(403)
	}
	// A role that the trustor loses ends it.
	grant := "/projects/" + project + "/users/" + me + "/roles/" + member
	w.call(admin, "DELETE "+grant, "").must(204)
	w.call(lent, "GET /users/"+me, "").must(401)
	w.call(admin, "PUT "+grant, "").must(204)
	w.call(lent, "GET /users/"+me, "").must(200)
	// So does a trustee who is disabled, or the end of the trust.
	w.call(lentOn, "GET /users/"+me, "").must(200)
	w.call(admin, "PATCH /users/"+helper, `{"user":{"enabled":false}}`).must(200)
	w.call(lent, "GET /users/"+me, "").must(401)
	w.call(lentOn, "GET /users/"+me, "").must(401) // it has lent that on
	w.call(demo, "DELETE /OS-TRUST/trusts/"+id, "").must(204)
	w.call(demo, "GET /OS-TRUST/trusts/"+id, "").must(404)
	w.call(lentOn, "GET /users/"+me, "").must(401)
	if n := identity.Trusts.Len(w.store.Snapshot()); n != 0 {
		t.Errorf("%d trusts are left of one that was lent on", n)
	}
}

func TestTrustOfFewUses(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	me, boss, project := w.id(admin, "users", "demo"), w.id(admin, "users", "admin"), w.id(admin, "projects", "demo")
	end := w.clock.Now().Add(time.Minute).Truncate(time.Second)
	a := w.call(demo, "POST /OS-TRUST/trusts", fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":false,"roles":[{"name":"member"}],"remaining_uses":1,"expires_at":%q}}`,
		me, boss, project, end.Format(time.RFC3339))).must(201)
	id := a.at("trust/id")
	if a.at("trust/expires_at") != stamp(end) || a.at("trust/remaining_uses") != "1" {
		t.Errorf("made %s", a.text)
	}
	auth := passwordAuth("admin", password, `{"OS-TRUST:trust":{"id":"`+id+`"}}`)
	// A plan session forgets what was used up, the token would be a real one.
	w.call(admin, "POST /auth/tokens", auth, "Cloudlet-Plan", "p").must(400)
	w.call(demo, "POST /users/"+me+"/password", `{"user":{"original_password":"wrong","password":"x"}}`, "Cloudlet-Plan", "p").must(400)
	token := w.call("", "POST /auth/tokens", auth).must(201)
	if token.at("token/user/id") != boss || token.at("token/roles/0/name") != "member" || token.at("token/expires_at") != stamp(end) {
		t.Errorf("token %s", token.text)
	}
	w.call("", "POST /auth/tokens", auth).must(401)
	if got := w.call(admin, "GET /OS-TRUST/trusts/"+id, "").must(200).at("trust/remaining_uses"); got != "0" {
		t.Errorf("%s uses remain", got)
	}
	lent := token.header.Get(subjectHeader)
	w.call(lent, "GET /users/"+boss, "").must(200)
	w.call(lent, "POST /users", `{"user":{"name":"x"}}`).must(403) // no admin by it
	w.clock.pass(time.Minute)
	w.call(lent, "GET /users/"+boss, "").must(401)
	admin = w.login("admin", "admin")
	w.call(admin, "DELETE /users/"+me, "").must(204)
	w.call(admin, "GET /OS-TRUST/trusts/"+id, "").must(404)
}
