package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
)

func TestCheck(t *testing.T) {
	for _, bad := range []string{"", "://", "/path", "file:///etc/passwd", "gopher://example.org", "ftp://example.org/x", "http://", "http:///x",
		"http://user@example.org/", "http://127.0.0.1/", "http://127.1.2.3:80/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/",
		"http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest", "http://[fe80::1%25eth0]/", "http://[fd00::1]/",
		"http://[fd00:ec2::254]/", "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[::]/", "http://[64:ff9b::7f00:1]/",
		"http://[2002:7f00:1::]/", "http://192.0.0.192/", "http://8.8.8.8:22/", "https://8.8.8.8:8443/", "http://[ff02::1]/", "http://[::127.0.0.1]/", "http://example.org:99999/"} {
		if err := (Fetcher{}).Check(bad); !cloud.Is(err, cloud.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"http://example.org/x", "https://example.org:443/x?y=z#w", "http://8.8.8.8/", "https://[2606:4700::1111]/"} {
		if err := (Fetcher{}).Check(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	inside := Fetcher{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	if err := inside.Check("http://10.1.2.3:8080/"); err != nil {
		t.Error(err)
	}
	if err := inside.Check("http://10.2.2.3/"); err == nil {
		t.Error("an address beside the allowed network is allowed")
	}
}

var loopback = Fetcher{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func TestOpen(t *testing.T) {
	var host string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("a request tells too much: %v", r.Header)
		}
		switch r.URL.Path {
		case "/ok":
			fmt.Fprint(w, "bytes")
		case "/there":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		case "/silent":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	host = "http://localhost:" + port

	for _, path := range []string{"/ok", "/there"} {
		r, size, err := loopback.Open(t.Context(), srv.URL+path)
		if err != nil {
			t.Fatal(path, err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != "bytes" || size != 5 {
			t.Errorf("%s: %q of %d, %v", path, b, size, err)
		}
		r.Close()
	}
	for path, kind := range map[string]cloud.Kind{"/inside": cloud.Invalid, "/file": cloud.Invalid, "/round": cloud.Invalid,
		"/missing": cloud.Invalid, "/broken": cloud.Unavailable} {
		if _, _, err := loopback.Open(t.Context(), srv.URL+path); !cloud.Is(err, kind) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// A name is checked when its address is dialled.
	if _, _, err := (Fetcher{}).Open(t.Context(), host+"/ok"); !cloud.Is(err, cloud.Invalid) {
		t.Errorf("a name of loopback: %v", err)
	}
	r, _, err := loopback.Open(t.Context(), srv.URL+"/cut")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err == nil {
		t.Errorf("a download that was cut ends with %q and no error", b)
	}
	r.Close()
	impatient := Fetcher{Allow: loopback.Allow, Idle: 20 * time.Millisecond}
	r, _, err = impatient.Open(context.Background(), srv.URL+"/silent")
	if err == nil {
		_, err = io.ReadAll(r)
		r.Close()
	}
	if err == nil {
		t.Error("a silent server is waited for")
	}
	if _, _, err := loopback.Open(t.Context(), "http://127.0.0.1:1/"); !cloud.Is(err, cloud.Unavailable) {
		t.Errorf("nobody listens: %v", err)
	}
}
