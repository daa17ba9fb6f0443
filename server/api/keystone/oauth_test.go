package keystone

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/oauth1"

	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// shop is a consumer that somebody else's implementation of OAuth speaks for.
type shop struct {
	*world
	config oauth1.Config
}

// asking sends the project for which a request token is asked.
type asking struct{ project string }

func (a asking) RoundTrip(rq *http.Request) (*http.Response, error) {
	rq.Header.Set("Requested-Project-Id", a.project)
	return http.DefaultTransport.RoundTrip(rq)
}

// nonces have characters that need to be encoded.
type nonces struct{ n int }

func (n *nonces) Nonce() string { n.n++; return fmt.Sprintf("once %d/+", n.n) }

func newShop(w *world, admin, project string) *shop {
	made := w.call(admin, "POST /OS-OAUTH1/consumers", `{"consumer":{"description":"shop"}}`).must(201)
	at := w.url + "/identity/v3/OS-OAUTH1/"
	return &shop{w, oauth1.Config{ConsumerKey: made.at("consumer/id"), ConsumerSecret: made.at("consumer/secret"), CallbackURL: "oob", Noncer: &nonces{},
		Endpoint: oauth1.Endpoint{RequestTokenURL: at + "request_token", AccessTokenURL: at + "access_token"}, HTTPClient: &http.Client{Transport: asking{project}}}}
}

// lent goes the whole way to an access token with the roles of user.
func (s *shop) lent(user, roles string) *oauth1.Token {
	s.Helper()
	key, secret, err := s.config.RequestToken()
	if err != nil {
		s.Fatal(err)
	}
	verifier := s.call(user, "PUT /OS-OAUTH1/authorize/"+key, roles).must(200).at("token/oauth_verifier")
	access, accessSecret, err := s.config.AccessToken(key, secret, verifier)
	if err != nil {
		s.Fatal(err)
	}
	return oauth1.NewToken(access, accessSecret)
}

const oauthAuth = `{"auth":{"identity":{"methods":["oauth1"],"oauth1":{}}%s}}`

// auth authenticates by an access token.
func (s *shop) auth(t *oauth1.Token, scope string) answer {
	s.Helper()
	rq, err := http.NewRequestWithContext(s.Context(), "POST", s.url+"/identity/v3/auth/tokens?nocatalog", strings.NewReader(fmt.Sprintf(oauthAuth, scope)))
	if err != nil {
		s.Fatal(err)
	}
	rq.Header.Set("Content-Type", "application/json")
	return s.by(s.config.Client(s.Context(), t), rq)
}

