package front

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Policy decides who may do what. Allowed must be quick and safe for
// concurrent use; an unknown rule is not allowed.
type Policy interface {
	Allowed(rule string, c cloud.Caller, t cloud.Target) bool
}

// Authenticator proves who a token speaks for, as of the state r. Its errors
// are Unauthenticated.
type Authenticator interface {
	Authenticate(r statestore.Reader, token string) (cloud.Caller, error)
}

// Options is what a Front needs.
type Options struct {
	Store    *statestore.Store
	Auth     Authenticator
	Policy   Policy
	Services []*Service
	// StandIns fill a new plan session's fork with the rows that cloud.UnknownID names.
	StandIns []func(tx *statestore.Txn)
	Clock    cloud.Clock
	Log      *slog.Logger
	// Metrics records every call; may be nil.
	Metrics *Metrics
	// Version is told in the Server header.
	Version string
	// StreamIdle is how long a client that streams a body may send nothing, and how
	// long one may take nothing of an answer, which is kept for it meanwhile. Default one minute.
	StreamIdle time.Duration
}

// Front is the http.Handler of the whole API.
type Front struct {
	store   *statestore.Store
	auth    Authenticator
	policy  Policy
	routes  *table
	clock   cloud.Clock
	log     *slog.Logger
	metrics *Metrics
	plans   *plans
	waits   waits
	version string

	streamIdle time.Duration
}

// New returns the handler of the services' routes. It panics on a route row
// that can never be right.
func New(o Options) *Front {
	return &Front{store: o.Store, auth: o.Auth, policy: o.Policy, routes: newTable(o.Services), clock: o.Clock,
		log: o.Log, metrics: o.Metrics, plans: newPlans(o.Store, o.Clock, o.StandIns), waits: waits{held: map[string]int{}}, version: o.Version, streamIdle: cmp.Or(o.StreamIdle, time.Minute)}
}

// bodyTimeout bounds how long a client may take to send a JSON body.
const bodyTimeout = 30 * time.Second

// liveBody is a streamed body that must keep coming.
type liveBody struct {
	io.ReadCloser
	conn *http.ResponseController
	idle time.Duration
}

func (b *liveBody) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(b.idle))
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{}) // what follows takes the time it takes
	}
	return n, err
}

// liveWriter is an answer that must keep going.
type liveWriter struct {
	io.Writer
	conn *http.ResponseController
	idle time.Duration
}

func (w liveWriter) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		_ = w.conn.SetWriteDeadline(time.Now().Add(w.idle))
		var m int
		m, err = w.Writer.Write(p[n:min(len(p), n+piece)])
		n += m
	}
	return n, err
}

// live returns w such that a client that takes nothing for too long is cut off, and what ends that.
func (f *Front) live(w http.ResponseWriter) (to io.Writer, done func()) {
	conn := http.NewResponseController(w)
	return liveWriter{w, conn, f.streamIdle}, func() { _ = conn.SetWriteDeadline(time.Time{}) }
}

// ServeHTTP answers one call.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, body := f.clock.Now(), r.Body
	rq := &Request{HTTP: r, ID: "req-" + cloud.NewID(), front: f, store: f.store}
	h := w.Header()
	h.Set("X-Openstack-Request-Id", rq.ID)
	h.Set("Server", "Cloudlet/"+f.version)
	h.Set("Cloudlet-Extensions", "id, plan, wait")

	e, service, fault := f.routes.find(r)
	rq.service = service
	if fault == nil && !isText(r) {
		fault = cloud.Errorf(cloud.Invalid, "", "The path and the query of the URL must be UTF-8.")
	}
	var resp *Response
	var err error
	if fault != nil {
		err = fault
	} else {
		resp, err = f.call(w, rq, e)
	}
	if err != nil {
		resp = f.fault(rq, err)
	}
	if rq.service.Root == "/compute" {
		h.Set("X-Compute-Request-Id", rq.ID)
	}
	if service.Versions != nil && rq.Version != (Microversion{}) {
		service.Versions.stamp(h, rq.Version)
	}
	if rq.session != nil {
		h.Set(planHeader, rq.session.name)
		for _, warning := range rq.store.Warnings() {
			h.Add(planWarningHeader, oneLine(warning))
		}
	}
	f.send(w, rq, resp)
	f.record(rq, e, resp.Status, f.clock.Now().Sub(start))
	drain(w, r, body)
}

