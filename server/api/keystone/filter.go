package keystone

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
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
