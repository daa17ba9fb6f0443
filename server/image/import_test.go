package image

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// web is a network with one page.
type web struct{ text string }

func (w web) Open(context.Context, string) (io.ReadCloser, int64, error) {
	return io.NopCloser(strings.NewReader(w.text)), int64(len(w.text)), nil
}

var testTables = append([]statestore.AnyTable{}, append(task.Tables, Tables...)...)

// serve runs the tasks of a world until the test ends or stop is called.
func (w world) serve(patience time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	kinds := w.c.Kinds(ImportOptions{Fetcher: web{"bytes"}})
	for n := range kinds {
		kinds[n].Patience = patience
	}
	var work sync.WaitGroup
	work.Go(func() {
		_ = task.New(task.Options{Store: w.s, Log: slog.New(slog.DiscardHandler), Kinds: kinds}).Serve(ctx)
	})
	stop = func() { cancel(); work.Wait() }
	w.t.Cleanup(stop)
	return stop
}

// settled waits until no task is open.
func (w world) settled() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	for {
		snap, watch := w.s.Watch()
		if task.Tasks.Count(snap, "open", "1") == 0 {
			return
		}
		if err := watch.Wait(ctx); err != nil {
			w.t.Fatalf("tasks do not end: %v", err)
		}
	}
}

func (w world) start(id string, rq ImportRequest) error {
	_, err := get(w, func(tx *statestore.Txn) (task.Task, error) { return w.c.ImportCreate(tx, ann, id, rq) })
	return err
}

func openTwo(t testing.TB, dir string) *Content {
	return openContent(t, filepath.Join(dir, "one"), ContentOptions{More: []Store{{ID: "two", Dir: filepath.Join(dir, "two")}}})
}

// everything lists all files of all stores.
func (w world) everything() (names []string) {
	for _, s := range w.c.shelves {
		if s.Remote() {
			for _, name := range blobtest.Names(w.t, s.Blobs) {
				if name != markName {
					names = append(names, s.ID+"/"+name[:4])
				}
			}
			continue
		}
		for _, dir := range []string{s.Dir, s.incoming} {
			es, err := os.ReadDir(dir)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, e := range es {
				if !e.IsDir() {
					names = append(names, s.ID+"/"+e.Name()[:4])
				}
			}
		}
	}
	es, err := os.ReadDir(w.c.staging)
	if err != nil {
		w.t.Fatal(err)
	}
	for range es {
		names = append(names, "staged")
	}
	return names
}

// TestImportCrash kills the server at each commit of an import into two stores,
// before and after the commit is durable: the next one ends the import, and
// nothing is left over.
func TestImportCrash(t *testing.T) {
	t.Run("files", func(t *testing.T) { importCrash(t, openTwo) })
	t.Run("object storage", func(t *testing.T) {
		server := blobtest.Start(t)
		importCrash(t, func(t testing.TB, dir string) *Content {
			two := bucket(t, server, filepath.Base(filepath.Dir(dir))) // one for each crash
			return openContent(t, filepath.Join(dir, "one"), ContentOptions{More: []Store{{ID: "two", Blobs: two}}})
		})
		if left := server.Uploads(); len(left) != 0 {
			t.Errorf("uploads left: %v", left)
		}
	})
}

func importCrash(t *testing.T, open func(t testing.TB, dir string) *Content) {
	const id = "11111111-1111-4111-8111-111111111111"
	raw, bare := "raw", "bare"
	for _, side := range []storetest.Side{storetest.BeforeDurable, storetest.AfterDurable} {
		for at := 1; at <= 10; at++ {
			t.Run(fmt.Sprintf("%s commit %d", side, at), func(t *testing.T) {
				disk, dir := storetest.NewDisk(), t.TempDir()
				crashy := storetest.NewCrashy(disk.MustOpen(t), at, side)
				s, err := statestore.Open(t.Context(), crashy, statestore.Options{Tables: testTables, OnFatal: func(error) {}})
				if err != nil {
					t.Fatal(err)
				}
				w := world{t, s, open(t, dir)}
				stop := w.serve(time.Minute)
				_, err = get(w, func(tx *statestore.Txn) (Image, error) {
					return ImageCreate(tx, ann, id, ImageChange{DiskFormat: &raw, ContainerFormat: &bare})
				})
				acknowledged := err == nil && w.start(id, ImportRequest{Method: Web, URI: "http://x/", AllStores: true, AllMustSucceed: true}) == nil
				if acknowledged {
					done := make(chan struct{})
					go func(w world) { w.await(func(open int) bool { return open == 0 }); close(done) }(w)
					select {
					case <-crashy.Down():
					case <-done:
					}
				}
				stop()
				s.Close()
				disk.PowerCycle()
				w = world{t, storetest.OpenStore(t, disk.MustOpen(t), statestore.Options{Tables: testTables}), open(t, dir)}
				if err := w.c.Sweep(t.Context(), w.s); err != nil {
					t.Fatal(err)
				}
				w.serve(time.Minute)
				w.settled()
				i, _ := Images.Get(w.s.Snapshot(), id)
				all := fmt.Sprint(w.everything())
				if acknowledged && i.Status != Active || i.Status != "" && i.Status != Queued && i.Status != Active ||
					i.Status == Active && (fmt.Sprint(i.Stores) != "[files two]" || i.TaskID != "" || i.Staged != "" || all != fmt.Sprintf("[files/%.4s two/%.4s]", i.SHA256, i.SHA256)) ||
					i.Status != Active && all != "[]" {
					t.Errorf("acknowledged %v, %+v, %s", acknowledged, i, all)
				}
			})
		}
	}
}

