package front

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Request is one API call. It is used by one goroutine and is not kept after
// the handler returns.
type Request struct {
	HTTP    *http.Request
	ID      string // X-Openstack-Request-Id
	Caller  cloud.Caller
	Token   string       // X-Auth-Token as sent; "" on a Public route without one
	Version Microversion // negotiated; zero for a service without microversions
	Target  cloud.Target // what Route.Target loaded

	front   *Front
	service *Service
	route   *Route
	store   *statestore.Store    // the cloud's state or a plan session's fork of it
	snap    *statestore.Snapshot // read by Read; nil after a write
	session *session
	body    []byte
	read    bool // body has been read
}

// Context is done when the client goes away.
func (rq *Request) Context() context.Context { return rq.HTTP.Context() }

// Now is the time by the server's clock.
func (rq *Request) Now() time.Time { return rq.front.clock.Now() }

// Log is the logger that bears the request id.
func (rq *Request) Log() *slog.Logger { return rq.front.log.With("request_id", rq.ID) }

// PathValue returns the value of a {name} wildcard of the route's path.
func (rq *Request) PathValue(name string) string { return rq.HTTP.PathValue(name) }

// Query returns the URL's query, parsed.
func (rq *Request) Query() url.Values { return rq.HTTP.URL.Query() }

// Planning reports whether the call is made in a plan session: it must have no
// effect outside the state that Read and Write see.
func (rq *Request) Planning() bool { return rq.session != nil }

// Read returns the state to read: the same snapshot until the request writes.
func (rq *Request) Read() *statestore.Snapshot {
	if rq.snap == nil {
		rq.snap = rq.store.Snapshot()
	}
	return rq.snap
}

// Write runs fn as one transaction, durable when Write returns nil. It blocks
// for about the time of one disk sync. A client that goes away does not cancel
// a transaction that has begun.
func (rq *Request) Write(fn func(tx *statestore.Txn) error) error {
	rq.snap = nil
	return rq.store.Write(context.WithoutCancel(rq.Context()), fn)
}

// Can reports whether policy allows rule to the caller on a target.
func (rq *Request) Can(rule string, t cloud.Target) bool {
	return rq.front.policy.Allowed(rule, rq.Caller, t)
}

// Require returns a Forbidden error unless policy allows rule on a target.
func (rq *Request) Require(rule string, t cloud.Target) error {
	if rq.Can(rule, t) {
		return nil
	}
	return &cloud.Error{Kind: cloud.Forbidden, Op: rule,
		Msg: fmt.Sprintf("Policy doesn't allow %s to be performed.", rule)}
}

// Visible reports whether the caller may see a target at all.
func (rq *Request) Visible(t cloud.Target) bool {
	return rq.service.Visible == "" || rq.Can(rq.service.Visible, t)
}

// URL returns the absolute URL of a path below the service's Root: "/v2.1/servers/…".
// Behind a proxy that says so (X-Forwarded-Proto), the scheme is the proxy's.
func (rq *Request) URL(path string) string { return rq.BaseURL() + rq.service.Root + path }

// BaseURL returns scheme and authority as the client spelled them.
func (rq *Request) BaseURL() string {
	scheme := "http"
	if rq.HTTP.TLS != nil || rq.HTTP.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + rq.HTTP.Host
}

// Body returns the whole request body, at most the route's MaxBody.
func (rq *Request) Body() ([]byte, error) {
	if rq.read {
		return rq.body, nil
	}
	limit := rq.route.MaxBody
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	b, err := io.ReadAll(io.LimitReader(rq.HTTP.Body, limit+1))
	if err != nil {
		return nil, cloud.Errorf(cloud.Invalid, "", "The request body ended before it was complete.").Because(err)
	}
	if int64(len(b)) > limit {
		return nil, cloud.Errorf(cloud.TooLarge, "", "Request body is larger than the limit of %d bytes.", limit)
	}
	if rq.session != nil {
		if err := rq.front.plans.take(rq.session, int64(len(b))); err != nil {
			return nil, err
		}
	}
	rq.body, rq.read = b, true
	return b, nil
}

