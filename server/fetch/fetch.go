// Package fetch reads what a user names by a URL, on behalf of the server, without
// becoming the user's way into networks that only the server can reach.
//
// Invariants:
//
//	I1  A connection is made only to a public address, or to one in a network that
//	    the operator allowed. The address that is dialled is checked, after names
//	    were resolved, so that a name that changes its mind gains nothing.
//	I2  Every redirect is checked as the first URL was, and there are few of them.
//	I3  Only http and https; no proxy of the environment, no credentials, no
//	    cookies, nothing of the server's in the request.
//	I4  Who lets wait longer than Idle for an answer, or for a MiB of it, is cut off.
//
// It imports the standard library and server/cloud only.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Fetcher fetches. The zero Fetcher reaches public addresses only.
type Fetcher struct {
	// Allow are networks that may be reached though they are not public, on any port.
	Allow []netip.Prefix
	// Idle is how long may be waited for an answer, and then for each MiB of it. Default DefaultIdle.
	Idle time.Duration
}

// DefaultIdle is how long is waited if a Fetcher does not say.
const DefaultIdle = time.Minute

// least is how many bytes must come before Idle has been spent waiting for them.
const least = 1 << 20

const maxRedirects = 5

// ports are those of public addresses that may be reached.
var ports = []uint16{80, 443}

// special are the networks of global unicast addresses that are not public, by
// the registries of RFC 6890, and those that carry an IPv4 address within.
var special = func() (ps []netip.Prefix) {
	for _, s := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
		"2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10"} {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}()

// Check reports what of a URL can be told to be wrong without asking anybody.
// Error kinds: Invalid.
func (f Fetcher) Check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return refuse("is not a URL")
	}
	return f.check(u)
}

func (f Fetcher) check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("has the scheme %.20q; use http or https", u.Scheme)
	case u.Hostname() == "":
		return refuse("names no host")
	case u.User != nil:
		return refuse("holds a user name, which is not sent")
	case port(u) == 0:
		return refuse("names the port %s; use 80 or 443", u.Port())
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return f.permit(netip.AddrPortFrom(a, port(u)))
	}
	return nil
}

// port is where a URL leads; 0 if there is no such port.
func port(u *url.URL) uint16 {
	switch {
	case u.Port() != "":
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return 0
		}
		return uint16(n)
	case u.Scheme == "https":
		return 443
	}
	return 80
}

func refuse(format string, args ...any) *cloud.Error {
	return cloud.Errorf(cloud.Invalid, "image", "%s", "The URI "+fmt.Sprintf(format, args...)+".")
}

// permit reports whether an address may be dialled.
func (f Fetcher) permit(at netip.AddrPort) error {
	a := at.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(f.Allow, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return nil
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return refuse("leads to an address that is not public, which this cloud does not fetch from")
	}
	if !slices.Contains(ports, at.Port()) {
		return refuse("names the port %d; use 80 or 443", at.Port())
	}
	return nil
}

// Open begins to fetch and returns the bytes, which the caller closes, and how
// many there are to be, -1 if that is not told. The bytes are whole if they end
// with io.EOF. Error kinds: Invalid for what will never work; anything else may
// work later.
func (f Fetcher) Open(ctx context.Context, raw string) (io.ReadCloser, int64, error) {
	if err := f.Check(raw); err != nil {
		return nil, 0, err
	}
	idle := f.Idle
	if idle <= 0 {
		idle = DefaultIdle
	}
	ctx, cancel := context.WithCancelCause(ctx)
	watchdog := time.AfterFunc(idle, func() { cancel(errIdle) })
	give := func(err error) (io.ReadCloser, int64, error) {
		watchdog.Stop()
		cancel(err)
		return nil, 0, err
	}
	rq, err := http.NewRequestWithContext(ctx, http.MethodGet, raw, nil)
	if err != nil {
		return give(refuse("is not a URL"))
	}
	rq.Header.Set("User-Agent", "Cloudlet")
	rq.Header.Set("Accept-Encoding", "identity")
	resp, err := f.client().Do(rq)
	if err != nil {
		return give(explain(err))
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return give(answered(resp.StatusCode))
	}
	watchdog.Stop()
	return &body{ReadCloser: resp.Body, watchdog: watchdog, idle: idle, left: idle, cancel: cancel}, resp.ContentLength, nil
}

var errIdle = errors.New("too little came for too long")

// answered is the error of an answer that is not 200.
func answered(status int) error {
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return cloud.Errorf(cloud.Unavailable, "image", "The server of the URI answers %d now.", status)
	}
	return refuse("cannot be fetched: its server answers %d", status)
}

// explain keeps our own refusals and makes the rest tellable.
func explain(err error) error {
	if e, ok := errors.AsType[*cloud.Error](err); ok {
		return e
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return refuse("names a host that there is not")
	}
	return cloud.Errorf(cloud.Unavailable, "image", "The server of the URI cannot be reached now.").Because(err)
}

func (f Fetcher) client() *http.Client {
	dialer := &net.Dialer{Timeout: 20 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return f.permit(at)
	}}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: 20 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(rq *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return refuse("redirects more than %d times", maxRedirects)
			}
			rq.Header.Del("Referer")
			return f.check(rq.URL)
		},
	}
}

// body is an answer that is cut off when it comes too slowly: a trickle would hold
// an import's worker for ever. Only waiting counts, not what its reader does meanwhile.
type body struct {
	io.ReadCloser
	watchdog *time.Timer // runs during a Read
	idle     time.Duration
	left     time.Duration // of idle, until least bytes have come
	got      int           // of least
	cancel   context.CancelCauseFunc
}

func (b *body) Read(p []byte) (int, error) {
	began := time.Now()
	b.watchdog.Reset(b.left)
	n, err := b.ReadCloser.Read(p)
	b.watchdog.Stop()
	b.left -= time.Since(began)
	if b.got += n; b.got >= least {
		b.left, b.got = b.idle, 0
	}
	return n, err
}

func (b *body) Close() error {
	b.watchdog.Stop()
	b.cancel(nil)
	return b.ReadCloser.Close()
}
