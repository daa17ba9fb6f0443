package compute

import (
	"testing"

	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

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
