package compute

import (
	"testing"

	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// A stop that failed, by its host's report, and is done later is no error any more;
// a guest that goes off although it should run does not heal one.
func TestErrorOfAStopHeals(t *testing.T) {
	w := newWorld(t, 1)
	i := w.running(ann, spec("a"))
	w.observe(i.ID, Observed{Fault: "no"})
	w.observe(i.ID, Observed{Power: Stopped})
	if got := w.get(i.ID); got.State != Errored {
		t.Errorf("off, but it should run: %s", got.State)
	}
	w.do(func(tx *statestore.Txn) error { return InstanceStop(tx, ann, i.ID) })
	w.observe(i.ID, Observed{Fault: "no"})
	if got := w.get(i.ID); got.State != Errored || got.Desired != Stopped {
		t.Fatalf("after a stop that failed it is %s, desired %s", got.State, got.Desired)
	}
	w.observe(i.ID, Observed{Power: Stopped})
	if got := w.get(i.ID); got.State != Off || got.Fault != nil {
		t.Errorf("off, as wanted: %s, %+v", got.State, got.Fault)
	}
}

// An instance that is being deleted when its host goes down, or is said to be
// down, does not wait for it.
func TestHostDownEndsDeletions(t *testing.T) {
	yes := true
	for name, down := range map[string]func(tx *statestore.Txn, id string) error{
		"its agent is gone": HostDown,
		"an admin says so": func(tx *statestore.Txn, id string) error {
			_, err := HostUpdate(tx, id, HostChange{ForcedDown: &yes})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			s := spec("a")
			s.NoNetwork, s.Networks = false, []NICSpec{{NetworkID: w.network}}
			going, staying := w.mustCreate(ann, s), w.mustCreate(ann, spec("b"))
			w.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, going.ID) })
			if i, ok := Instances.Get(w.s.Snapshot(), going.ID); !ok || i.State != Deleting {
				t.Fatalf("the instance is %s, %t", i.State, ok)
			}
			w.do(func(tx *statestore.Txn) error { return down(tx, going.HostID) })
			r := w.s.Snapshot()
			if _, ok := Instances.Get(r, going.ID); ok {
				t.Error("the instance that was being deleted is left")
			}
			if _, ok := Instances.Get(r, staying.ID); !ok {
				t.Error("the other instance is gone")
			}
			if n := network.Ports.Len(r); n != 0 {
				t.Errorf("%d ports are left", n)
			}
			h, _ := Hosts.Get(r, going.HostID)
			if h.Alive() || h.Instances != 1 || h.Used != staying.Claim() {
				t.Errorf("the host is %+v", h)
			}
		})
	}
}
