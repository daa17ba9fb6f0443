package nova

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// People of the tests, by the token that each of them uses.
var people = map[string]cloud.Caller{
	"ann":    {UserID: "ann", ProjectID: "p1", Roles: []string{"member", "reader"}},
	"rita":   {UserID: "rita", ProjectID: "p1", Roles: []string{"reader"}},
	"bob":    {UserID: "bob", ProjectID: "p2", Roles: []string{"member", "reader"}},
	"admin":  {UserID: "root", ProjectID: "p0", Roles: []string{"admin", "manager", "member", "reader"}},
	"nobody": {UserID: "nobody"},
}

type names map[string]cloud.Caller

func (n names) Authenticate(_ statestore.Reader, token string) (cloud.Caller, error) {
	c, ok := n[token]
	if !ok {
		return c, cloud.Errorf(cloud.Unauthenticated, "", "The request you have made requires authentication.")
	}
	return c, nil
}

// console is a host's console as a test wants it.
type console struct {
	out []byte
	err error
}

func (c *console) ConsoleOutput(_ context.Context, _, _ string, lines int) ([]byte, error) {
	if lines < 0 {
		return c.out, c.err
	}
	all := strings.SplitAfter(strings.TrimSuffix(string(c.out), "\n"), "\n")
	return []byte(strings.Join(all[max(0, len(all)-lines):], "")), c.err
}

// world is a cloud with two hosts, an image "img", flavors, and a network of p1
// with its subnet, behind the API.
type world struct {
	t       testing.TB
	url     string
	store   *statestore.Store
	network string
	console *console
}

func newWorld(t testing.TB) *world {
	t.Helper()
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, console: &console{}, store: storetest.NewStore(t, slices.Concat(compute.Tables, network.Tables, image.Tables), compute.Logs...)}
	f := front.New(front.Options{Store: w.store, Auth: names(people), Policy: rules, Services: []*front.Service{Service(Deps{Console: w.console})},
		StandIns: []func(*statestore.Txn){compute.StandIns, network.StandIns, image.StandIns},
		Clock:    cloud.RealClock{}, Log: slog.New(slog.DiscardHandler), Version: "test"})
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	w.write(func(tx *statestore.Txn) error {
		compute.SeedFlavors(tx)
		image.Images.Put(tx, image.Image{ID: "img", Name: "tiny", ProjectID: "p1", Status: image.Active, Visibility: image.Public,
			DiskFormat: "qcow2", SHA256: "aa", Size: 1 << 20, VirtualSize: 1 << 28, CreatedAt: tx.Now(), UpdatedAt: tx.Now()})
		n, err := network.NetworkCreate(tx, people["ann"], network.NetworkSpec{Name: "net"})
		if err != nil {
			return err
		}
		w.network = n.ID
		if _, err := network.SubnetCreate(tx, people["ann"], network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.1.0.0/24")}); err != nil {
			return err
		}
		for _, name := range []string{"h1", "h2"} {
			if _, err := compute.HostRegister(tx, compute.HostSpec{ID: "00000000-0000-4000-8000-0000000000" + name, Name: name, Address: "192.0.2.1",
				Fingerprint: compute.Fingerprint{Arch: "x86_64", VirtTypes: []string{"qemu"}, DriverName: "libvirt", DriverVersion: "9.0.3", VCPUs: 4, MemoryMiB: 8192, DiskGiB: 100}}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) write(fn func(tx *statestore.Txn) error) {
	w.t.Helper()
	if err := w.store.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) revision() uint64 { return w.store.Snapshot().Revision() }

type answer struct {
	t      testing.TB
	call   string
	status int
	header http.Header
	raw    string
	body   any
}

// call asks the API: at says who and, after a "@", which microversion.
// "ann@2.79"; more headers follow in pairs.
func (w *world) call(at, method, path, body string, header ...string) answer {
	w.t.Helper()
	token, version, _ := strings.Cut(at, "@")
	if !strings.HasPrefix(path, "http") {
		path = w.url + "/compute" + path
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
	}
	if version != "" {
		req.Header.Set("OpenStack-API-Version", "compute "+version)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{t: w.t, call: fmt.Sprintf("%s %s by %s", method, strings.TrimPrefix(path, w.url), at), status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			w.t.Fatalf("%s: %v: %s", a.call, err, raw)
		}
	}
	return a
}

func (w *world) get(at, path string) answer {
	w.t.Helper()
	return w.call(at, "GET", "/v2.1"+path, "").want(200)
}

func (w *world) post(at, path, body string) answer {
	w.t.Helper()
	return w.call(at, "POST", "/v2.1"+path, body)
}

// want checks the status and returns the answer.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d %s, want %d", a.call, a.status, a.raw, status)
	}
	return a
}

// fails checks that it is Nova's error of that status, which says the text, and
// names the field ("" for none).
func (a answer) fails(status int, field, says string) {
	a.t.Helper()
	name := map[int]string{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 406: "computeFault",
		409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 501: "notImplemented", 503: "serviceUnavailable"}[status]
	if a.status != status || a.at(name+"/code") != float64(status) || !strings.Contains(fmt.Sprint(a.at(name+"/message")), says) {
		a.t.Errorf("%s: %d %s, want %d %s saying %q", a.call, a.status, a.raw, status, name, says)
	}
	if got := a.header.Get("Cloudlet-Field"); got != field {
		a.t.Errorf("%s: the field at fault is %q, want %q (%s)", a.call, got, field, a.raw)
	}
}

// at returns a part of the body by a path as "servers/0/name"; nil if it is not there.
func (a answer) at(path string) any {
	v := a.body
	for part := range strings.SplitSeq(path, "/") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

// keys returns the names of an object's members, sorted.
func (a answer) keys(path string) []string {
	m, _ := a.at(path).(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// column returns a member of every object of a list.
func (a answer) column(list, member string) []string {
	out := []string{}
	l, _ := a.at(list).([]any)
	for _, o := range l {
		out = append(out, fmt.Sprint(o.(map[string]any)[member]))
	}
	return out
}

// check compares parts of the body with what they should be.
func (a answer) check(want map[string]any) answer {
	a.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(want)) {
		got, _ := json.Marshal(a.at(path))
		exp, _ := json.Marshal(want[path])
		if string(got) != string(exp) {
			a.t.Errorf("%s: %s is %s, want %s", a.call, path, got, exp)
		}
	}
	return a
}

// server makes one and returns its id. more are further members of its JSON.
func (w *world) server(at, name, more string) string {
	w.t.Helper()
	if more != "" {
		more = "," + more
	}
	body := fmt.Sprintf(`{"server":{"name":%q,"imageRef":"img","flavorRef":"1"%s}}`, name, more)
	return w.post(at, "/servers", body).want(202).text("server/id")
}

// running makes a server and has its host run it.
func (w *world) running(at, name, more string) string {
	w.t.Helper()
	id := w.server(at, name, more)
	w.observe(id, compute.Observed{Power: compute.Running})
	return id
}

// observe reports for the instance's host.
func (w *world) observe(id string, o compute.Observed) {
	w.t.Helper()
	o.InstanceID = id
	w.write(func(tx *statestore.Txn) error {
		i, ok := compute.Instances.Get(tx, id)
		if !ok {
			return cloud.Missing("instance", id)
		}
		if o.RebootSerial == 0 {
			o.RebootSerial = i.RebootSerial
		}
		return compute.InstanceObserve(tx, i.HostID, o)
	})
}
