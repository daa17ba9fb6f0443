package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

func options(t *testing.T) ServerOptions {
	return ServerOptions{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Region: "R", Seed: true, AdminPassword: "secret",
		Log: slog.New(slog.DiscardHandler), OnFatal: func(error) {}}
}

func open(t *testing.T, o ServerOptions) *Server {
	t.Helper()
	s, err := OpenServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// watched is an engine that tells whether it was closed.
type watched struct {
	statestore.Engine
	closed int
}

func (w *watched) Close() error {
	w.closed++
	return w.Engine.Close()
}

func engine(t *testing.T) *watched {
	t.Helper()
	e, err := storetest.NewDisk().Open()
	if err != nil {
		t.Fatal(err)
	}
	return &watched{Engine: e}
}

// TestFailedStartLeavesNothingOpen proves invariant I1 of the package.
func TestFailedStartLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*ServerOptions){
		"policy": func(o *ServerOptions) { o.PolicyFile = "/nonexistent/policy.hcl" },
		"socket": func(o *ServerOptions) {
			o.Sockets, o.DataDir = true, filepath.Join(o.DataDir, strings.Repeat("x", 120))
		},
		"directory":    func(o *ServerOptions) { o.DataDir = file },
		"images":       func(o *ServerOptions) { os.WriteFile(filepath.Join(o.DataDir, "images"), nil, 0o600) },
		"port":         func(o *ServerOptions) { o.Listen = taken.Addr().String() },
		"agents' port": func(o *ServerOptions) { o.AgentListen = taken.Addr().String() },
		"credentials": func(o *ServerOptions) {
			o.BeforeSeed = func(string, string) error { return errors.New("no room for the password") }
		},
		"admin.sock": func(o *ServerOptions) {
			o.Sockets = true
			os.MkdirAll(filepath.Join(o.DataDir, AdminSocket, "in the way"), 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			e := engine(t)
			o.Engine = e
			spoil(&o)
			s, err := OpenServer(t.Context(), o)
			if err == nil {
				s.Close()
				t.Fatal("it starts")
			}
			if e.closed != 1 {
				t.Errorf("%v: the state was closed %d times", err, e.closed)
			}
			for _, left := range []string{AgentSocket, ".s"} {
				if _, err := os.Lstat(filepath.Join(o.DataDir, left)); err == nil {
					t.Errorf("%s is left", left)
				}
			}
		})
	}
}

// TestPasswordIsHandedOutFirst proves invariant I3: whoever cannot keep the
// password gets no cloud, and a cloud that is there keeps its own.
func TestPasswordIsHandedOutFirst(t *testing.T) {
	o := options(t)
	o.AdminPassword = ""
	var given []string
	refuse := true
	o.BeforeSeed = func(base, password string) error {
		given = append(given, password)
		if refuse {
			return fs.ErrPermission
		}
		return nil
	}
	if _, err := OpenServer(t.Context(), o); !errors.Is(err, fs.ErrPermission) {
		t.Fatal(err)
	}
	refuse = false
	s := open(t, o)
	if !identity.Seeded(s.Store().Snapshot()) {
		t.Error("there are no users")
	}
	s.Close()
	open(t, o)
	if len(given) != 2 || given[0] == given[1] || len(given[1]) < 20 {
		t.Errorf("passwords %q", given)
	}
}

func TestHealth(t *testing.T) {
	o := options(t)
	o.LocalHosts = 1
	s := open(t, o)
	health := func() int {
		w := httptest.NewRecorder()
		s.handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
		return w.Code
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 2)
	go func() { served <- s.Serve(ctx) }()
	if got := health(); got != http.StatusServiceUnavailable {
		t.Errorf("/healthz without the host: %d", got)
	}
	go func() {
		served <- RunLocalHost(ctx, s, HostOptions{Name: "h", Zone: "z", Driver: "sim", DataDir: filepath.Join(o.DataDir, "host"), Log: o.Log})
	}()
	<-s.Ready()
	if got := health(); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	stop()
	for range 2 {
		if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// TestServeTellsWhatBroke proves that a server does not sit there with half of it
// gone.
func TestServeTellsWhatBroke(t *testing.T) {
	s := open(t, options(t))
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context()) }()
	<-s.Ready()
	s.api.Close()
	if err := <-served; err == nil || !strings.HasPrefix(err.Error(), "API: ") {
		t.Errorf("Serve: %v", err)
	}
}

