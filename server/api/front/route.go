package front

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Rules that need no policy expression.
const (
	// Public is the Rule of a route that needs no token.
	Public = "-"
	// Authenticated is the Rule of a route that any valid token may call.
	Authenticated = "+"
)

// DefaultMaxBody is the size limit of a JSON request body, in bytes.
const DefaultMaxBody = 1 << 20

// Handler answers one call. A returned error is rendered by the service's
// Fault; *cloud.Error is told to the user, anything else is Internal.
type Handler func(*Request) (*Response, error)

// Route is one endpoint: everything there is to know about it.
type Route struct {
	Method string
	// Path is relative to the service's Root and Base, with {name} wildcards.
	Path string
	// AtRoot makes Path relative to Root alone (version documents).
	AtRoot bool
	// Action, if set, is the one member of the JSON body that selects this row
	// among those with the same Method and Path (Nova's POST /servers/{id}/action).
	Action string
	// Rule names the policy rule that must allow the call; or Public, Authenticated.
	Rule string
	// Target loads the owner of the resource the call is about. It returns
	// cloud.Missing if there is none. Nil: the call is about the caller's own scope.
	Target func(*Request) (cloud.Target, error)
	// Min and Max bound the microversions in which the row exists; zero is open.
	Min, Max Microversion
	// MaxBody limits the request body in bytes; 0 means DefaultMaxBody, -1 that
	// the handler streams the body itself.
	MaxBody int64
	// AlsoJSON lists further media types of the request body that are JSON.
	AlsoJSON []string
	Handle   Handler
}

// Service is one wire dialect at its place in the URL space.
type Service struct {
	// Name is the dialect's: keystone, glance, neutron, nova. Used in metrics and logs.
	Name string
	// Root is the service's path: "/compute". Base is what follows it in all
	// routes that are not AtRoot: "/v2.1".
	Root, Base string
	// Versions bounds the microversions; nil if the API has none.
	Versions *Versions
	// Visible names the policy rule that decides whether the caller may see a
	// Target at all. Empty: everything with a Target is visible.
	Visible string
	// Fault renders an error in the service's own envelope. The front adds the
	// request id and the Cloudlet-Field header.
	Fault func(rq *Request, status int, err *cloud.Error) *Response
	// Status overrides Kind.Status where the service's API reference differs; may be nil
	// or return 0 for "as usual".
	Status func(cloud.Kind) int
	Routes []Route
}

// endpoint is all rows of one method and path.
type endpoint struct {
	service *Service
	pattern string
	rows    []*Route
}

// table maps a path pattern to its endpoints by method.
type table struct {
	mux      *http.ServeMux
	services []*Service
}

// newTable checks and indexes the services' rows. It panics on a row that can
// never be right: rows are literals, so the mistake is the programmer's.
func newTable(services []*Service) *table {
	t := &table{mux: http.NewServeMux(), services: services}
	for _, s := range services {
		byPath := map[string]map[string]*endpoint{}
		for i := range s.Routes {
			r := &s.Routes[i]
			p := s.Root + s.Base + r.Path
			if r.AtRoot {
				p = s.Root + r.Path
			}
			p = strings.TrimRight(p, "/")
			if r.Handle == nil || r.Rule == "" {
				panic(fmt.Sprintf("front: route %s %s has no handler or no rule", r.Method, p))
			}
			if byPath[p] == nil {
				byPath[p] = map[string]*endpoint{}
			}
			e := byPath[p][r.Method]
			if e == nil {
				e = &endpoint{service: s, pattern: p}
				byPath[p][r.Method] = e
			}
			e.rows = append(e.rows, r)
		}
		for p, methods := range byPath {
			if p == "" {
				p = "/{$}"
			}
			t.mux.Handle(p, &pathHandler{service: s, methods: methods})
		}
	}
	return t
}

// pathHandler carries what the mux found: it is never called as a handler.
type pathHandler struct {
	service *Service
	methods map[string]*endpoint
}

func (*pathHandler) ServeHTTP(http.ResponseWriter, *http.Request) {
	panic("front: a path handler is looked up, not served")
}

// find returns the endpoint for a request; service is that whose envelope an
// error uses, also when nothing is found. It sets the request's path values.
func (t *table) find(r *http.Request) (*endpoint, *Service, *cloud.Error) {
	if len(r.URL.Path) > 1 {
		r.URL.Path = strings.TrimRight(r.URL.Path, "/")
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		r.URL.RawPath = strings.TrimRight(r.URL.RawPath, "/")
	}
	// ServeMux only fills path values when it serves, so serve into a catcher.
	var found *pathHandler
	h, pattern := t.mux.Handler(r)
	if pattern != "" {
		found, _ = h.(*pathHandler)
	}
	if found == nil {
		s := t.nearest(r.URL.Path)
		return nil, s, &cloud.Error{Kind: cloud.NotFound, Msg: "The resource could not be found."}
	}
	setPathValues(r, pattern)
	method := r.Method
	e := found.methods[method]
	if e == nil && method == http.MethodHead {
		e = found.methods[http.MethodGet]
	}
	if e == nil {
		allow := make([]string, 0, len(found.methods))
		for m := range found.methods {
			allow = append(allow, m)
		}
		slices.Sort(allow)
		return nil, found.service, errMethod(strings.Join(allow, ", "))
	}
	return e, found.service, nil
}

// nearest returns the service whose root begins the path, or the first one.
func (t *table) nearest(path string) *Service {
	for _, s := range t.services {
		if s.Root != "" && (path == s.Root || strings.HasPrefix(path, s.Root+"/")) {
			return s
		}
	}
	return t.services[0]
}

// setPathValues fills r.PathValue from the pattern the mux matched.
func setPathValues(r *http.Request, pattern string) {
	pp, rp := strings.Split(pattern, "/"), strings.Split(r.URL.EscapedPath(), "/")
	for i, seg := range pp {
		if i >= len(rp) || !strings.HasPrefix(seg, "{") || seg == "{$}" {
			continue
		}
		name, rest := strings.Trim(seg, "{}"), rp[i]
		if n, ok := strings.CutSuffix(name, "..."); ok {
			name, rest = n, strings.Join(rp[i:], "/")
		}
		r.SetPathValue(name, unescape(rest))
	}
}

// pick returns the row for a microversion and, where rows have one, an action.
func (e *endpoint) pick(v Microversion, action string) *Route {
	for _, r := range e.rows {
		if r.Action == action && v.within(r.Min, r.Max) {
			return r
		}
	}
	return nil
}

// hasActions reports whether the body's one member selects the row.
func (e *endpoint) hasActions() bool {
	return slices.ContainsFunc(e.rows, func(r *Route) bool { return r.Action != "" })
}

// Rows calls yield for each row of the services with its full path: for sweeps
// and documentation.
func Rows(services []*Service, yield func(s *Service, path string, r *Route)) {
	for _, s := range services {
		for i := range s.Routes {
			r := &s.Routes[i]
			p := s.Root + s.Base + r.Path
			if r.AtRoot {
				p = s.Root + r.Path
			}
			yield(s, p, r)
		}
	}
}
