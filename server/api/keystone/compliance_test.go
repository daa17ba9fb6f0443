package keystone

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
)

const day = 24 * time.Hour

func (w *world) change(user, from, to string) answer {
	w.Helper()
	return w.call("", "POST /users/"+user+"/password", fmt.Sprintf(`{"user":{"original_password":%q,"password":%q}}`, from, to))
}

func (w *world) try(user, secret string) answer {
	return w.call("", "POST /auth/tokens", passwordAuth(user, secret, ""))
}

func TestLockout(t *testing.T) {
	w := newWorldWith(t, identity.Settings{Compliance: identity.Compliance{LockoutFailureAttempts: 3, LockoutDuration: time.Minute}})
	admin := w.login("admin", "admin")
	fail := func(times int) {
		for range times {
			w.try("demo", "wrong").must(401)
		}
	}
	fail(2)
	w.try("demo", password).must(201) // begins anew
	fail(3)
	w.try("demo", password).must(401)
	w.change(w.id(admin, "users", "demo"), password, "other").must(401)
	w.clock.pass(time.Minute)
	fail(1)
	w.try("demo", password).must(201)
	w.change(w.id(admin, "users", "demo"), "wrong", "other").must(401)
	fail(2)
	w.try("demo", password).must(401)
	user := w.id(admin, "users", "demo")
	w.call(admin, "PATCH /users/"+user, `{"user":{"password":"`+password+`","options":{"ignore_lockout_failure_attempts":true}}}`).must(200)
	fail(5)
	w.try("demo", password).must(201)
}

