package image

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

func TestRestore(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openContent(t, t.TempDir(), ContentOptions{DeleteDelay: time.Hour})}
	restore := func(id string) (Image, error) {
		return get(w, func(tx *statestore.Txn) (Image, error) { return ImageRestore(tx, id) })
	}
	for _, deactivated := range []bool{false, true} {
		i, err := w.upload(w.queued("raw").ID, strings.NewReader("bytes"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = restore(i.ID)
		wantKind(t, "one that is not deleted", err, cloud.Conflict, "")
		want := Active
		if deactivated {
			want = Deactivated
			if i, err = get(w, func(tx *statestore.Txn) (Image, error) { return ImageDeactivate(tx, admin, i.ID) }); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // a second deletion has its own time
			gone, err := get(w, func(tx *statestore.Txn) (Image, error) { return w.c.ImageDelete(tx, ann, i.ID) })
			if err == nil {
				err = w.c.Forget(t.Context(), w.write, gone)
			}
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for d, until := range ImagesPendingDelete(w.s.Snapshot()) {
				if n++; d.ID != i.ID || !until.Equal(d.UpdatedAt.Add(time.Hour)) {
					t.Errorf("%+v until %s", d, until)
				}
			}
			back, err := restore(i.ID)
			if err != nil || n != 1 || back.Status != want || w.read(back) != "bytes" || task.Tasks.Count(w.s.Snapshot(), "open", "1") != 0 {
				t.Errorf("%d, %+v, %v", n, back, err)
			}
		}
		if seen, err := ImageGet(w.s.Snapshot(), ann, i.ID); err != nil || seen.WasDeactivated {
			t.Errorf("%+v, %v", seen, err)
		}
	}
	_, err := restore("nothing")
	wantKind(t, "no image", err, cloud.NotFound, "")
}
