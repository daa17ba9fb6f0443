package cloudtest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// Behind serves the cloud at another address, which it returns, until the test ends.
// around makes the handler out of a proxy to the cloud, and may change the proxy. The
// catalog tells the address by which it is asked, so all calls go that way.
func (c *Cloud) Behind(t testing.TB, around func(p *httputil.ReverseProxy) http.Handler) string {
	t.Helper()
	to, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(around(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}))
	t.Cleanup(s.Close)
	return s.URL
}