func TestPasswordsExpire(t *testing.T) {
	w := newWorldWith(t, identity.Settings{Compliance: identity.Compliance{PasswordExpiresDays: 30, ChangePasswordUponFirstUse: true}})
	admin := w.login("admin", "admin")
	user := w.call(admin, "POST /users", `{"user":{"name":"ann","password":"one"}}`).must(201).at("user/id")
	if a := w.try("ann", "one").must(401); !strings.Contains(a.text, "expired") {
		t.Errorf("first use: %s", a.text)
	}
	if a := w.try("ann", "wrong").must(401); strings.Contains(a.text, "expired") {
		t.Errorf("who does not know the password learns that it expired: %s", a.text)
	}
	w.change(user, "one", "two").must(204)
	w.try("ann", "two").must(201)
	at := w.clock.Now().Add(30 * day).Truncate(time.Hour)
	for query, want := range map[string]string{"lt": "[]", "gt": "[ann]"} {
		a := w.call(admin, "GET /users?password_expires_at="+query+":"+at.Add(-time.Hour).Format(time.RFC3339), "").must(200)
		if got := fmt.Sprint(a.names("users", "name")); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	w.clock.pass(30 * day)
	w.try("ann", "two").must(401)
	admin = w.login("admin", "admin")
	if a := w.call(admin, "PATCH /users/"+user, `{"user":{"options":{"ignore_password_expiry":true}}}`).must(200); a.at("user/password_expires_at") != "<nil>" {
		t.Errorf("user: %s", a.text)
	}
	w.try("ann", "two").must(201)
	w.call(admin, "PATCH /users/"+user, `{"user":{"password":"six","options":{"ignore_password_expiry":null,"ignore_change_password_upon_first_use":true}}}`).must(200)
	w.try("ann", "six").must(201)
}

func TestPasswordRules(t *testing.T) {
	w := newWorldWith(t, identity.Settings{Compliance: identity.Compliance{UniqueLastPasswordCount: 3, MinimumPasswordAge: 1,
		PasswordRegex: regexp.MustCompile(`[0-9]`), PasswordRegexDescription: "a digit is needed"}})
	admin := w.login("admin", "admin")
	if a := w.call(admin, "POST /users", `{"user":{"name":"ann","password":"one"}}`).must(400); !strings.Contains(a.text, "a digit is needed") || a.header.Get("Cloudlet-Field") != "/user/password" {
		t.Errorf("regex: %s", a.text)
	}
	user := w.call(admin, "POST /users", `{"user":{"name":"ann","password":"p1"}}`).must(201).at("user/id")
	w.change(user, "p1", "p2").must(400) // too soon
	w.clock.pass(day)
	w.change(user, "p1", "none").must(400)
	w.change(user, "p1", "p2").must(204)
	w.clock.pass(day)
	w.change(user, "p2", "p1").must(400)
	w.change(user, "p2", "p2").must(400)
	w.change(user, "p2", "p3").must(204)
	w.clock.pass(day)
	w.change(user, "p3", "p1").must(204)
	admin = w.login("admin", "admin")
	w.call(admin, "PATCH /users/"+user, `{"user":{"password":"p3","options":{"lock_password":true}}}`).must(200) // an administrator may
	w.clock.pass(day)
	w.change(user, "p3", "p9").must(400)
}

func TestInactiveUsers(t *testing.T) {
	w := newWorldWith(t, identity.Settings{TokenLife: 1000 * day, Compliance: identity.Compliance{DisableUserAccountDaysInactive: 10}})
	admin := w.login("admin", "admin")
	user := w.id(admin, "users", "demo")
	token := w.login("demo", "demo")
	w.clock.pass(9 * day)
	w.login("demo", "demo")
	w.login("admin", "admin")
	w.clock.pass(9 * day)
	w.call(token, "GET /auth/projects", "").must(200)
	admin = w.login("admin", "admin")
	w.clock.pass(2 * day)
	if a := w.call(admin, "GET /users/"+user, "").must(200); a.at("user/enabled") != "false" {
		t.Errorf("away: %s", a.text)
	}
	w.try("demo", password).must(401)
	w.call(token, "GET /auth/projects", "").must(401)
	w.call(admin, "PATCH /users/"+user, `{"user":{"enabled":true}}`).must(200)
	w.try("demo", password).must(201)
}

func TestSeveralFactors(t *testing.T) {
	w := newWorld(t)
	admin := w.login("admin", "admin")
	user := w.id(admin, "users", "demo")
	first := w.login("demo", "demo")
	set := func(options string) {
		w.call(admin, "PATCH /users/"+user, `{"user":{"options":`+options+`}}`).must(200)
	}
	set(`{"multi_factor_auth_enabled":true,"multi_factor_auth_rules":[["password","token"]]}`)
	a := w.call("", "POST /auth/tokens", passwordAuth("demo", password, "")).must(401)
	receipt := a.header.Get(receiptHeader)
	if receipt == "" || a.at("required_auth_methods/0") != "[password token]" || a.at("receipt/methods") != "[password]" || a.at("receipt/user/name") != "demo" {
		t.Fatalf("receipt: %v %s", a.header, a.text)
	}
	w.call(receipt, "GET /auth/projects", "").must(401)
	w.call("", "POST /auth/tokens", tokenAuth(receipt, projectNamed("demo"))).must(404)
	w.call("", "POST /auth/tokens", passwordAuth("demo", password, "")).must(401)
	w.call("", "POST /auth/tokens", tokenAuth(first, projectNamed("demo"))).must(201) // itself had by a password
	w.call("", "POST /auth/tokens", tokenAuth(first, projectNamed("demo")), receiptHeader, receipt).must(201)
	w.call("", "POST /auth/tokens", tokenAuth(admin, projectNamed("demo")), receiptHeader, receipt).must(401)
	w.call("", "POST /auth/tokens", passwordAuth("demo", password, ""), receiptHeader, "clt1.xyz").must(401)
	w.clock.pass(6 * time.Minute)
	w.call("", "POST /auth/tokens", passwordAuth("demo", password, ""), receiptHeader, receipt).must(401)
	set(`{"multi_factor_auth_rules":[["password","magic"]]}`) // nothing that is offered: it does not count
	w.login("demo", "demo")
	set(`{"multi_factor_auth_enabled":false,"multi_factor_auth_rules":[["password","token"]]}`)
	w.login("demo", "demo")
}

func TestExpiredTokensForServices(t *testing.T) {
	w := newWorldWith(t, identity.Settings{TokenLife: time.Minute})
	old := w.login("demo", "demo")
	w.clock.pass(2 * time.Minute)
	admin := w.login("admin", "admin")
	w.call(admin, "GET /auth/tokens", "", subjectHeader, old).must(404)
	w.call(admin, "GET /auth/tokens?allow_expired=1", "", subjectHeader, old).must(200)
	w.call(w.login("demo", "demo"), "GET /auth/tokens?allow_expired=1", "", subjectHeader, old).must(404)
	w.call(admin, "DELETE /auth/tokens?allow_expired=1", "", subjectHeader, old).must(404)
	w.call(old, "GET /auth/projects?allow_expired=1", "").must(401)
	w.clock.pass(identity.ExpiredWindow)
	w.call(w.login("admin", "admin"), "GET /auth/tokens?allow_expired=1", "", subjectHeader, old).must(404)
}
