package client

import (
	"net/http"
	"slices"
	"sync"
)

// warnings collects the Cloudlet-Plan-Warning headers of answers.
type warnings struct {
	mu   sync.Mutex
	seen []string
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func (w *warnings) around(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return transport(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil {
			w.mu.Lock()
			w.seen = append(w.seen, resp.Header.Values("Cloudlet-Plan-Warning")...)
			w.mu.Unlock()
		}
		return resp, err
	})
}

func (w *warnings) texts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Compact(w.seen)
}
