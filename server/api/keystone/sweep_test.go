package keystone

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
)

var pathVariable = regexp.MustCompile(`\{[^}]*\}`)

// Every route answers bad calls with the service's own error, and changes nothing.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	expired := w.login("demo", "demo")
	w.clock.pass(2 * time.Hour)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	type trial struct {
		name, token, method, body string
		header                    []string
		statuses                  []int
	}
	front.Rows([]*front.Service{Service(Deps{})}, func(s *front.Service, path string, r *front.Route) {
		if r.AtRoot || r.Path == "/" {
			return
		}
		path = pathVariable.ReplaceAllString(strings.TrimPrefix(path, s.Root+s.Base), "ffffffffffffffffffffffffffffffff")
		var trials []trial
		if r.Rule != front.Public {
			trials = append(trials, trial{name: "no token", method: r.Method, statuses: []int{401}}, trial{name: "an expired token", token: expired, method: r.Method, statuses: []int{401}})
		}
		trials = append(trials, trial{name: "a wrong method", token: admin, method: "TRACE", statuses: []int{405}})
		if r.Rule != front.Public && r.Rule != front.Authenticated && r.Method != "GET" && r.Method != "HEAD" {
			trials = append(trials, trial{name: "somebody without the right", token: demo, method: r.Method, body: "{}", statuses: refusals(r)})
		}
		if strings.Contains(r.Path, "{") && r.Method != "POST" && r.Method != "PATCH" && r.Method != "PUT" && r.Rule != front.Authenticated {
			trials = append(trials, trial{name: "an unknown id", token: admin, method: r.Method, statuses: []int{404, 403}})
		}
		if decodes(r) {
			big := `{"x":"` + strings.Repeat("x", front.DefaultMaxBody) + `"}`
			trials = append(trials,
				trial{name: "no JSON", token: admin, method: r.Method, body: "{", statuses: []int{400}},
				trial{name: "a member that there is not", token: admin, method: r.Method, body: `{"nonsense":1}`, statuses: []int{400}},
				trial{name: "a wrong type", token: admin, method: r.Method, body: `[]`, statuses: []int{400}},
				trial{name: "another media type", token: admin, method: r.Method, body: `{}`, header: []string{"Content-Type", "text/plain"}, statuses: []int{415}},
				trial{name: "a body too large", token: admin, method: r.Method, body: big, statuses: []int{413}})
		}
		for _, c := range trials {
			before := w.store.Snapshot().Revision()
			a := w.call(c.token, c.method+" "+path, c.body, c.header...)
			right := false
			for _, status := range c.statuses {
				right = right || a.status == status
			}
			if !right {
				t.Errorf("%s %s with %s: %d, want %v: %.200s", r.Method, r.Path, c.name, a.status, c.statuses, a.text)
			}
			if a.text != "" && (a.at("error/message") == "<nil>" || a.at("error/title") != http.StatusText(a.status)) {
				t.Errorf("%s %s with %s: %.200s", r.Method, r.Path, c.name, a.text)
			}
			if w.store.Snapshot().Revision() != before {
				t.Errorf("%s %s with %s changed something", r.Method, r.Path, c.name)
			}
		}
	})
}

// refusals are how somebody without any right is told so. What everybody may make
// for themselves, they are told that they asked for it wrongly.
func refusals(r *front.Route) []int {
	if r.Method == "POST" && (r.Path == "/credentials" || r.Path == "/OS-TRUST/trusts") {
		return []int{400}
	}
	if r.Path == "/OS-OAUTH1/authorize/{token}" {
		return []int{404}
	}
	return []int{403, 404}
}

// decodes reports whether a route reads a body before it looks at what it is about.
func decodes(r *front.Route) bool {
	switch r.Method {
	case "POST", "PATCH":
		return r.Path != "/OS-OAUTH1/request_token" && r.Path != "/OS-OAUTH1/access_token"
	case "PUT":
		return strings.HasSuffix(r.Path, "/tags") || strings.HasSuffix(r.Path, "/config") || r.Path == "/regions/{id}" || r.Path == "/OS-OAUTH1/authorize/{token}"
	}
	return false
}
