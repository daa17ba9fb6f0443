package image

import (
	"iter"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// ImagesPendingDelete yields the images that are deleted but can be restored, and when
// their bytes will be removed.
func ImagesPendingDelete(r statestore.Reader) iter.Seq2[Image, time.Time] {
	return func(yield func(Image, time.Time) bool) {
		for i := range Images.All(r) {
			if i.Status != PendingDelete {
				continue
			}
			var until time.Time
			for t := range cleaning(r, i.ID) {
				until = t.NotBefore
			}
			if !yield(i, until) {
				return
			}
		}
	}
}

// ImageRestore makes an image whose deletion is delayed be what it was, but for its
// members, whom it has lost. It is for the operator: quotas are not asked. Error kinds:
// NotFound, Conflict for one that is not deleted.
func ImageRestore(tx *statestore.Txn, id string) (Image, error) {
	i, ok := Images.Get(tx, id)
	if !ok {
		return Image{}, cloud.Missing("image", id)
	}
	to, ok := Next(i.Status, Restore)
	if !ok {
		return Image{}, fault(cloud.Conflict, "ImageRestore", id, "", "Image %s is %s: only one that is pending_delete can be restored.", id, i.Status)
	}
	if i.WasDeactivated {
		to, _ = Next(to, Deactivate)
	}
	for _, t := range slices.Collect(cleaning(tx, id)) {
		task.Tasks.Delete(tx, t.ID)
	}
	i.Status, i.WasDeactivated = to, false
	return touch(tx, i), nil
}

// cleaning yields the open tasks that will remove the image's bytes.
func cleaning(r statestore.Reader, id string) iter.Seq[task.Task] {
	return func(yield func(task.Task) bool) {
		for t := range task.Tasks.By(r, "subject", id) {
			if t.Kind == CleanTask && t.State.Open() && !yield(t) {
				return
			}
		}
	}
}
