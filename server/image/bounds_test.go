package image

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// What one image has is bounded in every direction: the most passes, one more does
// not.
func TestBoundsOfOneImage(t *testing.T) {
	w := newWorld(t)
	numbered := func(n int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprint(i)
		}
		return all
	}
	properties := func(n, size int) *map[string]string {
		all := map[string]string{}
		for _, k := range numbered(n) {
			all[k] = strings.Repeat("x", size)
		}
		return &all
	}
	for _, c := range []struct {
		what      string
		most, one ImageChange
		kind      cloud.Kind
	}{
		{"characters of a name", ImageChange{Name: ptr(strings.Repeat("ü", 255))}, ImageChange{Name: ptr(strings.Repeat("ü", 256))}, cloud.Invalid},
		{"properties", ImageChange{Properties: properties(128, 0)}, ImageChange{Properties: properties(129, 0)}, cloud.Quota},
		{"bytes of a property", ImageChange{Properties: properties(1, 65535)}, ImageChange{Properties: properties(1, 65536)}, cloud.Invalid},
		{"bytes of all properties", ImageChange{Properties: properties(4, 65535)}, ImageChange{Properties: properties(5, 65535)}, cloud.Quota},
		{"tags", ImageChange{Tags: ptr(numbered(128))}, ImageChange{Tags: ptr(numbered(129))}, cloud.Quota},
		{"characters of a tag", ImageChange{Tags: ptr([]string{strings.Repeat("x", 255)})}, ImageChange{Tags: ptr([]string{strings.Repeat("x", 256)})}, cloud.Invalid},
	} {
		if _, err := w.create(ann, "", c.most); err != nil {
			t.Errorf("the most %s: %v", c.what, err)
		}
		_, err := w.create(ann, "", c.one)
		wantKind(t, "more "+c.what, err, c.kind, "")
	}
	locate := func(id string, ls ...Location) error {
		ch := ImageChange{}
		for _, l := range ls {
			ch.Locations = append(ch.Locations, func(i Image) (Image, error) { return LocationAdd(i, l, Sums{}) })
		}
		_, err := w.update(ann, id, ch)
		return err
	}
	var ten []Location
	for _, n := range numbered(10) {
		ten = append(ten, Location{URL: "http://x/" + n})
	}
	i := w.queued("raw")
	if err := locate(i.ID, ten...); err != nil {
		t.Error(err)
	}
	wantKind(t, "an eleventh location", locate(i.ID, Location{URL: "http://x/"}), cloud.Quota, "/locations")
	i = w.queued("raw")
	wantKind(t, "a long URL", locate(i.ID, Location{URL: "http://x/" + strings.Repeat("x", maxURL)}), cloud.Invalid, "/locations")
	wantKind(t, "much metadata", locate(i.ID, Location{URL: "http://x/", Metadata: *properties(2, maxMetadata/2)}), cloud.Invalid, "/locations")
	offer := func(project string) error {
		_, err := get(w, func(tx *statestore.Txn) (Member, error) { return MemberCreate(tx, ann, i.ID, project) })
		return err
	}
	for _, n := range numbered(128) {
		if err := offer(n); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, "a further member", offer("129"), cloud.Quota, "")
}
