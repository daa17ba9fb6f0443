package pebble_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

type device struct {
	fs   vfs.FS
	root string
	n    atomic.Int32
}

func (d *device) Open() (statestore.Engine, error) { return d.OpenCopy(d.root + "/state") }

func (d *device) OpenCopy(dir string) (statestore.Engine, error) {
	return pebble.Open(dir, pebble.Options{FS: d.fs})
}

func (d *device) Dir() string { return fmt.Sprintf("%s/copy%d", d.root, d.n.Add(1)) }

func TestContractDisk(t *testing.T) {
	storetest.Contract(t, func(t *testing.T) storetest.Device { return &device{root: t.TempDir()} })
}

func TestContractMemory(t *testing.T) {
	storetest.Contract(t, func(t *testing.T) storetest.Device { return &device{fs: vfs.NewCrashableMem(), root: ""} })
}

// TestSecondProcess opens a directory that another process holds.
func TestSecondProcess(t *testing.T) {
	if dir := os.Getenv("STATESTORE_TEST_DIR"); dir != "" { // the other process
		_, err := pebble.Open(dir, pebble.Options{})
		fmt.Printf("%v|%v\n", errors.Is(err, statestore.ErrInUse), err)
		os.Exit(0)
	}
	dir := filepath.Join(t.TempDir(), "state")
	e, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSecondProcess$")
	cmd.Env = append(os.Environ(), "STATESTORE_TEST_DIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "true|data directory " + dir + ": already in use by another Cloudlet server"; strings.TrimSpace(string(out)) != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestOpenErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(file, pebble.Options{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as data directory: %v", err)
	}
	if os.Geteuid() != 0 {
		dir := filepath.Join(t.TempDir(), "ro")
		if err := os.Mkdir(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		if _, err := pebble.Open(dir, pebble.Options{}); err == nil || errors.Is(err, statestore.ErrInUse) {
			t.Errorf("a directory that may not be written: %v", err)
		}
	}
}

// TestFullDisk fails writes of the log, as a full disk does, and checks that
// the commit says so instead of ending the process or hanging.
func TestFullDisk(t *testing.T) {
	var full atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errors.New("no space left on device")
		}
		return nil
	}))
	e, err := pebble.Open("/state", pebble.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	op := statestore.Op{Kind: statestore.OpSet, Key: []byte("k"), Value: make([]byte, 100_000)}
	if err := e.Commit(t.Context(), statestore.Batch{Revision: 1, Ops: []statestore.Op{op}}); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	err = e.Commit(t.Context(), statestore.Batch{Revision: 2, Ops: []statestore.Op{op}})
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("commit on a full disk: %v", err)
	}
	if err := e.Commit(t.Context(), statestore.Batch{Revision: 3}); err == nil {
		t.Error("the engine goes on after a failed commit")
	}
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func put(t *testing.T, e *pebble.Engine, revision uint64, key, value string) {
	t.Helper()
	op := statestore.Op{Kind: statestore.OpSet, Key: []byte(key), Value: []byte(value)}
	if err := e.Commit(t.Context(), statestore.Batch{Revision: revision, Ops: []statestore.Op{op}}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, dir, key string) (value string) {
	t.Helper()
	e, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Load(t.Context(), []byte(key), func(k, v []byte) error { value = string(v); return nil }); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestRestore(t *testing.T) {
	root := t.TempDir()
	data, backup := filepath.Join(root, "data"), filepath.Join(root, "backup")
	e, err := pebble.Open(data, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, e, 1, "k", "then")
	if err := e.Checkpoint(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	put(t, e, 2, "k", "now")
	if err := pebble.Restore(t.Context(), backup, data, nil); !errors.Is(err, statestore.ErrInUse) {
		t.Fatalf("restore under a running server: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	refuse := errors.New("not like this")
	err = pebble.Restore(t.Context(), backup, data, func(context.Context, *pebble.Engine) error { return refuse })
	if !errors.Is(err, refuse) || get(t, data, "k") != "now" {
		t.Fatalf("a refused restore: %v, data %q", err, get(t, data, "k"))
	}
	if err := pebble.Restore(t.Context(), backup, data, nil); err != nil {
		t.Fatal(err)
	}
	if got := get(t, data, "k"); got != "then" {
		t.Fatalf("restored %q", got)
	}
	// Into a new place; the backup is as good as before.
	fresh := filepath.Join(root, "new", "place")
	if err := pebble.Restore(t.Context(), backup, fresh, nil); err != nil {
		t.Fatal(err)
	}
	if got := get(t, fresh, "k"); got != "then" {
		t.Fatalf("restored %q", got)
	}
	left, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil || len(left) != 3 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func lastManifest(t *testing.T, dir string) string {
	names, err := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no manifest: %v", err)
	}
	return slices.Max(names)
}

// TestLoadDamaged flips bytes of a table: who opens the store is told, where and
// what, and the process goes on.
func TestLoadDamaged(t *testing.T) {
	dir := t.TempDir()
	e, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		put(t, e, uint64(i+1), fmt.Sprintf("k%d", i), strings.Repeat("value", 200))
	}
	for range 2 { // the log becomes a table when it is opened again
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if e, err = pebble.Open(dir, pebble.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
	if len(tables) == 0 {
		t.Fatal("there is no table")
	}
	manifest := lastManifest(t, dir)
	whole, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	torn := slices.Clone(whole)
	torn[40] ^= 0x5a
	if err := os.WriteFile(filepath.Join(copied, filepath.Base(manifest)), torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(copied, pebble.Options{}); err == nil || !strings.Contains(err.Error(), "MANIFEST") {
		t.Errorf("a damaged list of tables passes for a new state: %v", err)
	}
	for _, name := range tables {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			b[i] ^= 0x5a
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if e, err = pebble.Open(dir, pebble.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	_, err = e.Load(t.Context(), nil, func(_, _ []byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "corruption") {
		t.Errorf("a damaged table: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// TestRestoreDamaged flips bytes of a backup: whatever Restore says, the old
// data must be untouched when it refuses.
func TestRestoreDamaged(t *testing.T) {
	root := t.TempDir()
	data, backup := filepath.Join(root, "data"), filepath.Join(root, "backup")
	e, err := pebble.Open(data, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		put(t, e, uint64(i+1), fmt.Sprintf("k%d", i), strings.Repeat("value", 200))
	}
	if err := e.Checkpoint(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	put(t, e, 99, "k0", "now")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pebble.Restore(t.Context(), filepath.Join(root, "none"), data, nil); err == nil {
		t.Error("a backup that does not exist was restored")
	}
	logs, err := filepath.Glob(filepath.Join(backup, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log in the backup: %v", err)
	}
	manifests, _ := filepath.Glob(filepath.Join(backup, "MANIFEST-*"))
	for _, m := range append(manifests, logs[0]) {
		b, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte(nil), b...)
		for i := range min(40, len(bad)) {
			bad[i] ^= 0x5a
		}
		if err := os.WriteFile(m, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := pebble.Restore(t.Context(), backup, data, nil); err == nil {
			t.Errorf("%s: a damaged backup was restored", filepath.Base(m))
		}
		if got := get(t, data, "k0"); got != "now" {
			t.Errorf("%s: the data are %q", filepath.Base(m), got)
		}
		if err := os.WriteFile(m, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
