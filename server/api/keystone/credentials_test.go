package keystone

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestCredentials(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	project, me, boss := w.id(admin, "projects", "demo"), w.id(admin, "users", "demo"), w.id(admin, "users", "admin")
	made := w.call(demo, "POST /credentials", `{"credential":{"type":"cert","blob":"--pem--"}}`).must(201)
	cert := made.at("credential/id")
	if made.at("credential/user_id") != me || made.at("credential/blob") != "--pem--" || made.at("credential/project_id") != "<nil>" {
		t.Errorf("made %s", made.text)
	}
	for body, status := range map[string]int{
		`{"credential":{"type":"cert","blob":"x","user_id":"` + boss + `"}}`:                                        403,
		`{"credential":{"type":"cert"}}`:                                                                            400,
		`{"credential":{"blob":"x"}}`:                                                                               400,
		`{"credential":{"type":"ec2","blob":"{\"access\":\"a\",\"secret\":\"s\"}"}}`:                                400,
		`{"credential":{"type":"ec2","blob":"x","project_id":"` + project + `"}}`:                                   400,
		`{"credential":{"type":"totp","blob":"not base32"}}`:                                                        400,
		`{"credential":{"type":"ec2","blob":"{\"access\":\"a\",\"secret\":\"s\"}","project_id":"nosuch"}}`:          404,
		`{"credential":{"type":"ec2","blob":"{\"access\":\"a\",\"secret\":\"s\"}","project_id":"` + project + `"}}`: 201,
	} {
		w.call(demo, "POST /credentials", body).must(status)
	}
	w.call(demo, "POST /credentials", `{"credential":{"type":"ec2","blob":"{\"access\":\"a\",\"secret\":\"t\"}","project_id":"`+project+`"}}`).must(409)
	own := w.call(admin, "POST /credentials", `{"credential":{"type":"cert","blob":"y"}}`).must(201).at("credential/id")
	w.call(demo, "GET /credentials/"+own, "").must(403)
	w.call(demo, "PATCH /credentials/"+cert, `{"credential":{"user_id":"`+boss+`"}}`).must(403)
	if got := w.call(demo, "GET /credentials", "").must(200).names("credentials", "type"); len(got) != 2 {
		t.Errorf("demo sees %v", got)
	}
	if got := w.call(admin, "GET /credentials?type=ec2&user_id="+me, "").must(200).names("credentials", "id"); len(got) != 1 || got[0] != identity.EC2ID("a") {
		t.Errorf("the filter finds %v", got)
	}
	w.write(func(tx *statestore.Txn) error { // sealed, and still open after the keys went
		c, _ := identity.StoredCredentials.Get(tx, cert)
		if strings.Contains(string(c.Sealed), "pem") {
			t.Error("stored in the open")
		}
		if err := identity.KeyRotate(tx, identity.NewKey(), 0); err != nil {
			return err
		}
		return nil
	})
	w.clock.pass(time.Second)
	w.write(func(tx *statestore.Txn) error { return identity.KeyRotate(tx, identity.NewKey(), 0) })
	admin, demo = w.login("admin", "admin"), w.login("demo", "demo")
	changed := w.call(demo, "PATCH /credentials/"+cert, `{"credential":{"type":"x509"}}`).must(200)
	if changed.at("credential/blob") != "--pem--" || changed.at("credential/type") != "x509" {
		t.Errorf("changed to %s", changed.text)
	}
	w.call(admin, "DELETE /projects/"+project, "").must(204)
	w.call(admin, "GET /credentials/"+identity.EC2ID("a"), "").must(404)
	w.call(admin, "DELETE /users/"+me, "").must(204)
	w.call(admin, "GET /credentials/"+cert, "").must(404)
}

func TestEC2(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	me, boss, project := w.id(admin, "users", "demo"), w.id(admin, "users", "admin"), w.id(admin, "projects", "demo")
	const of = "/credentials/OS-EC2"
	pair := w.call(demo, "POST /users/"+me+of, `{"tenant_id":"`+project+`"}`).must(201)
	access, secret := pair.at("credential/access"), pair.at("credential/secret")
	w.call(demo, "POST /users/"+boss+of, `{"tenant_id":"`+project+`"}`).must(403)
	w.call(demo, "POST /users/"+me+of, `{}`).must(400)
	w.call(admin, "GET /users/"+boss+of+"/"+access, "").must(404)
	if got := w.call(demo, "GET /users/"+me+of, "").must(200).names("credentials", "secret"); len(got) != 1 || got[0] != secret {
		t.Errorf("listed %v of %s", got, pair.text)
	}
	stamp := w.clock.Now().Format("2006-01-02T15:04:05Z")
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte("ActionDescribeSignatureVersion1Timestamp" + stamp))
	good := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	signed := func(signature string) string {
		return fmt.Sprintf(`{"ec2Credentials":{"access":%q,"signature":%q,"verb":"GET","host":"h","path":"/","params":{"Action":"Describe","SignatureVersion":"1","Timestamp":%q}}}`, access, signature, stamp)
	}
	a := w.call(admin, "POST /ec2tokens", signed(good)).must(200)
	if a.at("token/user/id") != me || a.at("token/project/id") != project || a.at("token/methods/0") != "ec2credential" {
		t.Errorf("token %s", a.text)
	}
	w.call(a.header.Get(subjectHeader), "GET /users/"+me, "").must(200)
	w.call(demo, "POST /ec2tokens", signed(good)).must(403)
	w.call(admin, "POST /ec2tokens", signed("x")).must(401)
	w.call(admin, "POST /ec2tokens", `{}`).must(400)
	mac = hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte("PUT\n/x"))
	s3 := func(text string) string {
		return fmt.Sprintf(`{"credentials":{"access":%q,"signature":%q,"token":%q}}`, access, base64.StdEncoding.EncodeToString(mac.Sum(nil)), base64.StdEncoding.EncodeToString([]byte(text)))
	}
	w.call(admin, "POST /s3tokens", s3("PUT\n/x")).must(200)
	w.call(admin, "POST /s3tokens", s3("PUT\n/y")).must(401)
	w.clock.pass(20 * time.Minute)
	w.call(admin, "POST /ec2tokens", signed(good)).must(401)
	w.call(demo, "DELETE /users/"+me+of+"/"+access, "").must(204)
	w.call(demo, "GET /users/"+me+of+"/"+access, "").must(404)
}

