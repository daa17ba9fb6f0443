package sweep

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
)

// trials are the ways of being wrong.
var trials = []struct {
	name string
	try  func(c *course, rt route)
}{
	{"a right call", rightCall},
	{"no token", noToken},
	{"a stranger", stranger},
	{"an unknown id", unknown},
	{"an odd id", oddID},
	{"another method", otherMethod},
	{"a query", oddQuery},
	{"a microversion", oddVersion},
	{"a media type", otherMedia},
	{"no JSON", noJSON},
	{"a body too large", tooLarge},
	{"an unknown field", unknownField},
	{"a field of another type", otherType},
	{"an odd value", oddValue},
}

// right is the right call.
func (c *course) right(rt route) request {
	rq := request{token: c.admin, method: rt.Method, path: c.path(rt)}
	if rt.sample != nil {
		rq.body = c.body(rt.sample.body)
	}
	rq.header = headers(rt, rq.body)
	return rq
}

// hasBody says that there is a right body of JSON, to spoil.
func (rt route) hasBody() bool { return rt.sample != nil && rt.sample.body != "" && rt.MaxBody >= 0 }

// A right call is planned with success: what is spoiled is right but for that.
func rightCall(c *course, rt route) {
	rq := c.right(rt)
	if rt.Method == "GET" || rt.Method == "HEAD" {
		if a := c.look(rt, "read", rq); a.status >= 400 {
			c.fault(rt, "read: %d %.300s", a.status, a.body)
		}
		return
	}
	if rt.call == "POST /identity/v3/users/{id}/password" {
		return // not in a session, and in earnest it ends all tokens
	}
	if rt.sample == nil && rt.Method != "DELETE" {
		return // testdata/uncovered.txt tells
	}
	if !c.spoiled(rt, "right", rq) {
		if a := c.send(rq); rt.Rule != front.Public || a.status >= 300 { // nobody authenticates in a session
			c.fault(rt, "right: %d %.300s", a.status, a.body)
		}
	}
}

func noToken(c *course, rt route) {
	if rt.Rule == front.Public {
		return
	}
	for name, token := range map[string]string{"none": "", "junk": "junk", "expired": c.expired, "cut": c.admin[:len(c.admin)-2], "long": strings.Repeat("x", 5000), "not ASCII": "clt1.\xc3\xa9"} {
		rq := c.right(rt)
		rq.token = token
		if a := c.try(rt, name, rq, http.StatusUnauthorized); a.header.Get("Www-Authenticate") == "" {
			c.fault(rt, "%s: no Www-Authenticate", name)
		}
	}
}

// stranger is a member of another project. What its personas never pass is refused, and
// what they pass for their own, if it is another's: as if there were none.
func stranger(c *course, rt route) {
	rq := c.right(rt)
	rq.token = c.stranger
	verdict := c.strangers(rt)
	switch {
	case verdict == policy.Never || verdict == policy.Own && rt.Target != nil && strings.Contains(rt.path, "{"):
		c.try(rt, "refused", rq, http.StatusForbidden, http.StatusNotFound)
	case rt.Method == "GET" || rt.Method == "HEAD":
		if a := c.look(rt, "looks", rq); a.status < 300 && strings.Contains(string(a.body), secret) {
			c.fault(rt, "looks: told what it should not be: %.300s", a.body)
		}
	default:
		c.spoiled(rt, "tries", rq)
	}
	at := slices.IndexFunc(strings.Split(rt.path, "/"), variable.MatchString)
	never := verdict == policy.Never || verdict == policy.Own
	if at < 0 || !never && rt.Method != "GET" {
		return
	}
	a := c.look(rt, "another's", rq)
	if !never && a.status < 300 {
		return
	}
	there := strings.Split(rq.path, "/")[at]
	rq.path = c.pathWith(rt, at, unknownID)
	b := c.look(rt, "nobody's", rq)
	if a.status != b.status || strings.ReplaceAll(string(a.body), there, "ID") != strings.ReplaceAll(string(b.body), unknownID, "ID") {
		c.fault(rt, "another's: %d %.200s, nobody's: %d %.200s", a.status, a.body, b.status, b.body)
	}
}

// strangers is how far policy lets a member of another project go, who may be a user
// whose the thing is.
func (c *course) strangers(rt route) policy.Verdict {
	if rt.path == "/identity/v3/auth/tokens" && rt.Method != "POST" {
		return policy.Never // the token is another's
	}
	if _, err := c.rules.Rule(rt.Rule); err != nil {
		return policy.Any
	}
	if v := c.rules.Verdict(rt.Rule, policy.Persona{Scope: "project", Role: "member"}); v != policy.Never {
		return v
	}
	return c.rules.Verdict(rt.Rule, policy.Persona{Scope: "user"})
}