// call runs the row's checks and its handler, again and again if the client waits.
func (f *Front) call(w http.ResponseWriter, rq *Request, e *endpoint) (resp *Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			resp, err = nil, fmt.Errorf("panic in %s %s: %v\n%s", rq.HTTP.Method, e.pattern, p, debug.Stack())
		}
	}()
	if vs := rq.service.Versions; vs != nil {
		v, fault := vs.negotiate(rq.HTTP.Header)
		rq.Version = v
		if fault != nil {
			return nil, fault
		}
	}
	// A provisional row serves for reading the body that selects the real one.
	rq.route = e.rows[0]
	if rq.route.MaxBody >= 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	} else {
		rq.HTTP.Body = &liveBody{rq.HTTP.Body, http.NewResponseController(w), f.streamIdle}
	}
	rq.Token = rq.HTTP.Header.Get("X-Auth-Token")
	// Who asks comes before what is asked, so that strangers learn nothing of rows.
	if rq.route.Rule != Public || rq.Token != "" {
		if err := f.authenticate(rq); err != nil && rq.route.Rule != Public {
			return nil, err
		}
	}
	if name := rq.HTTP.Header.Get(planHeader); name != "" && rq.Caller.UserID != "" {
		if err := f.enterPlan(rq, name); err != nil {
			return nil, err
		}
	}
	action := ""
	if e.hasActions() {
		if action, err = rq.bodyAction(); err != nil {
			return nil, err
		}
	}
	if rq.route = e.pick(rq.Version, action); rq.route == nil {
		if action != "" {
			return nil, cloud.Errorf(cloud.Invalid, "", "There is no such action: %s", action)
		}
		return nil, &cloud.Error{Kind: cloud.NotFound, Msg: "The resource could not be found."}
	}
	wait := f.wantsWait(rq)
	if wait == nil {
		return f.attempt(rq)
	}
	return f.hold(w, rq, wait)
}

// authenticate sets rq.Caller from the token.
func (f *Front) authenticate(rq *Request) error {
	if rq.Token == "" {
		return cloud.Errorf(cloud.Unauthenticated, "", "The request you have made requires authentication.")
	}
	c, err := f.auth.Authenticate(f.store.Snapshot(), rq.Token)
	if err != nil {
		return err
	}
	if err := limited(rq, c); err != nil {
		return err
	}
	c.RequestID = rq.ID
	c.ChosenID, err = chosenID(rq.HTTP)
	rq.Caller = c
	return err
}

// attempt checks the row's target and rule and runs its handler once.
func (f *Front) attempt(rq *Request) (*Response, error) {
	row := rq.route
	if row.Target != nil {
		t, err := row.Target(rq)
		if err != nil {
			return nil, err
		}
		if !rq.Visible(t) {
			return nil, &cloud.Error{Kind: cloud.NotFound, Msg: "The resource could not be found."}
		}
		rq.Target = t
	} else {
		rq.Target = rq.Caller.Own()
	}
	if row.Rule != Public && row.Rule != Authenticated {
		if err := rq.Require(row.Rule, rq.Target); err != nil {
			return nil, err
		}
	}
	return row.Handle(rq)
}

// bodyAction returns the name of the body's one member.
func (rq *Request) bodyAction() (string, error) {
	b, err := rq.Body()
	if err != nil {
		return "", err
	}
	var m map[string]jsontext.Value
	if err := DecodeJSON(b, &m); err != nil {
		return "", err
	}
	if len(m) != 1 {
		return "", cloud.Errorf(cloud.Invalid, "", "The request body must have exactly one member, which names the action; it has %d.", len(m))
	}
	for name := range m {
		return name, nil
	}
	return "", nil
}

// fault renders an error in the service's envelope, and logs what only the
// operator may see.
func (f *Front) fault(rq *Request, err error) *Response {
	e := cloud.AsError(err)
	status := 0
	if rq.service.Status != nil {
		status = rq.service.Status(e.Kind)
	}
	if status == 0 {
		status = e.Kind.Status()
	}
	se, protocol := errors.AsType[*statusError](e.Err)
	if protocol {
		status = se.status
	}
	if e.Kind == cloud.Internal {
		rq.Log().Error("request failed", "method", rq.HTTP.Method, "path", rq.HTTP.URL.Path, "error", err)
		c := *e
		c.Msg = "The server met an unexpected condition; the request id finds it in its log."
		e = &c
	}
	if !utf8.ValidString(e.Msg) { // it quotes what the client sent
		c := *e
		c.Msg = strings.ToValidUTF8(c.Msg, "\uFFFD")
		e = &c
	}
	resp := rq.service.Fault(rq, status, e)
	if protocol && se.allow != "" {
		resp.With("Allow", se.allow)
	}
	if e.Field != "" {
		resp.With("Cloudlet-Field", e.Field)
	}
	if status == http.StatusUnauthorized {
		resp.With("Www-Authenticate", fmt.Sprintf("Keystone uri=%q", rq.BaseURL()+"/identity"))
	}
	return resp
}

