package keystone

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
)

// filter is the query of a list. What it does not name passes.
type filter struct{ q url.Values }

func filterOf(rq *front.Request) filter { return filter{rq.Query()} }

// comparers are the inexact comparisons: ?name__startswith=web.
var comparers = map[string]func(value, want string) bool{
	"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix,
	"icontains":   folded(strings.Contains),
	"istartswith": folded(strings.HasPrefix),
	"iendswith":   folded(strings.HasSuffix),
	"gt":          func(a, b string) bool { return a > b },
	"ge":          func(a, b string) bool { return a >= b },
	"gte":         func(a, b string) bool { return a >= b },
	"lt":          func(a, b string) bool { return a < b },
	"le":          func(a, b string) bool { return a <= b },
	"lte":         func(a, b string) bool { return a <= b },
	"neq":         func(a, b string) bool { return a != b },
}

func folded(compare func(a, b string) bool) func(a, b string) bool {
	return func(a, b string) bool { return compare(strings.ToLower(a), strings.ToLower(b)) }
}

// text reports whether a member passes. Like the uniqueness of names, equality
// does not regard case.
func (f filter) text(name, value string) bool {
	if f.q.Has(name) && !strings.EqualFold(f.q.Get(name), value) {
		return false
	}
	for suffix, compare := range comparers {
		if key := name + "__" + suffix; f.q.Has(key) && !compare(value, f.q.Get(key)) {
			return false
		}
	}
	return true
}

// moment is a filter on a time: ?password_expires_at=lt:2026-11-24T23:00:00Z.
type moment func(time.Time) bool

// moment returns the filter that a parameter asks for. A time that is not set
// passes no filter but none. Error kind: Invalid.
func (f filter) moment(name string) (moment, error) {
	if !f.q.Has(name) {
		return func(time.Time) bool { return true }, nil
	}
	op, text, ok := strings.Cut(f.q.Get(name), ":")
	compare := map[string]func(order int) bool{
		"lt": func(n int) bool { return n < 0 }, "lte": func(n int) bool { return n <= 0 }, "gt": func(n int) bool { return n > 0 },
		"gte": func(n int) bool { return n >= 0 }, "eq": func(n int) bool { return n == 0 }, "neq": func(n int) bool { return n != 0 },
	}[op]
	at, err := time.Parse(time.RFC3339, text)
	if !ok || compare == nil || err != nil {
		return nil, cloud.Errorf(cloud.Invalid, "", "The parameter %s must be lt, lte, gt, gte, eq or neq, a colon and a time such as 2026-11-24T23:00:00Z.", name)
	}
	return func(t time.Time) bool { return !t.IsZero() && compare(t.Truncate(time.Second).Compare(at)) }, nil
}

// truth reports whether a member that is true or false passes.
func (f filter) truth(name string, value bool) bool { return !f.q.Has(name) || f.on(name) == value }

// on reports whether a parameter asks for something: ?effective, ?effective=1.
func (f filter) on(name string) bool {
	return f.q.Has(name) && !slices.Contains([]string{"0", "false", "no", "off", "f", "n"}, strings.ToLower(f.q.Get(name)))
}

// tags reports whether a set of tags passes the four filters of API-SIG.
func (f filter) tags(tags []string) bool {
	has := func(t string) bool { return slices.Contains(tags, t) }
	given := func(name string) []string {
		if f.q.Get(name) == "" {
			return nil
		}
		return strings.Split(f.q.Get(name), ",")
	}
	hasNot := func(t string) bool { return !has(t) }
	all, some, notAll, none := given("tags"), given("tags-any"), given("not-tags"), given("not-tags-any")
	return !slices.ContainsFunc(all, hasNot) && (some == nil || slices.ContainsFunc(some, has)) &&
		(notAll == nil || slices.ContainsFunc(notAll, hasNot)) && !slices.ContainsFunc(none, has)
}
