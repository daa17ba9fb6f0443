package front

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Paging says how a list of T is sorted and cut.
type Paging[T any] struct {
	// ID is the marker's value for an item.
	ID func(*T) string
	// Sorts are the keys that sort_key may name.
	Sorts map[string]func(a, b *T) int
	// Default is the order without sort_key: "created_at:desc,id". Keys of Sorts.
	Default string
	// Max caps limit; 0 means 1000.
	Max int
	// DefaultLimit applies without limit; 0 means Max.
	DefaultLimit int
	// DefaultDir is the direction of a sort_key without sort_dir: "asc" or "desc" (Nova and Glance: desc, Neutron: asc).
	DefaultDir string
}

// Page returns the items after marker, sorted, at most limit of them, and whether
// more follow; a limit of 0 gives none and no more. Query: limit, marker, sort_key and sort_dir
// (each may repeat), or sort=key:dir,… (OpenStack API-SIG, pagination and
// sorting). Errors are Invalid and name the parameter.
func Page[T any](q url.Values, items []T, p Paging[T]) (page []T, more bool, err error) {
	limit, err := p.limit(q)
	if err != nil {
		return nil, false, err
	}
	order, err := p.order(q)
	if err != nil {
		return nil, false, err
	}
	refs := make([]*T, len(items)) // rows are large: what is sorted is where they are
	for i := range items {
		refs[i] = &items[i]
	}
	slices.SortFunc(refs, func(a, b *T) int {
		for _, c := range order {
			if n := c(a, b); n != 0 {
				return n
			}
		}
		return cmp.Compare(p.ID(a), p.ID(b))
	})
	if m := q.Get("marker"); m != "" {
		i := slices.IndexFunc(refs, func(t *T) bool { return p.ID(t) == m })
		if i < 0 {
			return nil, false, cloud.Errorf(cloud.Invalid, "", "marker [%s] not found", m)
		}
		refs = refs[i+1:]
	}
	if len(refs) > limit {
		refs, more = refs[:limit], limit > 0
	}
	page = make([]T, len(refs))
	for i, t := range refs {
		page[i] = *t
	}
	return page, more, nil
}

func (p Paging[T]) limit(q url.Values) (int, error) {
	max := cmp.Or(p.Max, 1000)
	if !q.Has("limit") {
		return cmp.Or(p.DefaultLimit, max), nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 0 {
		return 0, cloud.Errorf(cloud.Invalid, "", "Invalid input for query parameters limit: %q is not a number from 0.", q.Get("limit"))
	}
	return min(n, max), nil
}

func (p Paging[T]) order(q url.Values) ([]func(a, b *T) int, error) {
	var keys, dirs []string
	switch {
	case q.Get("sort") != "":
		for part := range strings.SplitSeq(q.Get("sort"), ",") {
			k, d, _ := strings.Cut(strings.TrimSpace(part), ":")
			keys, dirs = append(keys, k), append(dirs, d)
		}
	case q.Has("sort_key"):
		keys, dirs = q["sort_key"], q["sort_dir"]
	default:
		for part := range strings.SplitSeq(p.Default, ",") {
			if part == "" {
				continue
			}
			k, d, _ := strings.Cut(part, ":")
			keys, dirs = append(keys, k), append(dirs, cmp.Or(d, "asc"))
		}
	}
	var order []func(a, b *T) int
	for i, k := range keys {
		by := p.Sorts[k]
		if by == nil {
			return nil, cloud.Errorf(cloud.Invalid, "", "Invalid input for query parameters sort_key: %q is not one of %s.", k, strings.Join(sortedKeys(p.Sorts), ", "))
		}
		dir := p.DefaultDir
		if len(dirs) == 1 && q.Has("sort_key") {
			dir = dirs[0]
		} else if i < len(dirs) {
			dir = dirs[i]
		}
		switch cmp.Or(dir, p.DefaultDir, "asc") {
		case "asc":
			order = append(order, by)
		case "desc":
			order = append(order, func(a, b *T) int { return by(b, a) })
		default:
			return nil, cloud.Errorf(cloud.Invalid, "", "Invalid input for query parameters sort_dir: %q is not asc or desc.", dir)
		}
	}
	return order, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// NextQuery returns the query of the page that follows one that ended with the
// item of that id: the request's own with marker replaced.
func NextQuery(q url.Values, lastID string) string {
	n := url.Values{}
	for k, v := range q {
		n[k] = v
	}
	n.Set("marker", lastID)
	return n.Encode()
}