// send writes the response. A stream that breaks cuts the connection: a
// download is complete or fails visibly.
func (f *Front) send(w http.ResponseWriter, rq *Request, resp *Response) {
	h := w.Header()
	for k, vs := range resp.Header {
		h[k] = vs
	}
	body := resp.Raw
	if resp.Body != nil {
		b, err := json.Marshal(resp.Body, json.Deterministic(true))
		if err != nil {
			rq.Log().Error("response cannot be rendered", "path", rq.HTTP.URL.Path, "error", err)
			resp.Status, b = http.StatusInternalServerError, []byte(`{"error":{"code":500,"message":"The response could not be rendered."}}`)
		}
		body = b
		h.Set("Content-Type", "application/json")
	}
	if resp.Stream != nil {
		f.stream(w, rq, resp)
		return
	}
	if resp.Status != http.StatusNoContent && resp.Status != http.StatusNotModified {
		h.Set("Content-Length", fmt.Sprint(len(body)))
	}
	w.WriteHeader(resp.Status)
	if rq.HTTP.Method != http.MethodHead && len(body) > 0 {
		to, done := f.live(w)
		defer done()
		_, _ = to.Write(body)
	}
}

func (f *Front) stream(w http.ResponseWriter, rq *Request, resp *Response) {
	defer resp.Stream.Close()
	if resp.Length >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(resp.Length))
	}
	w.WriteHeader(resp.Status)
	if rq.HTTP.Method == http.MethodHead {
		return
	}
	to, done := f.live(w)
	defer done()
	n, err := copyAhead(to, resp.Stream)
	if err != nil || resp.Length >= 0 && n != resp.Length {
		if rq.Context().Err() == nil {
			rq.Log().Error("download cut short", "path", rq.HTTP.URL.Path, "sent", n, "of", resp.Length, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// piece is how much of a stream is under way at once, twice: in bytes.
const piece = 256 << 10

// copyAhead is io.Copy to what is no io.ReaderFrom that reads one piece ahead, so that a disk and its hash
// work while the network does. It returns when nothing reads r any more.
func copyAhead(w io.Writer, r io.Reader) (int64, error) {
	out, in := io.Pipe()
	var reading sync.WaitGroup
	reading.Go(func() {
		_, err := io.CopyBuffer(in, r, make([]byte, piece))
		in.CloseWithError(err)
	})
	n, err := io.CopyBuffer(w, out, make([]byte, piece))
	out.CloseWithError(err)
	reading.Wait()
	return n, err
}

func (f *Front) record(rq *Request, e *endpoint, status int, d time.Duration) {
	pattern := "unmatched"
	if e != nil {
		pattern = e.pattern
	}
	f.metrics.observe(rq.service.Name, rq.HTTP.Method, pattern, status, d)
	level := slog.LevelDebug
	if rq.HTTP.Method != http.MethodGet && rq.HTTP.Method != http.MethodHead || status >= 500 {
		level = slog.LevelInfo
	}
	if !f.log.Enabled(context.Background(), level) {
		return
	}
	f.log.Log(context.Background(), level, "request", "request_id", rq.ID, "service", rq.service.Name, "method", rq.HTTP.Method,
		"route", pattern, "status", status, "duration", d, "user", rq.Caller.UserID, "project", rq.Caller.ProjectID, "plan", rq.session != nil)
}

// isText reports whether what the URL says can be kept and told in JSON.
func isText(r *http.Request) bool {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil { // some part of it; the others count
		query = r.URL.RawQuery
		for _, vs := range r.URL.Query() {
			query += strings.Join(vs, "")
		}
	}
	return utf8.ValidString(r.URL.Path) && utf8.ValidString(query)
}

// oneLine makes s safe as a header value.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
