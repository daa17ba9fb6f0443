package neutron

import (
	"cmp"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// notFilters are the query parameters of a list that are no attributes.
var notFilters = []string{"fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir", "tags", "tags-any", "not-tags", "not-tags-any", "changed_since"}

type condition[T any] func(t *T) bool

// matching returns the rows that the caller may see and that pass all filters.
func (s *resource[T]) matching(v *view) ([]T, error) {
	q := v.rq.Query()
	conds, err := s.filters(v, q)
	if err != nil {
		return nil, err
	}
	conds = append(conds, s.tagFilters(q)...)
	since, err := s.changedSince(v, q)
	if err != nil {
		return nil, err
	}
	conds = append(conds, since...)
	out := []T{}
	for t := range s.rows(v, q) {
		if s.id(&t) == cloud.UnknownID || !s.seen(v, &t) {
			continue
		}
		if !slices.ContainsFunc(conds, func(c condition[T]) bool { return !c(&t) }) {
			out = append(out, t)
		}
	}
	return out, nil
}

// rows walks an index that a filter names, else the whole table.
func (s *resource[T]) rows(v *view, q url.Values) iter.Seq[T] {
	for name, index := range s.indexes {
		if len(q[name]) == 1 && q.Get(name) != "" {
			return s.table.By(v.r, index, q.Get(name))
		}
	}
	return s.table.All(v.r)
}

func (s *resource[T]) seen(v *view, t *T) bool {
	target := s.target(v.r, t)
	return v.rq.Visible(target) && v.rq.Can(s.rule("get"), target)
}

// filters makes a condition of every parameter that is an attribute; values of
// the same one are alternatives.
func (s *resource[T]) filters(v *view, q url.Values) (conds []condition[T], err error) {
	for name, wants := range q {
		if slices.Contains(notFilters, name) {
			continue
		}
		a := s.attribute(name)
		if a == nil || a.match == nil && !filterable(a.value(v, new(T))) {
			return nil, cloud.Errorf(cloud.Invalid, s.name, "['%s'] is invalid attribute for filtering", name)
		}
		conds = append(conds, func(t *T) bool {
			if a.get != "" && !v.rq.Can(a.get, s.target(v.r, t)) {
				return false
			}
			if a.match != nil {
				return a.match(t, wants)
			}
			have := a.value(v, t)
			return slices.ContainsFunc(wants, func(want string) bool { return equals(have, want) })
		})
	}
	return conds, nil
}

func filterable(x any) bool {
	switch x.(type) {
	case string, bool, int, nil, []string, omitted:
		return true
	}
	return false
}

// equals compares an attribute's value with a filter's.
func equals(have any, want string) bool {
	switch x := have.(type) {
	case string:
		return x == want
	case bool:
		b, ok := truth(want)
		return ok && b == x
	case int:
		return strconv.Itoa(x) == want
	case []string:
		return slices.Contains(x, want)
	}
	return false
}

// tagFilters are tags (all), tags-any, not-tags (not all), not-tags-any (none).
func (s *resource[T]) tagFilters(q url.Values) (conds []condition[T]) {
	for _, name := range []string{"tags", "tags-any", "not-tags", "not-tags-any"} {
		if q.Get(name) == "" || s.tags == nil {
			continue
		}
		want := strings.Split(strings.Join(q[name], ","), ",")
		conds = append(conds, func(t *T) bool {
			n := 0
			for _, tag := range want {
				if slices.Contains(s.tags(t), tag) {
					n++
				}
			}
			switch name {
			case "tags":
				return n == len(want)
			case "tags-any":
				return n > 0
			case "not-tags":
				return n < len(want)
			}
			return n == 0
		})
	}
	return conds
}

// changedSince is the filter for what was changed at a time or later.
func (s *resource[T]) changedSince(v *view, q url.Values) ([]condition[T], error) {
	if !q.Has("changed_since") {
		return nil, nil
	}
	text := q.Get("changed_since")
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, strings.Replace(text, " ", "+", 1)); err == nil {
			updated := s.attribute("updated_at")
			return []condition[T]{func(t *T) bool { return updated.value(v, t).(string) >= stamp(at) }}, nil
		}
	}
	return nil, cloud.Errorf(cloud.Invalid, s.name, "Invalid input for operation: The input changed_since must be in the following format: YYYY-MM-DDTHH:MM:SS[Z|+HH:MM]; it is %q.", text)
}

