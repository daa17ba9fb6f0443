package client

import (
	"crypto/tls"
	"errors"
	"net/http"
	"syscall"
	"time"
)

// How long a server that does not answer is waited for: it may be restarting, or
// at first just starting; but it may also not be there at all.
const (
	patience        = 30 * time.Second
	patienceAtFirst = 3 * time.Second
)

// patient repeats requests that got no answer, if it is safe to: those that never
// left, and those that say the same however often they are said.
type patient struct {
	next  http.RoundTripper
	limit time.Duration
	away  func() // called when a request got no answer
}

// RoundTrip implements http.RoundTripper.
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	end := time.Now().Add(p.limit)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		resp, err := p.next.RoundTrip(r)
		if err != nil && r.Context().Err() == nil {
			p.away()
		}
		if err == nil || !repeatable(r, err) || time.Now().After(end) {
			return resp, err
		}
		select {
		case <-time.After(pause):
		case <-r.Context().Done():
			return nil, err
		}
		if r.GetBody == nil {
			continue
		}
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = body
	}
}

func repeatable(r *http.Request, err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil || r.Context().Err() != nil {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
