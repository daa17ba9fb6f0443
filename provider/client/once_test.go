package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// lossy is a server of things whose answers may get lost, or fail, after the
// thing was made or before.
type lossy struct {
	made    map[string]int
	lose    []string // what becomes of each POST: "before", "after", "500 before", "500 after", "refuse"; else it is answered
	offline bool     // GETs get no answer either
}

func (l *lossy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cut := func() {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	}
	if r.Method == http.MethodGet {
		switch {
		case l.offline:
			w.WriteHeader(http.StatusBadGateway)
		case l.made[strings.TrimPrefix(r.URL.Path, "/things/")] == 0:
			w.WriteHeader(http.StatusNotFound)
		default:
			fmt.Fprint(w, "{}")
		}
		return
	}
	fate := ""
	if len(l.lose) > 0 {
		fate, l.lose = l.lose[0], l.lose[1:]
	}
	switch id := r.Header.Get("Cloudlet-Id"); {
	case fate == "refuse", l.made[id] > 0:
		w.WriteHeader(http.StatusConflict)
		return
	case !strings.HasSuffix(fate, "before"):
		l.made[id]++
	}
	switch {
	case strings.HasPrefix(fate, "500"):
		w.WriteHeader(http.StatusInternalServerError)
	case fate != "":
		cut()
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func TestOnce(t *testing.T) {
	for _, x := range []struct {
		name    string
		lose    []string
		offline bool
		made    int
		fails   bool
		lost    bool
	}{
		{name: "answered", made: 1},
		{name: "refused", lose: []string{"refuse"}, fails: true},
		{name: "lost before it was done", lose: []string{"before"}, made: 1},
		{name: "lost after it was done", lose: []string{"after"}, made: 1},
		{name: "lost again and again", lose: []string{"before", "before", "after"}, made: 1},
		{name: "failed and not done", lose: []string{"500 before"}, fails: true},
		{name: "failed but done", lose: []string{"500 after"}, made: 1},
		{name: "gone for good", lose: []string{"after"}, offline: true, made: 1, fails: true, lost: true},
	} {
		l := &lossy{made: map[string]int{}, lose: x.lose, offline: x.offline}
		c, s := newTestClient(t, "id, plan", l.ServeHTTP)
		there := func(ctx context.Context, id string) error {
			_, err := s.Get(ctx, s.ServiceURL("things", id), nil, nil)
			return err
		}
		lost, err := c.Once(t.Context(), s, there, func(ctx context.Context, s *gophercloud.ServiceClient) error {
			_, err := s.Post(ctx, s.ServiceURL("things"), map[string]any{}, nil, nil)
			return err
		})
		made := 0
		for _, n := range l.made {
			made += n
		}
		if made != x.made || (err != nil) != x.fails || (lost != "") != x.lost || lost != "" && l.made[lost] != 1 {
			t.Errorf("%s: %d made, lost %q, %v", x.name, made, lost, err)
		}
	}
}

// On a cloud that chooses its ids itself a lost answer is an error: to ask again
// could make two.
func TestOnceElsewhere(t *testing.T) {
	l := &lossy{made: map[string]int{}, lose: []string{"after"}}
	c, s := newTestClient(t, "", l.ServeHTTP)
	lost, err := c.Once(t.Context(), s, func(context.Context, string) error { t.Error("looked for"); return nil }, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		_, err := s.Post(ctx, s.ServiceURL("things"), map[string]any{}, nil, nil)
		return err
	})
	if err == nil || lost != "" || l.made[""] != 1 {
		t.Errorf("%v made, lost %q, %v", l.made, lost, err)
	}
}

// flaky fails its first calls.
type flaky struct {
	errs  []error
	calls int
	body  string
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	f.calls++
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		f.body = string(b)
	}
	if f.calls <= len(f.errs) {
		return nil, f.errs[f.calls-1]
	}
	return httptest.NewRecorder().Result(), nil
}

func TestPatient(t *testing.T) {
	refused, cut := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, io.ErrUnexpectedEOF
	for _, x := range []struct {
		method string
		body   io.Reader
		errs   []error
		calls  int
		fails  bool
	}{
		{"GET", nil, []error{cut, refused}, 3, false},
		{"PUT", bytes.NewReader([]byte("text")), []error{cut}, 2, false},
		{"DELETE", nil, []error{cut}, 2, false},
		{"POST", bytes.NewReader([]byte("text")), []error{refused}, 2, false}, // it never left
		{"POST", bytes.NewReader([]byte("text")), []error{cut}, 1, true},      // it may have been done
		{"PUT", io.MultiReader(strings.NewReader("text")), []error{cut}, 1, true},
		{"GET", nil, []error{&tls.CertificateVerificationError{Err: errors.New("unknown authority")}}, 1, true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), x.method, "http://cloud.example/", x.body)
		if err != nil {
			t.Fatal(err)
		}
		f := &flaky{errs: x.errs}
		_, err = (&patient{f, time.Minute, func() {}}).RoundTrip(r)
		if f.calls != x.calls || (err != nil) != x.fails || x.body != nil && f.body != "text" {
			t.Errorf("%s after %v: %d calls, body %q, %v", x.method, x.errs, f.calls, f.body, err)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://cloud.example/", nil)
	f := &flaky{errs: []error{cut, cut, cut}}
	if _, err := (&patient{f, 0, func() {}}).RoundTrip(r); err == nil || f.calls != 1 {
		t.Errorf("patience has no end: %d calls, %v", f.calls, err)
	}
}
