package front

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// A thing is the row of a small service that tests the front alone.
type thing struct {
	ID, Name, ProjectID string
	Public              bool
}

var things = statestore.NewTable(statestore.TableDef[thing]{Name: "thing", Version: 1, Key: func(t *thing) string { return t.ID }})

type thingWire struct {
	ID   string   `json:"id,omitempty"`
	Name string   `json:"name"`
	Tags []string `json:"tags,omitempty"`
}

type thingBody struct {
	Thing thingWire `json:"thing"`
}

func thingTarget(rq *Request) (cloud.Target, error) {
	t, ok := things.Get(rq.Read(), rq.PathValue("id"))
	if !ok {
		return cloud.Target{}, cloud.Missing("thing", rq.PathValue("id"))
	}
	return cloud.Target{ProjectID: t.ProjectID, Public: t.Public}, nil
}

func thingGet(rq *Request) (*Response, error) {
	t, _ := things.Get(rq.Read(), rq.PathValue("id"))
	return OK(thingBody{thingWire{ID: t.ID, Name: t.Name}}), nil
}

func thingCreate(rq *Request) (*Response, error) {
	var b thingBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	t := thing{Name: b.Thing.Name, ProjectID: rq.Caller.ProjectID}
	err := rq.Write(func(tx *statestore.Txn) error {
		if t.Name == "cursed" {
			return cloud.Errorf(cloud.Quota, "thing", "No more things.").At("/thing/name")
		}
		t.ID = tx.NewID()
		tx.Warn("a thing\nwas made")
		things.Put(tx, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return Created(thingBody{thingWire{ID: t.ID, Name: t.Name}}), nil
}

func thingRename(rq *Request) (*Response, error) {
	var b struct {
		Rename struct {
			To string `json:"to"`
		} `json:"rename"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	err := rq.Write(func(tx *statestore.Txn) error {
		t, _ := things.Get(tx, rq.PathValue("id"))
		t.Name = b.Rename.To
		things.Put(tx, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return Accepted(nil), nil
}

func thingService() *Service {
	return &Service{
		Name: "things", Root: "/things", Base: "/v1", Visible: "visible",
		Versions: &Versions{ServiceType: "thing", Min: Microversion{1, 1}, Max: Microversion{1, 5}},
		Fault: func(rq *Request, status int, e *cloud.Error) *Response {
			return &Response{Status: status, Body: map[string]any{"error": e.Msg}}
		},
		Status: func(k cloud.Kind) int {
			if k == cloud.Quota {
				return http.StatusConflict
			}
			return 0
		},
		Routes: []Route{
			{Method: "GET", Path: "/", AtRoot: true, Rule: Public, Handle: func(rq *Request) (*Response, error) {
				return OK(map[string]string{"base": rq.URL("/v1")}), nil
			}},
			{Method: "GET", Path: "/things/{id}", Rule: "get", Target: thingTarget, Handle: thingGet},
			{Method: "DELETE", Path: "/things/{id}", Rule: "delete", Target: thingTarget, Handle: func(rq *Request) (*Response, error) {
				return NoContent(), rq.Write(func(tx *statestore.Txn) error { things.Delete(tx, rq.PathValue("id")); return nil })
			}},
			{Method: "POST", Path: "/things", Rule: "create", Handle: thingCreate},
			{Method: "POST", Path: "/things/{id}/action", Action: "rename", Rule: "rename", Target: thingTarget, Handle: thingRename},
			{Method: "POST", Path: "/things/{id}/action", Action: "explode", Rule: "rename", Target: thingTarget, Min: Microversion{1, 3},
				Handle: func(*Request) (*Response, error) { panic("boom secret") }},
		},
	}
}

// nameAuth takes a token "user:project" at its word; names in revoked are refused.
type nameAuth struct{ revoked map[string]bool }

func (a nameAuth) Authenticate(_ statestore.Reader, token string) (cloud.Caller, error) {
	user, project, ok := strings.Cut(token, ":")
	if !ok || a.revoked[user] {
		return cloud.Caller{}, cloud.Errorf(cloud.Unauthenticated, "", "The request you have made requires authentication.")
	}
	return cloud.Caller{UserID: user, ProjectID: project}, nil
}

type ownerPolicy struct{}

func (ownerPolicy) Allowed(rule string, c cloud.Caller, t cloud.Target) bool {
	owner := c.ProjectID == t.ProjectID
	switch rule {
	case "visible", "get":
		return owner || t.Public
	case "create", "delete", "rename":
		return owner
	}
	return false
}

type harness struct {
	t     *testing.T
	url   string
	store *statestore.Store
	front *Front
	log   *bytes.Buffer
}

func start(t *testing.T) *harness {
	t.Helper()
	h := &harness{t: t, store: storetest.NewStore(t, []statestore.AnyTable{things}), log: &bytes.Buffer{}}
	f := New(Options{Store: h.store, Auth: nameAuth{}, Policy: ownerPolicy{}, Services: []*Service{thingService()},
		StandIns: []func(*statestore.Txn){func(tx *statestore.Txn) {
			things.Put(tx, thing{ID: cloud.UnknownID, Name: "planned", Public: true})
		}},
		Clock: cloud.RealClock{}, Log: slog.New(slog.NewTextHandler(h.log, nil)), Version: "test"})
	h.front = f
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (h *harness) call(method, path, token, body string, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (h *harness) create(token, name string, header ...string) string {
	h.t.Helper()
	a := h.call("POST", "/things/v1/things", token, fmt.Sprintf(`{"thing":{"name":%q}}`, name), header...)
	if a.status != http.StatusCreated {
		h.t.Fatalf("create %s: %d %s", name, a.status, a.body)
	}
	var b thingBody
	if err := json.Unmarshal([]byte(a.body), &b); err != nil {
		h.t.Fatal(err)
	}
	return b.Thing.ID
}

func TestStatus(t *testing.T) {
	h := start(t)
	mine := "/things/v1/things/" + h.create("ann:p1", "mine")
	if err := h.store.Write(t.Context(), func(tx *statestore.Txn) error {
		things.Put(tx, thing{ID: "open", Name: "open", ProjectID: "p1", Public: true})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	create := "/things/v1/things"
	for _, c := range []struct {
		name, method, path, token, body string
		header                          []string
		want                            int
		says                            string
	}{
		{"a public route", "GET", "/things", "", "", nil, 200, "/things/v1"},
		{"a trailing slash", "GET", mine + "/", "ann:p1", "", nil, 200, "mine"},
		{"no token", "GET", mine, "", "", nil, 401, "authentication"},
		{"a bad token", "GET", mine, "junk", "", nil, 401, "authentication"},
		{"another project's", "GET", mine, "bob:p2", "", nil, 404, "could not be found"},
		{"deleting another project's", "DELETE", mine, "bob:p2", "", nil, 404, "could not be found"},
		{"deleting what is only seen", "DELETE", "/things/v1/things/open", "bob:p2", "", nil, 403, "delete"},
		{"no such path", "GET", "/things/v1/nothing", "ann:p1", "", nil, 404, ""},
		{"a path that is no text", "GET", "/things/v1/things/%ff%fe", "ann:p1", "", nil, 400, "UTF-8"},
		{"a query that is no text", "GET", mine + "?name=%ff", "ann:p1", "", nil, 400, "UTF-8"},
		{"a query that is no text and no query", "GET", mine + "?%zz&name=%ff", "ann:p1", "", nil, 400, "UTF-8"},
		{"a query that is no query", "GET", mine + "?%zz", "ann:p1", "", nil, 200, "mine"},
		{"an unknown member that is no text", "POST", create, "ann:p1", "{\"thing\":{\"\xff\":1}}", nil, 400, ""},
		{"a header that is no text", "GET", mine, "ann:p1", "", []string{"OpenStack-API-Version", "thing \xff"}, 400, "invalid format"},
		{"no such service", "GET", "/nowhere", "", "", nil, 404, ""},
		{"no such method", "PATCH", mine, "ann:p1", "", nil, 405, "DELETE, GET"},
		{"no body", "POST", create, "ann:p1", "", nil, 400, "empty"},
		{"null", "POST", create, "ann:p1", " null ", nil, 400, "null"},
		{"without what wraps the rest", "POST", create, "ann:p1", "{}", nil, 400, "'thing' is a required property"},
		{"null for what wraps the rest", "POST", create, "ann:p1", `{"thing":null}`, nil, 400, "thing: it must not be null"},
		{"not JSON", "POST", create, "ann:p1", "{", nil, 400, "Malformed"},
		{"trailing data", "POST", create, "ann:p1", `{"thing":{"name":"x"}} {}`, nil, 400, ""},
		{"an unknown member", "POST", create, "ann:p1", `{"thing":{"name":"x","colour":"red"}}`, nil, 400, "'colour' was unexpected"},
		{"the wrong type", "POST", create, "ann:p1", `{"thing":{"name":7}}`, nil, 400, "thing/name: a number is not of type 'string'"},
		{"twice", "POST", create, "ann:p1", `{"thing":{"name":"x","name":"y"}}`, nil, 400, "twice"},
		{"too large", "POST", create, "ann:p1", strings.Repeat(" ", DefaultMaxBody+1), nil, 413, "limit"},
		{"another media type", "POST", create, "ann:p1", "a=b", []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"the service's own status", "POST", create, "ann:p1", `{"thing":{"name":"cursed"}}`, nil, 409, "No more"},
		{"an action", "POST", mine + "/action", "ann:p1", `{"rename":{"to":"own"}}`, nil, 202, ""},
		{"no such action", "POST", mine + "/action", "ann:p1", `{"fly":{}}`, nil, 400, "fly"},
		{"two actions", "POST", mine + "/action", "ann:p1", `{"rename":{},"fly":{}}`, nil, 400, "exactly one"},
		{"an action of a later microversion", "POST", mine + "/action", "ann:p1", `{"explode":null}`, nil, 400, "explode"},
		{"a panic", "POST", mine + "/action", "ann:p1", `{"explode":null}`, []string{"OpenStack-API-Version", "thing 1.3"}, 500, "request id"},
		{"a microversion too new", "GET", mine, "ann:p1", "", []string{"OpenStack-API-Version", "thing 1.6"}, 406, "maximum is 1.5"},
		{"a microversion with a sign", "GET", mine, "ann:p1", "", []string{"OpenStack-API-Version", "thing -1.1"}, 400, "invalid format"},
		{"a microversion with a leading zero", "GET", mine, "ann:p1", "", []string{"OpenStack-API-Version", "thing 1.01"}, 400, "invalid format"},
		{"no microversion", "GET", mine, "ann:p1", "", []string{"OpenStack-API-Version", "thing new"}, 400, "invalid format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.call(c.method, c.path, c.token, c.body, c.header...)
			if a.status != c.want || !strings.Contains(a.body+a.header.Get("Allow"), c.says) {
				t.Errorf("got %d %s, want %d with %q", a.status, a.body, c.want, c.says)
			}
			if a.header.Get("X-Openstack-Request-Id") == "" {
				t.Error("no request id")
			}
			if strings.Contains(a.body, "boom") {
				t.Errorf("an internal error is told to the user: %s", a.body)
			}
		})
	}
	if !strings.Contains(h.log.String(), "boom secret") {
		t.Error("the panic is not in the log")
	}
}

func TestFieldAtFaultIsNamed(t *testing.T) {
	h := start(t)
	a := h.call("POST", "/things/v1/things", "ann:p1", `{"thing":{"name":"x","tags":["a",1]}}`)
	if got := a.header.Get("Cloudlet-Field"); got != "/thing/tags/1" {
		t.Errorf("Cloudlet-Field is %q, want /thing/tags/1", got)
	}
}

func TestMicroversionIsStamped(t *testing.T) {
	h := start(t)
	id := h.create("ann:p1", "x")
	for want, ask := range map[string]string{"thing 1.1": "", "thing 1.4": "thing 1.4", "thing 1.5": "thing latest"} {
		a := h.call("GET", "/things/v1/things/"+id, "ann:p1", "", "OpenStack-API-Version", ask)
		if got := a.header.Get("OpenStack-API-Version"); got != want {
			t.Errorf("asked %q: stamped %q, want %q", ask, got, want)
		}
	}
}

func TestWaitEndsWhenTheRowChanges(t *testing.T) {
	h := start(t)
	id := h.create("ann:p1", "before")
	path := "/things/v1/things/" + id
	tag := h.call("GET", path, "ann:p1", "").header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	if a := h.call("GET", path, "ann:p1", "", "If-None-Match", tag); a.status != http.StatusNotModified {
		t.Fatalf("without Prefer: %d, want 304 at once", a.status)
	}
	done := make(chan answer)
	go func() { done <- h.call("GET", path, "ann:p1", "", "If-None-Match", tag, "Prefer", "wait=60") }()
	h.create("ann:p1", "another") // wakes nobody
	select {
	case a := <-done:
		t.Fatalf("the wait ended early: %d %s", a.status, a.body)
	case <-time.After(50 * time.Millisecond):
	}
	h.call("POST", path+"/action", "ann:p1", `{"rename":{"to":"after"}}`)
	a := <-done
	if a.status != 200 || !strings.Contains(a.body, "after") || a.header.Get("ETag") == tag || a.header.Get("Preference-Applied") != "wait=60" {
		t.Errorf("after the change: %d %s %v", a.status, a.body, a.header)
	}
}

func TestWaitEndsWhenTheRowIsGone(t *testing.T) {
	h := start(t)
	path := "/things/v1/things/" + h.create("ann:p1", "short-lived")
	tag := h.call("GET", path, "ann:p1", "").header.Get("ETag")
	done := make(chan answer)
	go func() { done <- h.call("GET", path, "ann:p1", "", "If-None-Match", tag, "Prefer", "wait=60") }()
	h.call("DELETE", path, "ann:p1", "")
	if a := <-done; a.status != http.StatusNotFound {
		t.Errorf("got %d, want 404", a.status)
	}
}

// One user cannot fill the memory with GETs that are held, nor keep others from theirs.
func TestWaitsOfAUserAreBounded(t *testing.T) {
	h := start(t)
	path := "/things/v1/things/" + h.create("ann:p1", "x")
	tag := h.call("GET", path, "ann:p1", "").header.Get("ETag")
	for range waitsPerUser {
		h.front.waits.enter("ann")
	}
	wait := []string{"If-None-Match", tag, "Prefer", "wait=60"}
	if a := h.call("GET", path, "ann:p1", "", wait...); a.status != http.StatusNotModified || a.header.Get("Preference-Applied") != "" {
		t.Errorf("one too many: %d %v", a.status, a.header)
	}
	done := make(chan answer)
	go func() { done <- h.call("GET", path, "bob:p1", "", wait...) }()
	h.call("POST", path+"/action", "ann:p1", `{"rename":{"to":"after"}}`)
	if a := <-done; a.status != http.StatusOK {
		t.Errorf("another user's: %d", a.status)
	}
	for range waitsPerUser {
		h.front.waits.leave("ann")
	}
	if len(h.front.waits.held) != 0 {
		t.Errorf("still counted: %v", h.front.waits.held)
	}
}

func TestPlanSessionLeavesNothing(t *testing.T) {
	h := start(t)
	plan := []string{"Cloudlet-Plan", "s1"}
	a := h.call("POST", "/things/v1/things", "ann:p1", `{"thing":{"name":"maybe"}}`, plan...)
	var b thingBody
	if err := json.Unmarshal([]byte(a.body), &b); err != nil || a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a.header.Get("Cloudlet-Plan") != "s1" || a.header.Get("Cloudlet-Plan-Warning") != "a thing was made" {
		t.Errorf("headers: %v", a.header)
	}
	path := "/things/v1/things/" + b.Thing.ID
	for _, c := range []struct {
		who, token string
		header     []string
		want       int
	}{
		{"the session", "ann:p1", plan, 200},
		{"the cloud", "ann:p1", nil, 404},
		{"another session", "ann:p1", []string{"Cloudlet-Plan", "s2"}, 404},
		{"a session of the same name of somebody else", "eve:p1", plan, 404},
	} {
		if a := h.call("GET", path, c.token, "", c.header...); a.status != c.want {
			t.Errorf("%s: %d, want %d", c.who, a.status, c.want)
		}
	}
	if a := h.call("GET", "/things/v1/things/"+cloud.UnknownID, "ann:p1", "", plan...); a.status != 200 {
		t.Errorf("the stand-in in a session: %d", a.status)
	}
	if a := h.call("GET", "/things/v1/things/"+cloud.UnknownID, "ann:p1", ""); a.status != 404 {
		t.Errorf("the stand-in outside of sessions: %d", a.status)
	}
	if n := things.Len(h.store.Snapshot()); n != 0 {
		t.Errorf("%d rows are left in the cloud", n)
	}
}

// What a user's plan sessions hold is in memory alone: it is bounded, whatever quotas are left.
func TestPlanSessionsAreBounded(t *testing.T) {
	h := start(t)
	body := `{"thing":{"name":"` + strings.Repeat("x", DefaultMaxBody-100) + `"}}`
	took := 0
	for ; ; took++ {
		a := h.call("POST", "/things/v1/things", "ann:p1", body, "Cloudlet-Plan", fmt.Sprint("s", took%3))
		if a.status != 201 {
			if a.status != http.StatusConflict || !strings.Contains(a.body, "plan sessions") {
				t.Errorf("%d %s", a.status, a.body)
			}
			break
		}
	}
	if took < 100 || took > planBytes/len(body) {
		t.Errorf("%d bodies of %d bytes were taken in", took, len(body))
	}
	small := `{"thing":{"name":"maybe"}}`
	if a := h.call("POST", "/things/v1/things", "eve:p1", small, "Cloudlet-Plan", "s1"); a.status != 201 {
		t.Errorf("another user's session: %d %s", a.status, a.body)
	}
	if a := h.call("POST", "/things/v1/things", "ann:p1", small); a.status != 201 {
		t.Errorf("outside of sessions: %d %s", a.status, a.body)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{"thing":{"name":"x"}}`, `{"thing":{"name":7}}`, `{"thing":null}`, `[`, `{"thing":{"x":1}}`, "\xff", `{"":0}`, `{"a/b~":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v thingBody
		if err := DecodeJSON(b, &v); err != nil && !cloud.Is(err, cloud.Invalid) {
			t.Errorf("%q: %v", b, err)
		}
	})
}