func TestBaseURL(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	at := &net.TCPAddr{Port: 5000}
	for listen, want := range map[string]string{
		"127.0.0.1:0":       "http://127.0.0.1:5000",
		"localhost:5000":    "http://localhost:5000",
		"[::1]:0":           "http://[::1]:5000",
		"0.0.0.0:5000":      "http://" + name + ":5000",
		"[::]:5000":         "http://" + name + ":5000",
		":5000":             "http://" + name + ":5000",
		"cloud.example:443": "http://cloud.example:5000",
	} {
		if got := baseURL(ServerOptions{Listen: listen}, at); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
		if got := baseURL(ServerOptions{Listen: listen, TLS: &tls.Config{}}, at); got != "https"+strings.TrimPrefix(want, "http") {
			t.Errorf("%s with TLS: %s", listen, got)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, AgentSocket)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	l, err := listenUnix(dir, AgentSocket)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Lstat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi, err)
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l.Close() == nil {
		t.Error("closing twice says nothing")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("closing twice takes away what another has put there")
	}
}

func TestHostDirectoryIsOnes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	unlock, err := ownDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ownDirectory(dir); err == nil || !strings.Contains(err.Error(), "an agent works in "+dir) {
		t.Errorf("a second agent: %v", err)
	}
	unlock()
	unlock, err = ownDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o711 {
		t.Errorf("hypervisors' users cannot pass: %v, %v", fi.Mode(), err)
	}
}

func TestTroubleIsToldOnce(t *testing.T) {
	var b bytes.Buffer
	tr := &trouble{log: slog.New(slog.NewTextHandler(&b, nil))}
	a, c := errors.New("refused"), errors.New("no route")
	for _, err := range []error{a, a, fmt.Errorf("gone: %w", context.Canceled), a, c, c, nil, nil, c} {
		tr.note(err)
	}
	if got := strings.Count(b.String(), "level=WARN"); got != 3 { // refused, no route, and no route again after a success
		t.Errorf("told %d times:\n%s", got, b.String())
	}
	if _, err := tr.dialer("unix", "/nonexistent/s")(t.Context(), "ignored"); err == nil || !strings.Contains(b.String(), "/nonexistent/s") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestWrongServerOfHost proves that a wrong server is told before anything is
// done on the host.
func TestWrongServerOfHost(t *testing.T) {
	o := HostOptions{Name: "h", Driver: "sim", DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	for server, want := range map[string]string{"": "must be host:port", "host": "must be host:port", "127.0.0.1:1": "has not joined yet"} {
		if err := RunHost(t.Context(), Remote{Server: server}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("server %q: %v", server, err)
		}
	}
	if err := CheckServer("./agent.sock"); err != nil {
		t.Error(err)
	}
}

// TestReadyNeedsThisRunsHosts proves that what the store remembers of a host that
// was up is not taken for the host.
func TestReadyNeedsThisRunsHosts(t *testing.T) {
	o := options(t)
	s := open(t, o)
	err := s.Store().Write(t.Context(), func(tx *statestore.Txn) error {
		_, err := compute.HostRegister(tx, compute.HostSpec{ID: "old", Name: "old", Fingerprint: compute.Fingerprint{VCPUs: 1}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	o.LocalHosts = 1
	s = open(t, o)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	select {
	case <-s.Ready():
		t.Error("it is ready without a host")
	case <-time.After(50 * time.Millisecond): // what must not happen has had its chance
	}
	stop()
	<-served
}
