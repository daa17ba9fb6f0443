package compute

import (
	"slices"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// TestServed holds reports to what was there: what ran and is gone counts in the
// months in which it ran, and what never ran does not.
func TestServed(t *testing.T) {
	w := newWorld(t, 1)
	now := time.Now()
	at := func(i Instance, launched, ended time.Time) {
		w.do(func(tx *statestore.Txn) error {
			i, _ = Instances.Get(tx, i.ID)
			i.LaunchedAt, i.TerminatedAt = launched, ended
			Instances.Put(tx, i)
			if ended.IsZero() {
				return nil
			}
			return remove(tx, i)
		})
	}
	month := func(n int) time.Time { return monthOf(now).AddDate(0, n, 0) }
	for _, c := range []struct {
		name            string
		launched, ended time.Time
	}{
		{"here", month(-2), time.Time{}},
		{"gone", month(-3), month(-2).Add(time.Hour)},
		{"long ago", month(-30), month(-29)},
		{"never ran", time.Time{}, month(-1)},
		{"waits", time.Time{}, time.Time{}},
	} {
		at(w.mustCreate(ann, InstanceSpec{Name: c.name, FlavorID: "1", ImageID: "img"}), c.launched, c.ended)
	}
	for _, c := range []struct {
		from, to time.Time
		want     []string
	}{
		{month(-1), now, []string{"here"}},
		{month(-2), now, []string{"gone", "here"}},
		{month(-2).Add(time.Hour), now, []string{"here"}},
		{month(-30), month(-28), []string{"long ago"}},
		{month(-3), month(-2), []string{"gone"}},
		{time.Time{}, now, []string{"gone", "here", "long ago"}},
		{month(-40), month(-35), nil},
	} {
		var got []string
		for s, err := range ServedIn(t.Context(), w.s.Snapshot(), c.from, c.to, now) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s.Name)
			if s.Name == "gone" && (s.State != "terminated" || s.ProjectID != ann.ProjectID || s.VCPUs == 0 || !s.EndedAt.Equal(month(-2).Add(time.Hour))) {
				t.Errorf("%+v", s)
			}
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("%s to %s: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	s := Served{LaunchedAt: now.Add(-3 * time.Hour), EndedAt: now.Add(-time.Hour)}
	for _, c := range []struct{ from, to, want time.Duration }{{-4, 0, 2}, {-2, 0, 1}, {-4, -2, 1}, {-4, -3, 0}, {-1, 0, 0}} {
		if got := s.Within(now.Add(c.from*time.Hour), now.Add(c.to*time.Hour)); got != c.want*time.Hour {
			t.Errorf("from %d to %d: %s", c.from, c.to, got)
		}
	}
}