// await waits until ok says so of how many tasks are open, or the store closes.
func (w world) await(ok func(open int) bool) {
	for {
		snap, watch := w.s.Watch()
		if ok(task.Tasks.Count(snap, "open", "1")) || watch.Wait(context.Background()) != nil {
			return
		}
	}
}

// A store without room fails the import of all, or is left out if others will do.
func TestImportIntoAFullStore(t *testing.T) {
	for _, must := range []bool{true, false} {
		w := world{t, storetest.NewStore(t, testTables), openTwo(t, t.TempDir())}
		create := w.c.create
		w.c.create = func(dir string) (file, error) {
			if dir == w.c.shelves[1].incoming {
				return nil, syscall.ENOSPC
			}
			return create(dir)
		}
		w.serve(time.Nanosecond)
		q := w.queued("raw")
		if err := w.c.Stage(w.write, ann, q.ID, strings.NewReader("bytes")); err != nil {
			t.Fatal(err)
		}
		if err := w.start(q.ID, ImportRequest{Method: Direct, AllStores: true, AllMustSucceed: must}); err != nil {
			t.Fatal(err)
		}
		w.settled()
		i, _ := Images.Get(w.s.Snapshot(), q.ID)
		all := fmt.Sprint(w.everything())
		if must && (i.Status != Queued || i.HasData() || all != "[]") || !must && (i.Status != Active || fmt.Sprint(i.Stores) != "[files]") ||
			fmt.Sprint(i.ImportMissed) != "[two]" {
			t.Errorf("must %v: %+v, %s", must, i, all)
		}
	}
}

func TestDeleteEndsAnImport(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openTwo(t, t.TempDir())}
	for n := range 20 {
		stop := w.serve(time.Minute)
		q := w.queued("raw")
		if err := w.start(q.ID, ImportRequest{Method: Web, URI: "http://x/", AllStores: true, AllMustSucceed: true}); err != nil {
			t.Fatal(err)
		}
		for range n {
			w.s.Snapshot()
		}
		i, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, q.ID) })
		if err != nil {
			t.Fatal(err)
		}
		if err := w.c.Forget(t.Context(), w.write, i); err != nil {
			t.Fatal(err)
		}
		w.settled()
		stop()
		if all := w.everything(); len(all) != 0 {
			t.Errorf("a deleted import leaves %v", all)
		}
	}
}

// A restore brings the contents of all stores into the first: they are found there.
func TestContentsThatMoved(t *testing.T) {
	dir := t.TempDir()
	w := world{t, storetest.NewStore(t, testTables), openTwo(t, dir)}
	in := func(store string) Image {
		t.Helper()
		i, err := w.c.UploadTo(t.Context(), w.write, ann, w.queued("raw").ID, store, strings.NewReader("bytes of "+store))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	first, second := in("files"), in("two")
	if err := os.Rename(filepath.Join(dir, "two", second.SHA256), filepath.Join(dir, "one", second.SHA256)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.c.Sweep(t.Context(), w.s); err != nil {
			t.Fatal(err)
		}
		i, _ := Images.Get(w.s.Snapshot(), second.ID)
		if f, _ := Images.Get(w.s.Snapshot(), first.ID); len(w.everything()) != 2 || fmt.Sprint(i.Stores, f.Stores) != "[files] [files]" {
			t.Errorf("%v, %v, %v", i.Stores, f.Stores, w.everything())
		}
		if f, _, err := w.c.Open(t.Context(), second.SHA256); err != nil {
			t.Error(err)
		} else {
			f.Close()
		}
	}
}

func TestSharedContentOfSeveralStores(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openTwo(t, t.TempDir())}
	a, err := w.c.UploadTo(t.Context(), w.write, ann, w.queued("raw").ID, "two", strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.upload(w.queued("raw").ID, strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	drop := func(i Image, want int) {
		t.Helper()
		gone, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, i.ID) })
		if err == nil {
			err = w.c.Forget(t.Context(), w.write, gone)
		}
		if all := w.everything(); err != nil || len(all) != want {
			t.Errorf("%v, %v", all, err)
		}
	}
	if len(w.everything()) != 2 {
		t.Errorf("%v", w.everything())
	}
	drop(a, 1)
	f, _, err := w.c.Open(t.Context(), b.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	drop(b, 0)
	if _, err := w.c.UploadTo(t.Context(), w.write, ann, w.queued("raw").ID, "nowhere", strings.NewReader("x")); !cloud.Is(err, cloud.Invalid) {
		t.Error(err)
	}
}
