package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob"
	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
	"github.com/cloudlet/cloudlet/server/image/blob/s3"
	"github.com/cloudlet/cloudlet/server/image/convert"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// bucket opens the store below a prefix of an object storage.
func bucket(t testing.TB, server *blobtest.Server, prefix string) blob.Store {
	t.Helper()
	c, err := s3.Parse(server.Address(prefix))
	if err != nil {
		t.Fatal(err)
	}
	s, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openRemote opens a store of files and one in object storage, which is called far.
func openRemote(t testing.TB, dir string, far blob.Store) *Content {
	return openContent(t, filepath.Join(dir, "near"), ContentOptions{More: []Store{{ID: "far", Blobs: far, Type: "s3"}}})
}

func newRemote(t *testing.T) (world, *blobtest.Server) {
	server := blobtest.Start(t)
	return newRemoteAt(t, server), server
}

// newRemoteAt is another cloud that is told to use the same object storage.
func newRemoteAt(t *testing.T, server *blobtest.Server) world {
	w := world{t, storetest.NewStore(t, testTables), openRemote(t, t.TempDir(), bucket(t, server, "p"))}
	if err := w.c.Sweep(t.Context(), w.s); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) uploadTo(store, text string) (Image, error) {
	return w.c.UploadTo(w.t.Context(), w.write, ann, w.queued("raw").ID, store, strings.NewReader(text))
}

func (w world) mustUploadTo(store, text string) Image {
	w.t.Helper()
	i, err := w.uploadTo(store, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w world) bytes(i Image) (string, error) {
	f, size, err := w.c.Open(w.t.Context(), i.SHA256)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(Verified(f, i.SHA256, size))
	return string(b), err
}

func (w world) delete(i Image) {
	w.t.Helper()
	gone, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, i.ID) })
	if err == nil {
		err = w.c.Forget(w.t.Context(), w.write, gone)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// wantPlaces compares where contents are, as store/name, with what is wanted. Uploads
// that did not end and what is staged are places too.
func (w world) wantPlaces(server *blobtest.Server, want ...string) {
	w.t.Helper()
	var got []string
	for _, dir := range []string{w.c.shelves[0].Dir, w.c.incoming, w.c.staging} {
		es, err := os.ReadDir(dir)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range es {
			if !e.IsDir() {
				got = append(got, "near/"+e.Name())
			}
		}
	}
	for _, key := range slices.Concat(server.Objects(), server.Uploads()) {
		if name := filepath.Base(key); name != markName {
			got = append(got, "far/"+name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("contents at %q, want %q", got, want)
	}
}

func TestRemoteStore(t *testing.T) {
	w, server := newRemote(t)
	w.serve(time.Minute)
	text := strings.Repeat("bytes", 100_000)
	i := w.mustUploadTo("far", text)
	w.wantPlaces(server, "far/"+i.SHA256)
	if fmt.Sprint(i.Stores) != "[far]" || i.Status != Active {
		t.Errorf("%+v", i)
	}
	if got, err := w.bytes(i); err != nil || got != text {
		t.Errorf("%d bytes come back, %v", len(got), err)
	}
	same := w.mustUploadTo("", text) // the same bytes elsewhere
	w.wantPlaces(server, "far/"+i.SHA256, "near/"+i.SHA256)
	also := w.mustUploadTo("far", text)
	w.delete(i)
	w.settled()
	w.wantPlaces(server, "far/"+i.SHA256, "near/"+i.SHA256)
	w.delete(also)
	w.settled()
	w.wantPlaces(server, "near/"+i.SHA256)
	w.delete(same)
	w.settled()
	w.wantPlaces(server)
	if _, err := w.bytes(i); !cloud.Is(err, cloud.NotFound) {
		t.Error(err)
	}
	if _, err := w.c.UploadTo(t.Context(), w.write, ann, w.queued("qcow2").ID, "far", strings.NewReader(text)); !cloud.Is(err, cloud.Invalid) {
		t.Errorf("what is refused: %v", err)
	}
	w.wantPlaces(server)
}

// Copies go both ways, and an image leaves a store.
func TestRemoteCopies(t *testing.T) {
	w, server := newRemote(t)
	w.serve(time.Minute)
	for from, to := range map[string]string{"files": "far", "far": "files"} {
		i := w.mustUploadTo(from, "bytes of "+from)
		if err := w.start(i.ID, ImportRequest{Method: Copy, Stores: []string{to}, AllMustSucceed: true}); err != nil {
			t.Fatal(err)
		}
		w.settled()
		i, _ = Images.Get(w.s.Snapshot(), i.ID)
		if fmt.Sprint(i.Stores) != "[far files]" {
			t.Errorf("a copy from %s to %s: %+v", from, to, i)
		}
		w.wantPlaces(server, "far/"+i.SHA256, "near/"+i.SHA256)
		left, err := get(w, func(tx *statestore.Txn) (Image, error) { return StoreLeave(tx, ann, i.ID, from) })
		if err == nil {
			err = w.c.Drop(t.Context(), w.write, left.SHA256, []string{from})
		}
		if err != nil {
			t.Fatal(err)
		}
		w.settled()
		w.wantPlaces(server, map[string]string{"files": "near/", "far": "far/"}[to]+i.SHA256)
		if got, err := w.bytes(i); err != nil || got != "bytes of "+from {
			t.Errorf("%q, %v", got, err)
		}
		w.delete(left)
		w.settled()
		w.wantPlaces(server)
	}
}

// An import into object storage can convert, as into any store.
func TestRemoteConversion(t *testing.T) {
	if err := convert.Check("qcow2"); err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED: %v", err)
	}
	w, server := newRemote(t)
	w.serveWith(ImportOptions{Format: "qcow2", Converter: convert.Converter{}})
	q := w.queued("raw")
	if err := w.c.Stage(w.write, ann, q.ID, strings.NewReader(strings.Repeat("disk", 1<<18))); err != nil {
		t.Fatal(err)
	}
	if err := w.start(q.ID, ImportRequest{Method: Direct, Stores: []string{"far"}, AllMustSucceed: true}); err != nil {
		t.Fatal(err)
	}
	w.settled()
	i, _ := Images.Get(w.s.Snapshot(), q.ID)
	got, err := w.bytes(i)
	if i.Status != Active || i.DiskFormat != "qcow2" || i.VirtualSize != 1<<20 || err != nil || !strings.HasPrefix(got, "QFI\xfb") {
		t.Errorf("%+v, %d bytes, %v", i, len(got), err)
	}
	w.wantPlaces(server, "far/"+i.SHA256)
}

// While the object storage is away all else works, and what was to be removed there
// is removed when it is back.
func TestRemoteAway(t *testing.T) {
	w, server := newRemote(t)
	w.serve(time.Nanosecond)
	far, near := w.mustUploadTo("far", "far bytes"), w.mustUploadTo("", "near bytes")
	server.Away(true)
	if _, err := w.uploadTo("far", "more"); !cloud.Is(err, cloud.Unavailable) || !strings.Contains(cloud.AsError(err).Msg, "store far cannot be used now") {
		t.Errorf("an upload: %v", err)
	}
	if _, err := w.bytes(far); !cloud.Is(err, cloud.Unavailable) {
		t.Errorf("a download: %v", err)
	}
	if got, err := w.bytes(near); err != nil || got != "near bytes" {
		t.Errorf("a download from another store: %q, %v", got, err)
	}
	other := w.mustUploadTo("", "other bytes")
	for _, must := range []bool{true, false} {
		q := w.queued("raw")
		if err := w.c.Stage(w.write, ann, q.ID, strings.NewReader("staged")); err != nil {
			t.Fatal(err)
		}
		if err := w.start(q.ID, ImportRequest{Method: Direct, AllStores: true, AllMustSucceed: must}); err != nil {
			t.Fatal(err)
		}
		w.await(func(int) bool { i, _ := Images.Get(w.s.Snapshot(), q.ID); return i.TaskID == "" })
		i, _ := Images.Get(w.s.Snapshot(), q.ID)
		if must && (i.Status != Queued || i.HasData()) || !must && (i.Status != Active || fmt.Sprint(i.Stores) != "[files]") || fmt.Sprint(i.ImportMissed) != "[far]" {
			t.Errorf("an import, must %v: %+v", must, i)
		}
		if i.HasData() {
			w.delete(i)
		}
	}
	w.delete(far)
	w.delete(other)
	server.Away(false)
	w.settled()
	w.wantPlaces(server, "near/"+near.SHA256)
	again := w.mustUploadTo("far", "again")
	if got, err := w.bytes(again); err != nil || got != "again" {
		t.Errorf("when it is back: %q, %v", got, err)
	}
}

// A connection that breaks for good in the middle of sending leaves the image queued
// and nothing of its bytes.
func TestRemoteCutOff(t *testing.T) {
	w, server := newRemote(t)
	w.serve(time.Minute)
	data := bytes.Repeat([]byte("0123456789abcdef"), 40<<16) // 40 MiB
	for _, at := range []int64{1 << 20, 30 << 20} {
		q := w.queued("raw")
		server.Cut(at, -1, false)
		_, err := w.c.UploadTo(t.Context(), w.write, ann, q.ID, "far", bytes.NewReader(data))
		server.Cut(-1, -1, false)
		if !cloud.Is(err, cloud.Unavailable) || w.status(q.ID) != Queued {
			t.Errorf("cut off after %d bytes: %v, %s", at, err, w.status(q.ID))
		}
		w.settled()
		w.wantPlaces(server)
		if i, err := w.c.UploadTo(t.Context(), w.write, ann, q.ID, "far", bytes.NewReader(data)); err != nil {
			t.Errorf("again: %v", err)
		} else {
			w.delete(i)
		}
		w.settled()
	}
	q := w.queued("raw") // who asks goes away
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.c.UploadTo(ctx, w.write, ann, q.ID, "far", io.MultiReader(bytes.NewReader(data), readerFunc(cancel)))
	if !errors.Is(err, context.Canceled) || w.status(q.ID) != Queued {
		t.Errorf("%v, %s", err, w.status(q.ID))
	}
	w.settled()
	w.wantPlaces(server)
}

// What a killed process has left goes, and what images name or others own stays.
func TestRemoteSweep(t *testing.T) {
	w, server := newRemote(t)
	kept := w.mustUploadTo("far", "kept")
	orphan := strings.Repeat("ab", 32)
	server.Put("p/"+orphan, "an upload that was killed before its row was written")
	server.Begin("p/" + strings.Repeat("cd", 32))
	server.Begin("p/" + kept.SHA256)
	server.Put("p/README", "not ours")
	if err := os.WriteFile(filepath.Join(w.c.incoming, "upload-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Away(true) // at the start
	for range 2 {     // the second finds a task that waits
		if err := w.c.Sweep(t.Context(), w.s); err != nil {
			t.Fatal(err)
		}
	}
	if n := task.Tasks.Count(w.s.Snapshot(), "open", "1"); n != 1 {
		t.Errorf("%d tasks", n)
	}
	told := ""
	w.c.Check(t.Context(), func(store string, err error) { told += store + err.Error() })
	if !strings.HasPrefix(told, "far") || !strings.Contains(told, "s3://images/p/ at http://127.0.0.1:") {
		t.Errorf("told at the start: %q", told)
	}
	w.serve(time.Nanosecond)
	w.await(func(int) bool { // it was tried, and will be again
		for s := range task.Tasks.By(w.s.Snapshot(), "open", "1") {
			return s.Tries > 0
		}
		return true
	})
	server.Away(false)
	w.settled()
	w.wantPlaces(server, "far/"+kept.SHA256, "far/README")
}

// Who reads an image reads on to its end though it is deleted meanwhile.
func TestRemoteReadOn(t *testing.T) {
	w, server := newRemote(t)
	text := strings.Repeat("bytes", 100_000)
	i := w.mustUploadTo("far", text)
	f, _, err := w.c.Open(t.Context(), i.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	w.delete(i)
	stop := w.serve(time.Minute)
	w.await(func(int) bool { // the task has found a reader
		for c := range task.Tasks.By(w.s.Snapshot(), "open", "1") {
			if c.Kind == CleanTask && c.NotBefore.After(time.Now().Add(readersTime/2)) {
				return true
			}
		}
		return false
	})
	stop() // the start's sweep looks at the content too, and again and again
	if b, err := io.ReadAll(f); err != nil || string(b) != text {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := w.c.drop(t.Context(), w.write, i.SHA256, []string{"far"}, true); err != nil {
		t.Error(err)
	}
	w.wantPlaces(server)
	if len(w.c.uses) != 0 {
		t.Errorf("in use: %v", w.c.uses)
	}
}

// A cloud that is told to use what is another's leaves it alone.
func TestRemoteOwner(t *testing.T) {
	w, server := newRemote(t)
	i, also := w.mustUploadTo("far", "bytes"), w.mustUploadTo("far", "more bytes")
	w.serve(time.Minute)
	w.settled()
	other := newRemoteAt(t, server)
	stop := other.serve(time.Minute)
	_, err := other.uploadTo("far", "bytes")
	if !cloud.Is(err, cloud.Unavailable) || !strings.Contains(err.Error(), "another cloud's") || strings.Contains(cloud.AsError(err).Msg, "another cloud") {
		t.Errorf("an upload to another's store: %v", err)
	}
	other.await(func(int) bool { // its sweep was tried
		for s := range task.Tasks.By(other.s.Snapshot(), "open", "1") {
			return s.Tries > 0
		}
		return false
	})
	stop()
	if err := other.c.drop(t.Context(), other.write, i.SHA256, []string{"far"}, true); !cloud.Is(err, cloud.Unavailable) {
		t.Errorf("a removal from another's store: %v", err)
	}
	w.wantPlaces(server, "far/"+i.SHA256, "far/"+also.SHA256)
	again := world{t, w.s, openRemote(t, t.TempDir(), bucket(t, server, "p"))} // the next start of the first
	if err := again.c.Sweep(t.Context(), again.s); err != nil {
		t.Fatal(err)
	}
	again.mustUploadTo("far", "bytes after a start")
}

func TestRemoteDamage(t *testing.T) {
	w, server := newRemote(t)
	i := w.mustUploadTo("far", "bytes")
	for _, damage := range []string{"other", "byte", ""} {
		server.Put("p/"+i.SHA256, damage)
		if got, err := w.bytes(i); err == nil || got == damage && got != "" {
			t.Errorf("%q passes for the image: %q", damage, got)
		}
	}
}
