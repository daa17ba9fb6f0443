package identity

import (
	"testing"

	"github.com/cloudlet/cloudlet/statestore"
)

func TestLimitFor(t *testing.T) {
	w := newWorld(t)
	var glance Service
	for s := range Services.All(w.store.Snapshot()) {
		if s.Type == "image" {
			glance = s
		}
	}
	demo, _ := Projects.First(w.store.Snapshot(), "name", folded(DefaultDomain, "demo"))
	flat, strict := Authority{}, Authority{Settings: Settings{LimitModel: StrictLimits}}
	register := func(l RegisteredLimit) {
		w.write(func(tx *statestore.Txn) error { _, err := RegisteredLimitPut(tx, l); return err })
	}
	limit := func(l Limit) {
		w.write(func(tx *statestore.Txn) error { _, err := LimitPut(tx, l); return err })
	}
	want := func(what string, a Authority, most int, ok bool) {
		t.Helper()
		if m, k := a.LimitFor(w.store.Snapshot(), "image", "RegionOne", "image_count_total", demo.ID); m != most || k != ok {
			t.Errorf("%s: %d, %v; want %d, %v", what, m, k, most, ok)
		}
	}
	all := Countable{ServiceID: glance.ID, Resource: "image_count_total"}
	here := Countable{ServiceID: glance.ID, RegionID: "RegionOne", Resource: "image_count_total"}
	want("nothing is registered", flat, 0, false)
	register(RegisteredLimit{Countable: Countable{ServiceID: glance.ID, Resource: "image_size_total"}, Default: 1})
	want("something else is registered", flat, 0, false)
	register(RegisteredLimit{Countable: all, Default: 10})
	want("registered", flat, 10, true)
	limit(Limit{DomainID: DefaultDomain, Countable: all, Max: 7})
	want("the domain has less, flat", flat, 10, true)
	want("the domain has less, strict", strict, 7, true)
	limit(Limit{ProjectID: demo.ID, Countable: all, Max: 5})
	want("the project has its own", flat, 5, true)
	register(RegisteredLimit{Countable: here, Default: -1})
	want("registered for the region", flat, -1, true)
	limit(Limit{ProjectID: demo.ID, Countable: here, Max: 0})
	want("the project has its own in the region", strict, 0, true)
}
