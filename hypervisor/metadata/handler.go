package metadata

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

// LookupByIP finds the guest with a fixed IP on the network that is served. It
// must not block.
type LookupByIP func(netip.Addr) (Instance, bool)

// Option changes a Handler.
type Option func(*handler)

// WithPassword lets a guest post its encrypted administrator's password, once
// (Nova's /openstack/*/password): set keeps it for instance id, and look-ups show
// it from then on. Without this option such a POST is refused with 405.
func WithPassword(set func(ctx context.Context, id, password string) error) Option {
	return func(h *handler) { h.setPassword = set }
}

// Handler serves the trees to whoever asks from an address that lookup knows. It
// may be used by several servers at once.
func Handler(lookup LookupByIP, opts ...Option) http.Handler {
	h := &handler{lookup: lookup}
	for _, o := range opts {
		o(h)
	}
	return h
}

type handler struct {
	lookup      LookupByIP
	setPassword func(ctx context.Context, id, password string) error
}

// Nova's limit: four chunks of 255 bytes.
const maxPassword = 4 * 255

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	i, ok := h.lookup(at.Addr().Unmap())
	if !ok {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	n, ok := i.served().find(r.URL.Path)
	if !ok {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	f, isFile := n.(file)
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		if d, isDir := n.(*dir); isDir {
			f = file{data: d.shown(r.URL.Path), mime: mimeText}
		}
		w.Header().Set("Content-Type", f.mime)
		w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(f.data) // the guest hung up: nobody to tell
		}
	case r.Method == http.MethodPost && isFile && f.password && h.setPassword != nil:
		h.postPassword(w, r, i)
	default:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
	}
}

// shown is the listing of a directory at a path, in the way of its tree. The
// root shows EC2's versions only, as Nova's does.
func (d *dir) shown(p string) []byte {
	p = strings.Trim(path.Clean("/"+p), "/")
	switch {
	case p == "":
		return []byte(strings.Join(append(ec2Versions[:len(ec2Versions):len(ec2Versions)], latest), "\n"))
	case p == "openstack" || strings.HasPrefix(p, "openstack/"):
		return d.listing(false)
	default:
		return d.listing(true)
	}
}

func (h *handler) postPassword(w http.ResponseWriter, r *http.Request, i Instance) {
	if i.Password != "" {
		http.Error(w, "the password is set already", http.StatusConflict)
		return
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxPassword+1))
	if err != nil {
		http.Error(w, "the password did not arrive", http.StatusBadRequest)
		return
	}
	if len(b) > maxPassword {
		http.Error(w, "the password is longer than 1020 bytes", http.StatusRequestEntityTooLarge)
		return
	}
	if err := h.setPassword(r.Context(), i.ID, string(b)); err != nil {
		http.Error(w, "the password could not be kept; try again", http.StatusServiceUnavailable)
	}
}

// Guests are few per network and speak seldom; whoever holds more connections
// than this, or holds them longer, is up to something.
const (
	maxConns    = 512
	connTimeout = 15 * time.Second
)

// Serve answers on l until ctx ends or l is closed, and then returns nil; any
// other failure of l is returned. It closes l and waits for answers under way,
// a second at most.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: connTimeout, ReadTimeout: connTimeout, WriteTimeout: connTimeout,
		IdleTimeout: connTimeout, MaxHeaderBytes: 16 << 10}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	err := srv.Serve(netutil.LimitListener(l, maxConns))
	if stop() {
		srv.Close()
	} else {
		<-done
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
