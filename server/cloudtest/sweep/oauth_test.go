package sweep

import (
	"encoding/json"
	"net/http"

	"github.com/dghubble/oauth1"

	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// forProject sends the project that a request token is asked for.
type forProject struct{ id string }

func (f forProject) RoundTrip(rq *http.Request) (*http.Response, error) {
	rq.Header.Set("Requested-Project-Id", f.id)
	return http.DefaultTransport.RoundTrip(rq)
}

// lend has a consumer ask for two tokens, and the administrator grant one. The requests
// are signed with the machine's time, so that the clock must not be ahead.
func (w *world) lend() {
	w.Helper()
	w.read(func(r statestore.Reader) {
		role, err := identity.RoleNamed(r, "", "member")
		if err != nil {
			w.Fatal(err)
		}
		w.kept["lentrole"] = role.ID
	})
	ask := func(method, path, body string) map[string]map[string]string {
		w.Helper()
		a := w.send(request{token: w.admin, method: method, path: "/identity/v3/OS-OAUTH1/" + path, body: body, header: []string{"Content-Type", "application/json"}})
		var top map[string]json.RawMessage
		if err := json.Unmarshal(a.body, &top); err != nil || a.status >= 300 {
			w.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		out := map[string]map[string]string{}
		for name, raw := range top {
			var m map[string]any
			if json.Unmarshal(raw, &m) != nil {
				continue
			}
			out[name] = map[string]string{}
			for k, v := range m {
				out[name][k], _ = v.(string)
			}
		}
		return out
	}
	consumer := ask("POST", "consumers", `{"consumer":{"description":"shop"}}`)["consumer"]
	at := w.cloud.URL + "/identity/v3/OS-OAUTH1/"
	c := oauth1.Config{ConsumerKey: consumer["id"], ConsumerSecret: consumer["secret"], CallbackURL: "oob",
		Endpoint: oauth1.Endpoint{RequestTokenURL: at + "request_token", AccessTokenURL: at + "access_token"}, HTTPClient: &http.Client{Transport: forProject{w.kept["project"]}}}
	for range 2 {
		key, secret, err := c.RequestToken()
		if err != nil {
			w.Fatal(err)
		}
		if w.kept["requesttoken"] == "" {
			w.kept["requesttoken"] = key
			continue
		}
		verifier := ask("PUT", "authorize/"+key, `{"roles":[{"id":"`+w.kept["lentrole"]+`"}]}`)["token"]["oauth_verifier"]
		if w.kept["accesstoken"], _, err = c.AccessToken(key, secret, verifier); err != nil {
			w.Fatal(err)
		}
	}
}
