package image

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

var (
	ann   = cloud.Caller{UserID: "ann", ProjectID: "p1", Roles: []string{"member", "reader"}}
	bob   = cloud.Caller{UserID: "bob", ProjectID: "p2", Roles: []string{"member", "reader"}}
	admin = cloud.Caller{UserID: "root", ProjectID: "p0", Roles: []string{"admin"}}
)

// world is a store of rows and one of bytes.
type world struct {
	t testing.TB
	s *statestore.Store
	c *Content
}

func newWorld(t testing.TB) world {
	return world{t, storetest.NewStore(t, Tables), openContent(t, t.TempDir(), ContentOptions{})}
}

func openContent(t testing.TB, dir string, o ContentOptions) *Content {
	t.Helper()
	c, err := OpenContent(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w world) write(fn func(tx *statestore.Txn) error) error {
	return w.s.Write(context.WithoutCancel(w.t.Context()), fn)
}

// get runs one domain call as a transaction of its own.
func get[T any](w world, fn func(tx *statestore.Txn) (T, error)) (v T, err error) {
	err = w.write(func(tx *statestore.Txn) error {
		var e error
		v, e = fn(tx)
		return e
	})
	return v, err
}

// queued makes an image of ann's that is declared to be of a format.
func (w world) queued(format string) Image {
	w.t.Helper()
	bare := "bare"
	i, err := get(w, func(tx *statestore.Txn) (Image, error) {
		return ImageCreate(tx, ann, "", ImageChange{DiskFormat: &format, ContainerFormat: &bare})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w world) upload(id string, r io.Reader) (Image, error) {
	return w.c.Upload(w.t.Context(), w.write, ann, id, r)
}

func (w world) status(id string) Status {
	i, ok := Images.Get(w.s.Snapshot(), id)
	if !ok {
		return Deleted
	}
	return i.Status
}

// files lists everything below the directory of bytes.
func (w world) files() (names []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.c.shelves[0].Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func (w world) wantFiles(want ...string) {
	w.t.Helper()
	if got := w.files(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("files %.200q, want %.200q", got, want)
	}
}

func TestUpload(t *testing.T) {
	w := newWorld(t)
	data := make([]byte, 3*block+17) // with a hole, a partial block, and bytes after both
	copy(data[2*block:], "something")
	data[len(data)-1] = 1
	q := w.queued("raw")
	got, err := w.upload(q.ID, iotest.HalfReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	s2, s5, m5 := sha256.Sum256(data), sha512.Sum512(data), md5.Sum(data)
	if got.Status != Active || got.Size != int64(len(data)) || got.VirtualSize != got.Size || got.UploadID != "" ||
		got.SHA256 != hex.EncodeToString(s2[:]) || got.SHA512 != hex.EncodeToString(s5[:]) || got.MD5 != hex.EncodeToString(m5[:]) {
		t.Errorf("%+v", got)
	}
	f, size, err := w.c.Open(w.t.Context(), got.SHA256)
	if err != nil || size != got.Size {
		t.Fatal(size, err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || !bytes.Equal(b, data) {
		t.Errorf("other bytes come back, %v", err)
	}
	w.wantFiles(got.SHA256)
	if _, err := w.upload(q.ID, strings.NewReader("again")); !cloud.Is(err, cloud.Conflict) {
		t.Errorf("a second upload: %v", err)
	}
}

func TestUploadThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	data := bytes.Repeat([]byte("disk"), block/2)
	cut := func(n int) io.Reader {
		return io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	for n := 0; n <= len(data); n += 1 + rand.N(block/3) {
		q := w.queued("raw")
		if _, err := w.upload(q.ID, cut(n)); !cloud.Is(err, cloud.Invalid) || w.status(q.ID) != Queued {
			t.Fatalf("cut at %d: %v, %s", n, err, w.status(q.ID))
		}
		w.wantFiles()
		if _, err := w.upload(q.ID, bytes.NewReader(data[:n])); err != nil {
			t.Fatalf("after a cut at %d it cannot be uploaded: %v", n, err)
		}
		i, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, q.ID) })
		if err != nil {
			t.Fatal(err)
		}
		if err := w.c.Drop(w.t.Context(), w.write, i.SHA256, i.InStores()); err != nil {
			t.Fatal(err)
		}
		w.wantFiles()
	}
	q := w.queued("qcow2")
	if _, err := w.upload(q.ID, bytes.NewReader(data)); !cloud.Is(err, cloud.Invalid) || w.status(q.ID) != Killed {
		t.Errorf("random bytes as qcow2: %v, %s", err, w.status(q.ID))
	}
	q = w.queued("raw")
	if _, err := w.upload(q.ID, strings.NewReader("QFI\xfb\x00\x00\x00\x03")); !cloud.Is(err, cloud.Invalid) || w.status(q.ID) != Killed {
		t.Errorf("qcow2 as raw: %v, %s", err, w.status(q.ID))
	}
	w.c.max = int64(len(data)) - 1
	q = w.queued("raw")
	if _, err := w.upload(q.ID, bytes.NewReader(data)); !cloud.Is(err, cloud.TooLarge) || w.status(q.ID) != Queued {
		t.Errorf("too large: %v, %s", err, w.status(q.ID))
	}
	w.wantFiles()
}

// fullFile is a file on a disk without room, from a certain call on.
type fullFile struct {
	file
	room *int
}

func (f fullFile) spend() error {
	if *f.room--; *f.room < 0 {
		return &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return nil
}

func (f fullFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.spend(); err != nil {
		return 0, err
	}
	return f.file.WriteAt(b, at)
}

func (f fullFile) Truncate(n int64) error { return errors.Join(f.spend(), f.file.Truncate(n)) }
func (f fullFile) Sync() error            { return errors.Join(f.spend(), f.file.Sync()) }

func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	create, data := w.c.create, bytes.Repeat([]byte("disk"), block/2)
	for calls := range 5 {
		room := calls
		w.c.create = func(dir string) (file, error) {
			f, err := create(dir)
			return fullFile{f, &room}, err
		}
		q := w.queued("raw")
		_, err := w.upload(q.ID, bytes.NewReader(data))
		if calls == 4 {
			if err != nil {
				t.Errorf("with room for all calls: %v", err)
			}
			continue
		}
		if !cloud.Is(err, cloud.TooLarge) || !strings.Contains(cloud.AsError(err).Msg, "full") || w.status(q.ID) != Queued {
			t.Errorf("full after %d calls: %v, %s", calls, err, w.status(q.ID))
		}
		w.wantFiles()
	}
}

func TestEqualBytesAreSharedAndDroppedLast(t *testing.T) {
	w := newWorld(t)
	a, b := w.queued("raw"), w.queued("raw")
	var wg sync.WaitGroup
	for _, q := range []Image{a, b} {
		wg.Go(func() {
			if _, err := w.upload(q.ID, strings.NewReader("the same")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	one, _ := Images.Get(w.s.Snapshot(), a.ID)
	two, _ := Images.Get(w.s.Snapshot(), b.ID)
	if one.SHA256 == "" || one.SHA256 != two.SHA256 {
		t.Fatalf("%q and %q", one.SHA256, two.SHA256)
	}
	w.wantFiles(one.SHA256)
	f, _, err := w.c.Open(w.t.Context(), one.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n, id := range []string{a.ID, b.ID} {
		if _, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, id) }); err != nil {
			t.Fatal(err)
		}
		if err := w.c.Drop(w.t.Context(), w.write, one.SHA256, nil); err != nil {
			t.Fatal(err)
		}
		if got := len(w.files()); got != 1-n {
			t.Errorf("after %d deletes there are %d files", n+1, got)
		}
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "the same" {
		t.Errorf("a download that had begun ends with %q, %v", b, err)
	}
	if _, _, err := w.c.Open(w.t.Context(), one.SHA256); !cloud.Is(err, cloud.NotFound) {
		t.Errorf("dropped bytes: %v", err)
	}
	for _, name := range []string{"", "..", "../x", "incoming", strings.Repeat("A", 64)} {
		if _, _, err := w.c.Open(w.t.Context(), name); !cloud.Is(err, cloud.NotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestDropAgainstUpload lets uploads and deletes of one content race. Whatever
// wins, an active image has its bytes, and no file is left without an image.
func TestDropAgainstUpload(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 15 {
				q := w.queued("raw")
				i, err := w.upload(q.ID, strings.NewReader("wanted and not"))
				if err != nil {
					t.Error(err)
					return
				}
				if f, _, err := w.c.Open(w.t.Context(), i.SHA256); err != nil {
					t.Errorf("an active image has lost its bytes: %v", err)
				} else {
					f.Close()
				}
				if _, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, i.ID) }); err != nil {
					t.Error(err)
				}
				if err := w.c.Drop(w.t.Context(), w.write, i.SHA256, i.InStores()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.wantFiles()
}

func TestDeletedWhileUploading(t *testing.T) {
	w := newWorld(t)
	q := w.queued("raw")
	again := func(r io.Reader) io.Reader {
		return io.MultiReader(r, readerFunc(func() {
			if w.status(q.ID) != Saving {
				t.Errorf("%s while uploading", w.status(q.ID))
			}
			err := w.write(func(tx *statestore.Txn) error {
				if _, err := ImageDelete(tx, ann, q.ID); err != nil {
					return err
				}
				_, err := ImageCreate(tx, ann, q.ID, ImageChange{}) // of the same id, but another image
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}))
	}
	if _, err := w.upload(q.ID, again(strings.NewReader("bytes"))); !cloud.Is(err, cloud.NotFound) {
		t.Errorf("got %v", err)
	}
	if w.status(q.ID) != Queued {
		t.Errorf("the other image is %s", w.status(q.ID))
	}
	w.wantFiles()
}

// readerFunc is an empty reader that does something when it is read.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) { f(); return 0, io.EOF }

// endless yields n bytes that are not zero.
type endless struct{ n int64 }

func (e *endless) Read(b []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), e.n)]
	for i := range b {
		b[i] = 'x'
	}
	e.n -= int64(len(b))
	return len(b), nil
}

func TestUploadUsesConstantMemory(t *testing.T) {
	w := newWorld(t)
	q := w.queued("raw")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const size = 64 << 20
	i, err := w.upload(q.ID, &endless{size})
	runtime.ReadMemStats(&after)
	if err != nil || i.Size != size {
		t.Fatal(i.Size, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("an upload of %d bytes allocates %d", size, used)
	}
}

func TestHolesAreKept(t *testing.T) {
	w := newWorld(t)
	q := w.queued("raw")
	i, err := w.upload(q.ID, io.MultiReader(io.LimitReader(zeroes{}, 64<<20), strings.NewReader("end")))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(w.c.shelves[0].Dir, i.SHA256))
	if err != nil || info.Size() != 64<<20+3 {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Blocks*512 > 1<<20 {
		t.Errorf("64 MiB of zeros take %d bytes of disk", st.Blocks*512)
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestSweep(t *testing.T) {
	w := newWorld(t)
	kept, err := w.upload(w.queued("raw").ID, strings.NewReader("kept"))
	if err != nil {
		t.Fatal(err)
	}
	dead := w.queued("raw")
	if err := w.write(func(tx *statestore.Txn) error { _, err := uploadBegin(tx, ann, dead.ID); return err }); err != nil {
		t.Fatal(err)
	}
	orphan := strings.Repeat("ab", 32)
	for _, name := range []string{"incoming/upload-1", orphan, "README"} {
		if err := os.WriteFile(filepath.Join(w.c.shelves[0].Dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.c.Sweep(t.Context(), w.s); err != nil {
			t.Fatal(err)
		}
		w.wantFiles(kept.SHA256, "README")
		if w.status(dead.ID) != Queued || w.status(kept.ID) != Active {
			t.Errorf("swept: %s and %s", w.status(dead.ID), w.status(kept.ID))
		}
	}
	if _, err := w.upload(dead.ID, strings.NewReader("now")); err != nil {
		t.Errorf("an image whose upload died cannot be uploaded: %v", err)
	}
}

// TestCrash kills the server at each commit of an upload and a delete, before
// and after the commit is durable, and looks at what a start makes of it.
func TestCrash(t *testing.T) {
	const id = "11111111-1111-4111-8111-111111111111"
	for _, side := range []storetest.Side{storetest.BeforeDurable, storetest.AfterDurable} {
		for at := 1; at <= 4; at++ {
			t.Run(fmt.Sprintf("%s commit %d", side, at), func(t *testing.T) {
				disk, dir := storetest.NewDisk(), t.TempDir()
				crashy := storetest.NewCrashy(disk.MustOpen(t), at, side)
				s, err := statestore.Open(t.Context(), crashy, statestore.Options{Tables: Tables, OnFatal: func(error) {}})
				if err != nil {
					t.Fatal(err)
				}
				w := world{t, s, openContent(t, dir, ContentOptions{})}
				acknowledged := script(w, id)
				s.Close()
				disk.PowerCycle()
				w = world{t, storetest.OpenStore(t, disk.MustOpen(t), statestore.Options{Tables: Tables}), openContent(t, dir, ContentOptions{})}
				if err := w.c.Sweep(t.Context(), w.s); err != nil {
					t.Fatal(err)
				}
				checkCrashed(t, w, id, acknowledged)
			})
		}
	}
}

// script creates, fills and deletes an image, and returns the last status that
// was acknowledged.
func script(w world, id string) (acknowledged Status) {
	raw, bare := "raw", "bare"
	_, err := get(w, func(tx *statestore.Txn) (Image, error) {
		return ImageCreate(tx, ann, id, ImageChange{DiskFormat: &raw, ContainerFormat: &bare})
	})
	if err != nil {
		return ""
	}
	if _, err := w.upload(id, strings.NewReader("bytes")); err != nil {
		return Queued
	}
	i, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, id) })
	if err != nil {
		return Active
	}
	_ = w.c.Drop(w.t.Context(), w.write, i.SHA256, i.InStores())
	return Deleted
}

func checkCrashed(t *testing.T, w world, id string, acknowledged Status) {
	t.Helper()
	i, ok := Images.Get(w.s.Snapshot(), id)
	switch {
	case !ok && acknowledged != "" && acknowledged != Active && acknowledged != Deleted,
		ok && acknowledged == Deleted, ok && acknowledged == Active && i.Status != Active, ok && i.Status == Saving:
		t.Fatalf("%q was acknowledged, but a start finds %v %q", acknowledged, ok, i.Status)
	}
	if !i.HasData() {
		w.wantFiles()
		return
	}
	w.wantFiles(i.SHA256)
	f, _, err := w.c.Open(w.t.Context(), i.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "bytes" {
		t.Errorf("%q, %v", b, err)
	}
}