// Decode reads the JSON body strictly into v, a pointer: unknown members,
// members of the wrong type, duplicates, trailing data and null are Invalid, with the
// JSON pointer of the field at fault. If v is a struct with one member that is no
// pointer, that wraps all the rest, and the body must have it.
func (rq *Request) Decode(v any) error {
	if err := rq.checkMediaType(); err != nil {
		return err
	}
	b, err := rq.Body()
	if err != nil {
		return err
	}
	if string(bytes.TrimSpace(b)) == "null" {
		return cloud.Errorf(cloud.Invalid, "", "The request body is null; a JSON object is required.")
	}
	if err := DecodeJSON(b, v); err != nil {
		return err
	}
	return hasWrapper(b, v)
}

// hasWrapper refuses a body that has been decoded into v and lacks v's one member.
func hasWrapper(b []byte, v any) error {
	value := reflect.ValueOf(v).Elem()
	if value.Kind() != reflect.Struct || value.NumField() != 1 || value.Field(0).Kind() == reflect.Pointer || !value.Field(0).IsZero() {
		return nil
	}
	name, _, _ := strings.Cut(value.Type().Field(0).Tag.Get("json"), ",")
	var top map[string]jsontext.Value
	if name == "" || json.Unmarshal(b, &top) != nil {
		return nil
	}
	e := &cloud.Error{Kind: cloud.Invalid, Field: "/" + name}
	switch raw, there := top[name]; {
	case !there:
		e.Msg = fmt.Sprintf("Invalid input for field /: '%s' is a required property.", name)
	case raw.Kind() == 'n':
		e.Msg = fmt.Sprintf("Invalid input for field %s: it must not be null.", name)
	default:
		return nil
	}
	return e
}

func (rq *Request) checkMediaType() error {
	ct := rq.HTTP.Header.Get("Content-Type")
	if ct == "" {
		return nil
	}
	mt, _, err := mime.ParseMediaType(ct)
	if err == nil && (mt == "application/json" || slices.Contains(rq.route.AlsoJSON, mt)) {
		return nil
	}
	return errMediaType(fmt.Sprintf("The content type %q is not supported here; use application/json.", ct))
}

// DecodeJSON decodes strictly, as Request.Decode does, from bytes.
func DecodeJSON(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return cloud.Errorf(cloud.Invalid, "", "The request body is empty; a JSON object is required.")
	}
	err := json.Unmarshal(b, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var e *cloud.Error
	if errors.As(err, &e) {
		return e
	}
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		return semanticFault(sem)
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return (&cloud.Error{Kind: cloud.Invalid, Msg: fmt.Sprintf("Invalid input for field %s: it is given twice.", syn.JSONPointer)}).At(string(syn.JSONPointer))
		}
		return cloud.Errorf(cloud.Invalid, "", "Malformed JSON in the request body, near byte %d.", syn.ByteOffset).Because(err)
	}
	return cloud.Errorf(cloud.Invalid, "", "Malformed JSON in the request body.").Because(err)
}

func semanticFault(sem *json.SemanticError) *cloud.Error {
	at := string(sem.JSONPointer)
	name := strings.TrimPrefix(at, "/")
	e := &cloud.Error{Kind: cloud.Invalid, Field: at, Err: sem}
	switch {
	case errors.Is(sem.Err, json.ErrUnknownName):
		dir, base := at[:strings.LastIndexByte(at, '/')], at[strings.LastIndexByte(at, '/')+1:]
		if dir == "" {
			dir = "/"
		}
		e.Msg = fmt.Sprintf("Invalid input for field %s: Additional properties are not allowed ('%s' was unexpected).", dir, base)
	case sem.Err != nil && sem.JSONKind == 0:
		e.Msg = fmt.Sprintf("Invalid input for field %s: %s.", name, sem.Err)
	default:
		e.Msg = fmt.Sprintf("Invalid input for field %s: %s is not of type %s.", name, value(sem), wireType(sem))
	}
	return e
}

func value(sem *json.SemanticError) string {
	if v := string(sem.JSONValue); v != "" && len(v) <= 80 {
		return v
	}
	switch sem.JSONKind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 'n':
		return "null"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case '0':
		return "a number"
	}
	return "the value"
}