func unknown(c *course, rt route) {
	segments := strings.Split(rt.path, "/")
	for i, s := range segments {
		if !variable.MatchString(s) {
			continue
		}
		rq := c.right(rt)
		rq.path = c.pathWith(rt, i, unknownID)
		if _, free := c.thing(rt, segments, i); free && rt.Method != "GET" && rt.Method != "DELETE" {
			c.spoiled(rt, s, rq)
			continue
		}
		if c.spoiled(rt, s, rq, http.StatusNotFound) {
			c.fault(rt, "%s: taken", s)
		}
	}
}

// oddIDs are segments of a path as they are sent.
var oddIDs = map[string]string{
	"long": strings.Repeat("x", 4000), "NUL": "a%00b", "no UTF-8": "%ff%fe", "dots": "..", "dot": ".", "a slash": "a%2Fb", "dots and slashes": "..%2F..%2Fetc", "a space": "%20", "a line": "a%0D%0Ab",
	"per cent": "%25", "a face": "%F0%9F%98%80", "quotes": "%27%22%3B--", "bracketed": "%7Bid%7D", "a query": "a%3Fb=c", "a number": "-1", "backslash": "a%5Cb", "plus": "a+b",
}

func oddID(c *course, rt route) {
	segments := strings.Split(rt.path, "/")
	for i, s := range segments {
		if !variable.MatchString(s) {
			continue
		}
		for name, id := range oddIDs {
			rq := c.right(rt)
			rq.path = c.pathWith(rt, i, id)
			_, free := c.thing(rt, segments, i)
			want := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
			if id == ".." || id == "." {
				want = append(want, http.StatusMethodNotAllowed) // another path
			}
			if c.spoiled(rt, s+" "+name, rq, want...) && !free && id != ".." && id != "." {
				c.fault(rt, "%s %s: taken", s, name)
			}
		}
	}
}

// otherMethod tries what no row of the path has.
func otherMethod(c *course, rt route) {
	var offered []string
	for _, other := range routes() {
		if other.path == rt.path {
			offered = append(offered, other.Method)
		}
	}
	for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "BREW"} {
		if slices.Contains(offered, m) || m == "HEAD" && slices.Contains(offered, "GET") {
			continue
		}
		rq := c.right(rt)
		rq.method = m
		a := c.try(rt, m, rq, http.StatusMethodNotAllowed)
		for _, o := range offered {
			if !slices.Contains(strings.Split(a.header.Get("Allow"), ", "), o) {
				c.fault(rt, "%s: Allow is %q, without %s", m, a.header.Get("Allow"), o)
			}
		}
	}
}

var oddQueries = []string{"limit=-1", "limit=abc", "limit=99999999999999999999", "limit=", "limit=0", "limit=1&limit=2", "marker=" + unknownID, "marker=%00", "sort_key=nonsense", "sort_dir=sideways", "sort=nonsense:sideways",
	"nonsense=1", "fields=nonsense", "name=%ff", "x=%zz", "=", "&&&", "id=", "name__nonsense=x", "enabled=maybe", "changes-since=yesterday", "created_at=gt:yesterday", "size_min=x", "all_tenants=maybe", "page_reverse=maybe",
	"name=" + strings.Repeat("x", 4000), "status=%F0%9F%98%80", "tags=,", "ip=999", "fixed_ips=nonsense", "details=maybe", "start=x&end=y", "protected=maybe", "member_status=nonsense", "visibility=nonsense"}

func oddQuery(c *course, rt route) {
	if rt.Method != "GET" && rt.Method != "HEAD" {
		return
	}
	for _, query := range oddQueries {
		rq := c.right(rt)
		rq.path += "?" + query
		c.look(rt, query, rq)
	}
}

func oddVersion(c *course, rt route) {
	if rt.service != "compute" || rt.Rule == front.Public {
		return
	}
	for value, status := range map[string]int{"2.999": 406, "3.1": 406, "2.0": 406, "banana": 400, "2": 400, "2.1.1": 400, "-2.1": 400, "2.01": 400, "2.99999999999999999999": 400} {
		for header, prefix := range map[string]string{"X-OpenStack-Nova-API-Version": "", "OpenStack-API-Version": "compute "} {
			rq := c.right(rt)
			rq.header = []string{"Content-Type", "application/json", header, prefix + value}
			if c.spoiled(rt, header+": "+value, rq, status) {
				c.fault(rt, "%s: %s: taken", header, value)
			}
		}
	}
}

func otherMedia(c *course, rt route) {
	if rt.sample == nil || rt.sample.body == "" {
		return
	}
	for _, media := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", "application/", ";"} {
		rq := c.right(rt)
		rq.header = append(slices.Clone(rq.header), "Content-Type", media)
		if c.spoiled(rt, media, rq, http.StatusUnsupportedMediaType) {
			c.fault(rt, "%s: taken", media)
		}
	}
	rq := c.right(rt)
	rq.header = append(slices.Clone(rq.header), "Accept", "image/png", "Accept-Language", strings.Repeat("x", 3000))
	c.spoiled(rt, "Accept", rq)
}
