package compute

import (
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// The id of an instance that was deleted while its host was away is not given
// out again before the host has told that it is gone.
func TestLeftoverKeepsItsID(t *testing.T) {
	w := newWorld(t, 1)
	i := w.mustCreate(ann, spec("i"))
	w.do(func(tx *statestore.Txn) error { return HostDown(tx, i.HostID) })
	w.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) })
	w.do(func(tx *statestore.Txn) error { return HostSeen(tx, i.HostID) })
	c := ann
	c.ChosenID = i.ID
	if _, err := w.create(c, spec("again")); !cloud.Is(err, cloud.Conflict) {
		t.Fatalf("the id was given out again: %v", err)
	}
	w.do(func(tx *statestore.Txn) error {
		return InstanceObserve(tx, i.HostID, Observed{InstanceID: i.ID, Gone: true})
	})
	w.mustCreate(c, spec("again"))
}