func TestPasscodes(t *testing.T) {
	w := newWorldWith(t, identity.Settings{Compliance: identity.Compliance{LockoutFailureAttempts: 2, LockoutDuration: time.Minute}})
	admin := w.login("admin", "admin")
	me := w.id(admin, "users", "demo")
	key := []byte("12345678901234567890")
	w.call(admin, "POST /credentials", `{"credential":{"type":"totp","user_id":"`+me+`","blob":"`+base32.StdEncoding.EncodeToString(key)+`"}}`).must(201)
	code := func() string {
		mac := hmac.New(sha1.New, key)
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(w.clock.Now().Unix()/30)))
		sum := mac.Sum(nil)
		return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
	}
	auth := func(code string) string {
		return `{"auth":{"identity":{"methods":["totp"],"totp":{"user":{"id":"` + me + `","passcode":"` + code + `"}}},"scope":` + projectNamed("demo") + `}}`
	}
	first := code()
	a := w.call("", "POST /auth/tokens", auth(first)).must(201)
	if a.at("token/methods/0") != "totp" || a.at("token/user/id") != me {
		t.Errorf("token %s", a.text)
	}
	w.call("", "POST /auth/tokens", auth(first)).must(401) // once only
	w.clock.pass(time.Minute)
	w.call("", "POST /auth/tokens", auth(code())).must(201)
	w.clock.pass(time.Minute)
	w.call("", "POST /auth/tokens", auth("x")).must(401)
	w.call("", "POST /auth/tokens", auth("x")).must(401)
	w.call("", "POST /auth/tokens", auth(code())).must(401) // locked
	w.clock.pass(2 * time.Minute)
	w.call(admin, "PATCH /users/"+me, `{"user":{"options":{"multi_factor_auth_rules":[["password","totp"]]}}}`).must(200)
	receipt := w.call("", "POST /auth/tokens", passwordAuth("demo", password, projectNamed("demo"))).must(401).header.Get(receiptHeader)
	got := w.call("", "POST /auth/tokens", auth(code()), receiptHeader, receipt).must(201)
	w.clock.pass(time.Minute)
	twice := code() // a passcode counts once for a receipt too
	w.call("", "POST /auth/tokens", auth(twice)).must(401)
	if again := w.call("", "POST /auth/tokens", auth(twice)).must(401); again.header.Get(receiptHeader) != "" {
		t.Error("a passcode has two receipts")
	}
	if got.at("token/methods") != "[totp password]" {
		t.Errorf("methods %s", got.at("token/methods"))
	}
}

// Who guesses passcodes is counted, whatever else the request holds, and does not begin
// anew by showing a password that is not enough.
func TestLockoutOfPasscodes(t *testing.T) {
	w := newWorldWith(t, identity.Settings{Compliance: identity.Compliance{LockoutFailureAttempts: 3}})
	admin := w.login("admin", "admin")
	me := w.id(admin, "users", "demo")
	w.call(admin, "POST /credentials", `{"credential":{"type":"totp","user_id":"`+me+`","blob":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}}`).must(201)
	w.call(admin, "PATCH /users/"+me, `{"user":{"options":{"multi_factor_auth_rules":[["password","totp"]]}}}`).must(200)
	guess := func(user string) {
		w.call("", "POST /auth/tokens", `{"auth":{"identity":{"methods":["totp","password"],"totp":{"user":{"id":"`+me+`","passcode":"x"}},
			"password":{"user":{"id":"`+user+`","password":"x"}}}}}`).must(401)
	}
	failed := func() int {
		u, _ := identity.Users.Get(w.store.Snapshot(), me)
		return u.FailedLogins
	}
	guess("nobody")
	guess(w.id(admin, "users", "admin"))
	if failed() != 2 {
		t.Errorf("%d wrong passcodes count, want 2", failed())
	}
	w.change(me, password, "other").must(204)
	w.change(me, "other", password).must(204)
	if failed() != 2 {
		t.Errorf("after a password %d wrong passcodes count, want 2", failed())
	}
	guess("nobody")
	w.change(me, password, "other").must(401) // locked
	w.call(admin, "PATCH /users/"+me, `{"user":{"password":"other"}}`).must(200)
	if failed() != 0 {
		t.Error("a password that an administrator set does not unlock")
	}
}
