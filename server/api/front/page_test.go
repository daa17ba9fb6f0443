package front

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/server/cloud"
)

type item struct {
	id   string
	a, b int
}

var itemPaging = Paging[item]{
	ID: func(i *item) string { return i.id },
	Sorts: map[string]func(a, b *item) int{
		"a": func(x, y *item) int { return cmp.Compare(x.a, y.a) },
		"b": func(x, y *item) int { return cmp.Compare(x.b, y.b) },
	},
	Default: "a:desc", DefaultDir: "desc", Max: 50,
}

// TestPages: whoever follows the pages meets every item once, in the order asked
// for, whatever the limit is.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var items []item
		for n := range rapid.IntRange(0, 30).Draw(t, "items") {
			items = append(items, item{fmt.Sprintf("%02d", n), rapid.IntRange(0, 3).Draw(t, "a"), rapid.IntRange(0, 3).Draw(t, "b")})
		}
		q := url.Values{"limit": {fmt.Sprint(rapid.IntRange(1, 7).Draw(t, "limit"))}}
		sign := map[string]int{"asc": 1, "desc": -1}
		order := func(x, y item) int { return cmp.Or(-cmp.Compare(x.a, y.a), cmp.Compare(x.id, y.id)) }
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 1:
			d1, d2 := rapid.SampledFrom([]string{"asc", "desc"}).Draw(t, "first"), rapid.SampledFrom([]string{"asc", "desc"}).Draw(t, "second")
			q["sort_key"], q["sort_dir"] = []string{"b", "a"}, []string{d1, d2}
			order = func(x, y item) int {
				return cmp.Or(sign[d1]*cmp.Compare(x.b, y.b), sign[d2]*cmp.Compare(x.a, y.a), cmp.Compare(x.id, y.id))
			}
		case 2:
			q.Set("sort", "b:asc,a")
			order = func(x, y item) int {
				return cmp.Or(cmp.Compare(x.b, y.b), -cmp.Compare(x.a, y.a), cmp.Compare(x.id, y.id))
			}
		}
		var got []item
		for more := true; more; {
			page, next, err := Page(q, slices.Clone(items), itemPaging)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if more = next; more {
				if q, err = url.ParseQuery(NextQuery(q, page[len(page)-1].id)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want := slices.SortedFunc(slices.Values(items), order); !slices.Equal(got, want) {
			t.Fatalf("%v: got %v, want %v", q, got, want)
		}
	})
}

func TestPageLimits(t *testing.T) {
	items := make([]item, 60)
	for n := range items {
		items[n].id = fmt.Sprintf("%02d", n)
	}
	for query, want := range map[string]struct {
		n    int
		more bool
	}{"": {50, true}, "limit=60": {50, true}, "limit=0": {0, false}, "marker=09": {50, false}, "marker=59": {0, false}} {
		q, _ := url.ParseQuery(query)
		page, more, err := Page(q, items, itemPaging)
		if err != nil || len(page) != want.n || more != want.more {
			t.Errorf("%q: %d items, more %v, %v; want %+v", query, len(page), more, err, want)
		}
	}
	for query, says := range map[string]string{"limit=-1": "limit", "limit=": "limit", "limit=1e3": "limit", "marker=x": "[x] not found",
		"sort_key=c": "not one of a, b", "sort_key=a&sort_dir=up": "not asc or desc", "sort=a:up": "not asc or desc"} {
		q, _ := url.ParseQuery(query)
		if _, _, err := Page(q, items, itemPaging); !cloud.Is(err, cloud.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want Invalid saying %q", query, err, says)
		}
	}
}
