package sweep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/api/glance"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/server/node"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// secret is in the names of all that is the administrator's own: no stranger reads it.
const secret = "not-for-strangers"

// route is a row with what the trials need of it.
type route struct {
	*front.Route
	service string // identity, image, compute, networking
	path    string
	call    string // method, path and action
	sample  *sample
}

// world is a cloud with one of each thing.
type world struct {
	*testing.T
	cloud    *cloudtest.Cloud
	clock    *clock
	rules    *policy.Set
	http     *http.Client
	admin    string // tokens
	stranger string
	expired  string
	kept     map[string]string
	fresh    int
	requests int
}

// clock is the machine's, and can be put forward.
type clock struct {
	cloud.RealClock
	ahead atomic.Int64
}

func (c *clock) Now() time.Time { return c.RealClock.Now().Add(time.Duration(c.ahead.Load())) }

func newWorld(t *testing.T) *world {
	c := &clock{}
	w := &world{T: t, clock: c, cloud: cloudtest.Start(t, cloudtest.Options{Clock: c, Grace: 24 * 365 * time.Hour}), kept: map[string]string{"password": cloudtest.Password}}
	var err error
	if w.rules, err = policy.Load(""); err != nil {
		t.Fatal(err)
	}
	w.http = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(w.http.CloseIdleConnections)
	w.expired = w.login("admin", "admin")
	w.read(func(r statestore.Reader) {
		for u := range identity.Users.All(r) {
			w.keep(u.Name == "admin", "user", u.ID)
		}
		for p := range identity.Projects.All(r) {
			w.keep(p.Name == "admin", "project", p.ID)
		}
		for h := range compute.Hosts.All(r) {
			w.kept["host"] = h.ID
		}
	})
	w.admin = w.expired // not yet
	w.lend()
	c.ahead.Store(int64(2 * time.Hour))
	w.admin, w.stranger = w.login("admin", "admin"), w.login("demo", "demo")
	for _, s := range samples {
		if s.keep != "" {
			w.make(s)
		}
	}
	w.read(func(r statestore.Reader) {
		n, _ := network.Networks.Get(r, w.kept["network"])
		w.kept["networkname"] = n.Name
		for a := range identity.AccessRules.All(r) {
			w.kept["accessrule"] = a.ID
		}
	})
	w.quieten()
	return w
}

func (w *world) keep(is bool, name, value string) {
	if is {
		w.kept[name] = value
	}
}

func (w *world) read(look func(statestore.Reader)) { look(w.cloud.Store().Snapshot()) }

func (w *world) revision() uint64 { return w.cloud.Store().Snapshot().Revision() }

// make does a right call and keeps what the answer identifies.
func (w *world) make(s sample) {
	w.Helper()
	rt := w.route(s.call)
	a := w.send(request{token: w.admin, method: rt.Method, path: w.path(rt), body: w.body(s.body), header: headers(rt, s.body)})
	if a.status >= 300 {
		w.Fatalf("%s: %d %s", s.call, a.status, a.body)
	}
	if s.keep == "made" {
		return
	}
	var top map[string]any
	if err := json.Unmarshal(a.body, &top); err != nil {
		w.Fatalf("%s: %v: %s", s.call, err, a.body)
	}
	w.kept[s.keep] = identify(top)
	if w.kept[s.keep] == "" {
		w.Fatalf("%s: nothing identifies %s", s.call, a.body)
	}
	w.fill(s.keep)
}

// fill gives an image that was made its bytes.
func (w *world) fill(image string) {
	w.Helper()
	path := map[string]string{"image": "/file", "staged": "/stage", "imported": "/stage"}[image]
	if path == "" {
		return
	}
	do := func(method, path, body, media string) {
		w.Helper()
		if a := w.send(request{token: w.admin, method: method, path: "/image/v2/images/" + w.kept[image] + path, body: body, header: []string{"Content-Type", media}}); a.status >= 300 {
			w.Fatalf("%s: %d %s", path, a.status, a.body)
		}
	}
	do("PUT", path, "0123456789", octets)
	if image == "imported" {
		do("POST", "/import", `{"method":{"name":"glance-direct"}}`, "application/json")
	}
}

// identify finds what an answer calls the thing in it.
func identify(v any) string {
	switch v := v.(type) {
	case []any:
		if len(v) == 1 {
			return identify(v[0])
		}
	case map[string]any:
		for _, name := range []string{"id", "access", "namespace", "name"} {
			if id, ok := v[name].(string); ok {
				return id
			}
		}
		for _, inner := range v {
			if id := identify(inner); id != "" {
				return id
			}
		}
	}
	return ""
}

// quieten waits until the instance runs and nothing is under way.
func (w *world) quieten() {
	w.cloud.Eventually(w, "the instance runs", func(r statestore.Reader) bool {
		i, _ := compute.Instances.Get(r, w.kept["server"])
		return i.State == compute.Active
	})
	w.cloud.Eventually(w, "the import ends", func(r statestore.Reader) bool {
		for t := range task.Tasks.All(r) {
			w.kept["task"] = t.ID
			return !t.State.Open()
		}
		return false
	})
	w.read(func(r statestore.Reader) {
		actions, err := compute.ActionsOf(w.Context(), r, w.kept["server"])
		if err != nil || len(actions) == 0 {
			w.Fatalf("actions: %v %v", actions, err)
		}
		w.kept["request"] = actions[0].RequestID
	})
}