func TestOAuth(t *testing.T) {
	w := newWorldWith(t, identity.Settings{RequestTokenLife: time.Hour, AccessTokenLife: 30 * time.Minute})
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	project, user := w.id(admin, "projects", "demo"), w.id(admin, "users", "demo")
	s := newShop(w, admin, project)
	access := s.lent(demo, `{"roles":[{"name":"reader"}]}`)
	a := s.auth(access, "").must(201)
	if a.at("token/user/id") != user || a.at("token/project/id") != project || a.at("token/roles/0/name") != "reader" || a.at("token/roles/1") != "<nil>" ||
		a.at("token/OS-OAUTH1/access_token_id") != access.Token || a.at("token/OS-OAUTH1/consumer_id") != s.config.ConsumerKey || a.at("token/methods/0") != "oauth1" {
		t.Errorf("token %s", a.text)
	}
	if end, _ := time.Parse(time.RFC3339, a.at("token/expires_at")); end.Sub(w.clock.Now()) > 30*time.Minute {
		t.Errorf("the token outlives the access token: %v", end)
	}
	token := a.header.Get(subjectHeader)

	of := "/users/" + user + "/OS-OAUTH1/access_tokens"
	if got := w.call(demo, "GET "+of, "").must(200).names("access_tokens", "id"); len(got) != 1 || got[0] != access.Token {
		t.Errorf("listed %v", got)
	}
	one := of + "/" + access.Token
	if got := w.call(demo, "GET "+one, "").must(200); got.at("access_token/consumer_id") != s.config.ConsumerKey || got.at("access_token/authorizing_user_id") != user ||
		got.at("access_token/project_id") != project || got.at("access_token/links/roles") != w.url+"/identity/v3"+one+"/roles" || strings.Contains(got.text, access.TokenSecret) {
		t.Errorf("shown %s", got.text)
	}
	reader := w.id(admin, "roles", "reader")
	if got := w.call(demo, "GET "+one+"/roles", "").must(200).names("roles", "id"); len(got) != 1 || got[0] != reader {
		t.Errorf("roles %v", got)
	}
	w.call(demo, "GET "+one+"/roles/"+reader, "").must(200)
	w.call(demo, "GET "+one+"/roles/"+w.id(admin, "roles", "member"), "").must(404)

	// What was lent stays what it is.
	w.call("", "POST /auth/tokens", tokenAuth(token, `{"project":{"id":"`+project+`"}}`)).must(403)
	s.auth(access, `,"scope":{"domain":{"id":"default"}}`).must(401)
	s.auth(access, `,"scope":"unscoped"`).must(401)
	w.call(token, "GET "+of, "").must(403)
	w.call(token, "DELETE "+one, "").must(403)
	w.call(token, "POST /users/"+user+"/application_credentials", `{"application_credential":{"name":"x"}}`).must(403)
	w.call(token, "POST /users/"+user+"/credentials/OS-EC2", `{"tenant_id":"`+project+`"}`).must(403)
	w.call(token, "POST /OS-TRUST/trusts", fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":true,"roles":[{"name":"reader"}]}}`, user, user, project)).must(403)
	w.call(token, "PUT /OS-OAUTH1/authorize/"+access.Token, `{"roles":[{"name":"reader"}]}`).must(403)

	w.clock.pass(31 * time.Minute)
	w.call(token, "GET /auth/projects", "").must(401)
	if got := w.call(w.login("demo", "demo"), "GET "+of, "").must(200).names("access_tokens", "id"); len(got) != 0 {
		t.Errorf("still listed %v", got)
	}
}

// What a consumer must not be able to do with what it has.
func TestOAuthRefuses(t *testing.T) {
	w := newWorldWith(t, identity.Settings{RequestTokenLife: time.Hour, AccessTokenLife: time.Hour})
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	project := w.id(admin, "projects", "demo")
	s, other := newShop(w, admin, project), newShop(w, admin, project)
	key, secret, err := s.config.RequestToken()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.config.AccessToken(key, secret, "00000000"); err == nil {
		t.Error("an access token without anybody's authorization")
	}
	const roles = `{"roles":[{"name":"member"}]}`
	at := "PUT /OS-OAUTH1/authorize/" + key
	w.call(demo, at, `{"roles":[]}`).must(400)
	w.call(demo, at, `{"roles":[{"name":"admin"}]}`).must(401)
	w.call(demo, at, `{"roles":[{"name":"nothing"}]}`).must(404)
	verifier := w.call(demo, at, roles).must(200).at("token/oauth_verifier")
	w.call(admin, at, roles).must(403)
	for name, try := range map[string]func() (string, string, error){
		"a wrong verifier": func() (string, string, error) { return s.config.AccessToken(key, secret, verifier+"0") },
		"a wrong secret":   func() (string, string, error) { return s.config.AccessToken(key, secret+"0", verifier) },
		"another consumer": func() (string, string, error) { return other.config.AccessToken(key, secret, verifier) },
		"another project":  func() (string, string, error) { return newShop(w, admin, "nothing").config.RequestToken() },
	} {
		if a, _, err := try(); err == nil {
			t.Errorf("%s is given %s", name, a)
		}
	}
	if s.auth(oauth1.NewToken(key, secret), "").status != 401 {
		t.Error("a request token counts as an access token")
	}
	access, accessSecret, err := s.config.AccessToken(key, secret, verifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.config.AccessToken(key, secret, verifier); err == nil {
		t.Error("a request token is exchanged twice")
	}
	good := oauth1.NewToken(access, accessSecret)
	s.auth(good, "").must(201)
	s.auth(oauth1.NewToken(access, "0"), "").must(401)
	other.auth(good, "").must(401)
	s.config.Noncer.(*nonces).n-- // twice the same: at the same second it is the same request
	again := s.auth(good, "")
	for tries := 0; again.status == 201 && tries < 5; tries++ { // the second has changed between
		s.config.Noncer.(*nonces).n--
		again = s.auth(good, "")
	}
	again.must(401)
	w.clock.pass(11 * time.Minute)
	s.auth(good, "").must(401) // signed too long ago
}

// The access token, or what rests on it, ends with what it rests on.
func TestOAuthEnds(t *testing.T) {
	var ids struct{ user, project string }
	for name, end := range map[string]func(w *world, s *shop, admin, demo string, access *oauth1.Token){
		"the user ends it": func(w *world, _ *shop, _, demo string, access *oauth1.Token) {
			w.call(demo, "DELETE /users/"+ids.user+"/OS-OAUTH1/access_tokens/"+access.Token, "").must(204)
		},
		"no consumer": func(w *world, s *shop, admin, _ string, _ *oauth1.Token) {
			w.call(admin, "DELETE /OS-OAUTH1/consumers/"+s.config.ConsumerKey, "").must(204)
		},
		"no role": func(w *world, _ *shop, admin, _ string, _ *oauth1.Token) {
			w.call(admin, "DELETE /projects/"+ids.project+"/users/"+ids.user+"/roles/"+w.id(admin, "roles", "member"), "").must(204)
		},
		"the role deleted": func(w *world, _ *shop, _, _ string, _ *oauth1.Token) {
			w.write(func(tx *statestore.Txn) error {
				r, err := identity.RoleNamed(tx, "", "member")
				identity.Roles.Delete(tx, r.ID)
				return err
			})
		},
		"the user disabled": func(w *world, _ *shop, admin, _ string, _ *oauth1.Token) {
			w.call(admin, "PATCH /users/"+ids.user, `{"user":{"enabled":false}}`).must(200)
		},
		"no user": func(w *world, _ *shop, admin, _ string, _ *oauth1.Token) {
			w.call(admin, "DELETE /users/"+ids.user, "").must(204)
		},
		"the project disabled": func(w *world, _ *shop, admin, _ string, _ *oauth1.Token) {
			w.call(admin, "PATCH /projects/"+ids.project, `{"project":{"enabled":false}}`).must(200)
		},
		"no project": func(w *world, _ *shop, admin, _ string, _ *oauth1.Token) {
			w.call(admin, "DELETE /projects/"+ids.project, "").must(204)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
			ids.project, ids.user = w.id(admin, "projects", "demo"), w.id(admin, "users", "demo")
			s := newShop(w, admin, ids.project)
			access := s.lent(demo, `{"roles":[{"name":"member"}]}`)
			token := s.auth(access, "").must(201).header.Get(subjectHeader)
			w.call(token, "GET /auth/projects", "").must(200)
			end(w, s, admin, demo, access)
			w.call(token, "GET /auth/projects", "").must(401)
			s.auth(access, "").must(401)
			if left := identity.OAuthTokens.Len(w.store.Snapshot()); left > 0 && !strings.Contains(name, "role") && !strings.Contains(name, "disabled") {
				t.Errorf("%d tokens are left", left)
			}
		})
	}
}

// Requests that are no requests of OAuth are told so.
func TestOAuthHeader(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{"", "Basic x", "OAuth", `OAuth oauth_consumer_key="a", oauth_consumer_key="b"`, `OAuth oauth_consumer_key="%zz"`} {
		w.call("", "POST /OS-OAUTH1/request_token", "", "Authorization", header, "Requested-Project-Id", "x").must(400)
		w.call("", "POST /OS-OAUTH1/access_token", "", "Authorization", header).must(400)
		w.call("", "POST /auth/tokens", fmt.Sprintf(oauthAuth, ""), "Authorization", header).must(400)
	}
	w.call("", "POST /OS-OAUTH1/request_token", "", "Authorization", `OAuth oauth_consumer_key="a"`).must(400)
	w.call("", "POST /OS-OAUTH1/request_token", "", "Authorization", `OAuth oauth_consumer_key="a"`, "Requested-Project-Id", "x").must(401)
}

// The form is as Keystone writes it: its clients take the time as it stands.
func TestOAuthAnswer(t *testing.T) {
	end := time.Date(2026, 11, 26, 2, 54, 18, 0, time.UTC)
	got := string(oauthAnswer(identity.OAuthToken{ID: "k", ExpiresAt: end}, "s", "").Raw)
	if want := "oauth_token=k&oauth_token_secret=s&oauth_expires_at=2026-11-26T02:54:18.000000Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever a header says, it is read as it was meant, or refused.
func FuzzOAuthHeader(f *testing.F) {
	f.Add(`OAuth realm="x", oauth_consumer_key="a%2Fb", oauth_nonce="=,"`)
	f.Add(`oauth a="b",a="c"`)
	f.Add(`OAuth ,,="%`)
	f.Fuzz(func(t *testing.T, header string) {
		params, err := oauthHeader(header)
		if err != nil {
			return
		}
		var parts []string
		for name, value := range params {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
				return // no name of OAuth
			}
			parts = append(parts, name+`="`+url.QueryEscape(value)+`"`)
		}
		if params == nil || len(parts) == 0 {
			return
		}
		again, err := oauthHeader("OAuth " + strings.ReplaceAll(strings.Join(parts, ", "), "+", "%20"))
		if err != nil || !maps.Equal(params, again) {
			t.Errorf("%q is %v, and %v, %v when written anew", header, params, again, err)
		}
	})
}
