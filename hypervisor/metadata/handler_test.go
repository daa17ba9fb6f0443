package metadata

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestWhoAsksIsTheConnectionAlone(t *testing.T) {
	h := Handler(func(a netip.Addr) (Instance, bool) { return guest(), a == ip("10.0.0.5") })
	for _, c := range []struct {
		remote string
		code   int
	}{{"10.0.0.5:1", 200}, {"[::ffff:10.0.0.5]:1", 200}, {"10.0.0.6:1", 404}, {"[2001:db8::5]:1", 404}, {"", 404}, {"pipe", 404}} {
		r := httptest.NewRequest("GET", "/openstack", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", "10.0.0.5")
		r.Header.Set("X-Instance-ID", guest().ID)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.code {
			t.Errorf("from %q: %d, want %d", c.remote, w.Code, c.code)
		}
		if c.code == 404 && strings.Contains(w.Body.String(), "latest") {
			t.Errorf("a stranger at %q reads %q", c.remote, w.Body)
		}
	}
}

func TestPasswordIsPostedOnce(t *testing.T) {
	i := guest()
	var fail error
	h := Handler(func(netip.Addr) (Instance, bool) { return i, true },
		WithPassword(func(_ context.Context, id, password string) error {
			if id != i.ID {
				t.Errorf("password of %s", id)
			}
			if fail == nil {
				i.Password = password
			}
			return fail
		}))
	do := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.RemoteAddr = "10.0.0.5:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const path = "/openstack/2013-04-04/password"
	expect := func(what string, w *httptest.ResponseRecorder, code int) {
		t.Helper()
		if w.Code != code {
			t.Errorf("%s: %d, want %d", what, w.Code, code)
		}
	}
	expect("empty before", do("GET", path, ""), 200)
	fail = errors.New("store is away")
	w := do("POST", path, "x")
	expect("not kept", w, 503)
	if strings.Contains(w.Body.String(), "store") {
		t.Errorf("the guest reads %q", w.Body)
	}
	fail = nil
	expect("too long", do("POST", path, strings.Repeat("x", 1021)), 413)
	expect("first", do("POST", path, strings.Repeat("x", 1020)), 200)
	expect("second", do("POST", path, "y"), 409)
	if got := do("GET", path, "").Body.String(); got != strings.Repeat("x", 1020) {
		t.Errorf("password reads %q", got)
	}
	expect("elsewhere", do("POST", "/openstack/latest/meta_data.json", "x"), 405)
	expect("a directory", do("POST", "/openstack/latest", "x"), 405)
	expect("deleted", do("DELETE", path, ""), 405)
}

func TestMethods(t *testing.T) {
	h := Handler(func(netip.Addr) (Instance, bool) { return guest(), true })
	for method, code := range map[string]int{"HEAD": 200, "POST": 405, "PUT": 405} {
		r := httptest.NewRequest(method, "/openstack/latest/password", strings.NewReader("x"))
		r.RemoteAddr = "10.0.0.5:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != code || method == "HEAD" && w.Body.Len() > 0 {
			t.Errorf("%s: %d %q", method, w.Code, w.Body)
		}
	}
}

func TestServeEndsWithItsContextAndItsListener(t *testing.T) {
	h := Handler(func(netip.Addr) (Instance, bool) { return guest(), true })
	for _, how := range []string{"context", "listener"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, h) }()
		resp, err := http.Get("http://" + l.Addr().String() + "/latest/meta-data/instance-id")
		must(t, err)
		b, err := io.ReadAll(resp.Body)
		must(t, err)
		resp.Body.Close()
		if string(b) != "i-8f3f9b5c" {
			t.Errorf("got %q", b)
		}
		if how == "context" {
			cancel()
		} else {
			l.Close()
		}
		if err := <-done; err != nil {
			t.Errorf("ended by its %s, Serve returns %v", how, err)
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Errorf("ended by its %s, it listens still", how)
		}
	}
}
