package keystone

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

const password = "correct horse"

// manual is a clock that a test sets.
type manual struct {
	mu  sync.Mutex
	now time.Time
}

func (m *manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(time.Microsecond) // no two calls at the same moment
	return m.now
}

func (m *manual) After(time.Duration) <-chan time.Time { return make(chan time.Time) }

func (m *manual) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// world is a seeded cloud that serves this dialect alone.
type world struct {
	*testing.T
	store *statestore.Store
	clock *manual
	url   string // of the listener
	log   *journal
}

// journal is a log that may be read while it is written.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

var seedHash = sync.OnceValues(func() (string, error) { return identity.PasswordHash(context.Background(), password) })

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, identity.Settings{})
}

func newWorldWith(t *testing.T, settings identity.Settings) *world {
	t.Helper()
	hash, err := seedHash()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, clock: &manual{now: time.Now().UTC()}, log: &journal{}}
	w.store = storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Tables: identity.Tables, Now: w.clock.Now})
	err = w.store.Write(t.Context(), func(tx *statestore.Txn) error {
		return identity.Seed(tx, identity.Seeding{Region: "RegionOne", Key: identity.NewKey(), PasswordHash: hash, Demo: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	authority := identity.Authority{Clock: w.clock, Settings: settings}
	f := front.New(front.Options{Store: w.store, Auth: authority, Policy: rules, Clock: w.clock, Version: "test",
		Services: []*front.Service{Root(), Service(Deps{Authority: authority})},
		Log:      slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) write(fn func(*statestore.Txn) error) {
	w.Helper()
	if err := w.store.Write(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// answer is a response, read and decoded.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   any
	text   string
}

// call sends a request. method may hold a path below /identity/v3 after a blank.
func (w *world) call(token, request, body string, header ...string) answer {
	w.Helper()
	method, path, _ := strings.Cut(request, " ")
	rq, err := http.NewRequestWithContext(w.Context(), method, w.url+"/identity/v3"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if token != "" {
		rq.Header.Set("X-Auth-Token", token)
	}
	for n := 0; n+1 < len(header); n += 2 {
		rq.Header.Set(header[n], header[n+1])
	}
	return w.do(rq)
}

func (w *world) do(rq *http.Request) answer {
	w.Helper()
	return w.by(http.DefaultClient, rq)
}

func (w *world) by(client *http.Client, rq *http.Request) answer {
	w.Helper()
	resp, err := client.Do(rq)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := answer{t: w.T, status: resp.StatusCode, header: resp.Header, text: string(b)}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &a.body); err != nil {
			w.Fatalf("%s %s: %v in %s", rq.Method, rq.URL, err, b)
		}
	}
	return a
}

// must fails the test unless the status is as wanted.
func (a answer) must(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.text)
	}
	return a
}

// at returns the member at a path such as token/project/name, "<nil>" if there is none.
func (a answer) at(path string) string {
	v := a.body
	for name := range strings.SplitSeq(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			n := 0
			if _, err := fmt.Sscan(name, &n); err != nil || n >= len(x) {
				return "<nil>"
			}
			v = x[n]
		default:
			return "<nil>"
		}
	}
	return fmt.Sprint(v)
}

// names returns the member of each item of a list.
func (a answer) names(key, member string) (names []string) {
	a.t.Helper()
	m, _ := a.body.(map[string]any)
	items, ok := m[key].([]any)
	if !ok {
		a.t.Fatalf("no list %s in %s", key, a.text)
	}
	for _, item := range items {
		names = append(names, fmt.Sprint(item.(map[string]any)[member]))
	}
	return names
}

func passwordAuth(user, secret, scope string) string {
	if scope != "" {
		scope = `,"scope":` + scope
	}
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}}%s}}`, user, secret, scope)
}

func tokenAuth(token, scope string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}},"scope":%s}}`, token, scope)
}

func projectNamed(name string) string {
	return fmt.Sprintf(`{"project":{"name":%q,"domain":{"name":"Default"}}}`, name)
}

// login returns a token of a user for a project.
func (w *world) login(user, project string) string {
	w.Helper()
	return w.call("", "POST /auth/tokens", passwordAuth(user, password, projectNamed(project))).must(201).header.Get(subjectHeader)
}

// id returns the id of the one item of a list that has the name.
func (w *world) id(token, kind, name string) string {
	w.Helper()
	a := w.call(token, "GET /"+kind+"?name="+name, "").must(200)
	ids := a.names(kind, "id")
	if len(ids) != 1 {
		w.Fatalf("%d %s of name %s: %s", len(ids), kind, name, a.text)
	}
	return ids[0]
}