func (w *world) login(user, project string) string {
	w.Helper()
	a := w.send(request{method: "POST", path: "/identity/v3/auth/tokens", body: fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"name":%q,"domain":{"id":"default"}}}}}`, user, cloudtest.Password, project)})
	if a.status != http.StatusCreated {
		w.Fatalf("login of %s: %d %s", user, a.status, a.body)
	}
	return a.header.Get("X-Subject-Token")
}

// services are the dialects, to read the rows of.
func services() []*front.Service { return node.Services(identity.Authority{}, nil, glance.Deps{}) }

// routes are all rows.
func routes() (all []route) {
	front.Rows(services(), func(s *front.Service, path string, r *front.Route) {
		rt := route{Route: r, service: strings.TrimPrefix(s.Root, "/"), path: path, call: r.Method + " " + path}
		if rt.service == "" {
			rt.service = "identity" // whose envelope the root has
		}
		if r.Action != "" {
			rt.call += " " + r.Action
		}
		for i := range samples {
			if samples[i].call == rt.call {
				rt.sample = &samples[i]
			}
		}
		all = append(all, rt)
	})
	return all
}

func (w *world) route(call string) route {
	w.Helper()
	for _, rt := range routes() {
		if rt.call == call {
			return rt
		}
	}
	w.Fatalf("there is no route %s", call)
	return route{}
}

var variable = regexp.MustCompile(`\{([^}]*)\}`)

// thing names what the variable at a place of the path stands for; free says that a
// name that there is none of yet may be made.
func (w *world) thing(rt route, segments []string, at int) (id string, free bool) {
	name := things[rt.service+" "+segments[at-1]]
	if as, other, ok := strings.Cut(instead[rt.call], ":"); ok && "{"+as+"}" == segments[at] {
		name = other
	}
	if literal, ok := strings.CutPrefix(name, "="); ok {
		return literal, true
	}
	return w.kept[name], false
}

const unknownID = "f1f2f3f4-0000-4000-8000-a1a2a3a4a5a6"

// path fills the path with what there is.
func (w *world) path(rt route) string { return w.pathWith(rt, -1, "") }

// pathWith fills the path, and one segment of it with something else. What there is
// nothing for is an unknown id.
func (w *world) pathWith(rt route, at int, other string) string {
	segments := strings.Split(rt.path, "/")
	filled := make([]string, len(segments))
	for i, s := range segments {
		filled[i] = s
		if variable.MatchString(s) {
			id, _ := w.thing(rt, segments, i)
			if id == "" {
				id = unknownID
			}
			filled[i] = url.PathEscape(id)
		}
		if i == at {
			filled[i] = other
		}
	}
	return strings.Join(filled, "/")
}

var keptName = regexp.MustCompile(`\$[a-z]+`)

// body fills a sample.
func (w *world) body(text string) string {
	for strings.Contains(text, `"NEW"`) {
		w.fresh++
		text = strings.Replace(text, `"NEW"`, fmt.Sprintf(`"%s-%d"`, secret, w.fresh), 1)
	}
	return keptName.ReplaceAllStringFunc(text, func(name string) string { return w.kept[name[1:]] })
}

// headers are those of a right call.
func headers(rt route, body string) []string {
	h := []string{}
	switch {
	case rt.MaxBody < 0:
		h = append(h, "Content-Type", octets)
	case strings.HasPrefix(body, "["):
		h = append(h, "Content-Type", "application/openstack-images-v2.1-json-patch")
	case body != "":
		h = append(h, "Content-Type", "application/json")
	}
	if rt.service == "compute" {
		version := "2.90"
		if rt.Max != (front.Microversion{}) {
			version = rt.Max.String()
		}
		h = append(h, "X-OpenStack-Nova-API-Version", version)
	}
	if rt.path == "/identity/v3/auth/tokens" && rt.Method != "POST" {
		h = append(h, "X-Subject-Token", "SUBJECT")
	}
	return h
}

type request struct {
	token, method, path, body string
	header                    []string
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes one call. The path is sent as it is, whatever is in it.
func (w *world) send(rq request) answer {
	w.Helper()
	w.requests++
	base, err := url.Parse(w.cloud.URL)
	if err != nil {
		w.Fatal(err)
	}
	path, query, _ := strings.Cut(rq.path, "?")
	r := &http.Request{Method: rq.method, URL: &url.URL{Scheme: base.Scheme, Host: base.Host, Opaque: path, RawQuery: query}, Host: base.Host, Header: http.Header{}}
	if rq.body != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(rq.body)), int64(len(rq.body))
	}
	for i := 0; i < len(rq.header); i += 2 {
		value := rq.header[i+1]
		if value == "SUBJECT" {
			value = w.admin
		}
		r.Header.Set(rq.header[i], value)
	}
	if rq.token != "" {
		r.Header.Set("X-Auth-Token", rq.token)
	}
	resp, err := w.http.Do(r)
	if err != nil { // the answer is not HTTP
		return answer{body: []byte(err.Error())}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	return answer{resp.StatusCode, resp.Header, bytes.TrimSpace(b)}
}
