package image

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// A store whose directories are gone, or that may not be written to, leaves images
// queued, and takes their bytes when it is back.
func TestBrokenStore(t *testing.T) {
	w := newWorld(t)
	dir, away := w.c.shelves[0].Dir, w.c.shelves[0].Dir+".away"
	create := w.c.create
	move := func(from, to string) func() {
		return func() {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct{ fail, mend func() }{
		"its directory is gone": {move(dir, away), move(away, dir)},
		"incoming is gone":      {move(dir+"/incoming", away), move(away, dir+"/incoming")},
		"it is gone before the end": {
			func() {
				w.c.create = func(dir string) (file, error) {
					f, err := create(dir)
					return movedFile{f, dir, away}, err
				}
			},
			func() { w.c.create = create; move(away, dir+"/incoming")() },
		},
		"it may not be written to": {
			func() {
				w.c.create = func(dir string) (file, error) {
					return nil, &os.PathError{Op: "open", Path: dir, Err: syscall.EACCES}
				}
			},
			func() { w.c.create = create },
		},
	} {
		q := w.queued("raw")
		c.fail()
		_, err := w.upload(q.ID, strings.NewReader("bytes"))
		c.mend()
		if !cloud.Is(err, cloud.Unavailable) || w.status(q.ID) != Queued {
			t.Errorf("%s: %v, %s", name, err, w.status(q.ID))
		}
		c.fail()
		err = w.c.Stage(w.write, ann, q.ID, strings.NewReader("bytes"))
		c.mend()
		if !cloud.Is(err, cloud.Unavailable) || w.status(q.ID) != Queued {
			t.Errorf("staging, %s: %v, %s", name, err, w.status(q.ID))
		}
		if err := w.c.Sweep(t.Context(), w.s); err != nil { // of what was left where it could not be removed
			t.Fatal(err)
		}
		w.wantFiles()
		i, err := w.upload(q.ID, strings.NewReader("bytes"))
		if err != nil {
			t.Fatalf("when it is mended after %s: %v", name, err)
		}
		gone, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, i.ID) })
		if err == nil {
			err = w.c.Forget(t.Context(), w.write, gone)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// movedFile is a file whose directory is moved away when it is whole.
type movedFile struct {
	file
	dir, away string
}

func (f movedFile) Close() error {
	if err := os.Rename(f.dir, f.away); err != nil {
		return err
	}
	return f.file.Close()
}