type link struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
}

// page sorts the rows and returns those that limit, marker and page_reverse
// select; with a limit also the links to the pages beside. As in Neutron, a full
// page has a next one, though that may be empty.
func (s *resource[T]) page(v *view, rows []T) ([]T, []link, error) {
	q := v.rq.Query()
	order, err := s.order(v, q)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(rows, order)
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), "0"))
	if err != nil || limit < 0 {
		return nil, nil, cloud.Errorf(cloud.Invalid, s.name, "Invalid input for operation: Limit must be an integer 0 or greater and not '%s'", q.Get("limit"))
	}
	reverse, _ := truth(q.Get("page_reverse"))
	if m := q.Get("marker"); m != "" {
		i := slices.IndexFunc(rows, func(t T) bool { return s.id(&t) == m })
		switch {
		case i < 0:
			return nil, nil, cloud.Errorf(cloud.NotFound, s.name, s.gone, m)
		case reverse:
			rows = rows[:i]
		default:
			rows = rows[i+1:]
		}
	}
	if limit == 0 {
		return rows, nil, nil
	}
	if len(rows) > limit && reverse {
		rows = rows[len(rows)-limit:]
	}
	rows = rows[:min(limit, len(rows))]
	links := []link{}
	if len(rows) == limit || reverse {
		links = append(links, s.link(v, q, "next", rows))
	}
	if len(rows) == limit || !reverse {
		links = append(links, s.link(v, q, "previous", rows))
	}
	return rows, links, nil
}

func (s *resource[T]) link(v *view, q url.Values, rel string, rows []T) link {
	n := url.Values{}
	for k, x := range q {
		if k != "marker" && k != "page_reverse" {
			n[k] = x
		}
	}
	end := len(rows) - 1
	if rel == "previous" {
		n.Set("page_reverse", "True")
		end = 0
	}
	if len(rows) > 0 {
		n.Set("marker", s.id(&rows[end]))
	}
	return link{Href: v.rq.URL("/v2.0" + s.path + "?" + n.Encode()), Rel: rel}
}

// order is what sort_key and sort_dir ask for, then the id.
func (s *resource[T]) order(v *view, q url.Values) (func(a, b T) int, error) {
	keys, dirs := q["sort_key"], q["sort_dir"]
	if len(dirs) > 0 && len(keys) != len(dirs) {
		return nil, cloud.Errorf(cloud.Invalid, s.name, "The number of sort_keys and sort_dirs must be same")
	}
	var by []func(a, b *T) int
	for i, k := range keys {
		a := s.attribute(k)
		if a == nil || a.get != "" || !sortable(a.value(v, new(T))) {
			return nil, cloud.Errorf(cloud.Invalid, s.name, "['%s'] is invalid attribute for sort_keys", k)
		}
		sign := 1
		switch {
		case i < len(dirs) && dirs[i] == "desc":
			sign = -1
		case i < len(dirs) && dirs[i] != "asc":
			return nil, cloud.Errorf(cloud.Invalid, s.name, "['%s'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'", dirs[i])
		}
		by = append(by, func(x, y *T) int { return sign * compare(a.value(v, x), a.value(v, y)) })
	}
	return func(a, b T) int {
		for _, c := range by {
			if n := c(&a, &b); n != 0 {
				return n
			}
		}
		return cmp.Compare(s.id(&a), s.id(&b))
	}, nil
}

func sortable(x any) bool {
	_, list := x.([]string)
	return !list && filterable(x)
}

// compare orders two values of one attribute; nothing comes first.
func compare(a, b any) int {
	x, ok1 := a.(int)
	y, ok2 := b.(int)
	if ok1 && ok2 {
		return cmp.Compare(x, y)
	}
	text := func(v any) string {
		switch v.(type) {
		case nil, omitted:
			return ""
		}
		return fmt.Sprint(v)
	}
	return cmp.Compare(text(a), text(b))
}
