package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// Device is where an engine keeps its data: what one engine made durable, the
// next one opened on the same device finds.
type Device interface {
	Open() (statestore.Engine, error)
	// OpenCopy opens what Checkpoint wrote to dir.
	OpenCopy(dir string) (statestore.Engine, error)
	// Dir returns a path for a checkpoint, which does not exist.
	Dir() string
}

// Contract runs what every engine must keep, on devices made by newDevice.
func Contract(t *testing.T, newDevice func(t *testing.T) Device) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, d Device)
	}{
		{"empty", contractEmpty},
		{"ops in order", contractOps},
		{"kept over a restart", contractRestart},
		{"range bounds", contractRange},
		{"binary keys", contractBinary},
		{"lead and follow", contractLead},
		{"one at a time", contractExclusive},
		{"checkpoint under writes", contractCheckpoint},
		{"closed", contractClosed},
		{"load stops", contractLoadError},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, newDevice(t)) })
	}
}

func openEngine(t *testing.T, d Device) statestore.Engine {
	t.Helper()
	e, err := d.Open()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Lead(t.Context()); err != nil {
		t.Fatalf("lead: %v", err)
	}
	return e
}

func set(k, v string) statestore.Op {
	return statestore.Op{Kind: statestore.OpSet, Key: []byte(k), Value: []byte(v)}
}

func del(k string) statestore.Op { return statestore.Op{Kind: statestore.OpDelete, Key: []byte(k)} }

func delPrefix(k string) statestore.Op {
	return statestore.Op{Kind: statestore.OpDeletePrefix, Key: []byte(k)}
}

func commit(t *testing.T, e statestore.Engine, revision uint64, ops ...statestore.Op) {
	t.Helper()
	if err := e.Commit(t.Context(), statestore.Batch{Revision: revision, Ops: ops}); err != nil {
		t.Fatalf("commit %d: %v", revision, err)
	}
}

// dump returns all records as "key=value" and the revision.
func dump(t *testing.T, e statestore.Engine, prefix string) ([]string, uint64) {
	t.Helper()
	var got []string
	rev, err := e.Load(t.Context(), []byte(prefix), func(k, v []byte) error {
		got = append(got, string(k)+"="+string(v))
		return nil
	})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return got, rev
}

func want(t *testing.T, e statestore.Engine, revision uint64, records ...string) {
	t.Helper()
	got, rev := dump(t, e, "")
	if !slices.Equal(got, records) || rev != revision {
		t.Fatalf("engine holds %q at revision %d, want %q at %d", got, rev, records, revision)
	}
}

func contractEmpty(t *testing.T, d Device) {
	e := openEngine(t, d)
	want(t, e, 0)
	commit(t, e, 7)
	want(t, e, 7)
}

func contractOps(t *testing.T, d Device) {
	e := openEngine(t, d)
	commit(t, e, 1, set("a1", "x"), set("a2", "y"), set("b1", "z"), del("nothing"))
	want(t, e, 1, "a1=x", "a2=y", "b1=z")
	commit(t, e, 2, set("c", "1"), del("c"), set("d", "1"), set("d", "2"), delPrefix("a"), set("a3", "after"))
	want(t, e, 2, "a3=after", "b1=z", "d=2")
	commit(t, e, 3, set("a", "itself"), delPrefix("a"), delPrefix("none"))
	want(t, e, 3, "b1=z", "d=2")
	value := []byte("mine")
	key := []byte("k")
	if err := e.Commit(t.Context(), statestore.Batch{Revision: 4, Ops: []statestore.Op{{Kind: statestore.OpSet, Key: key, Value: value}}}); err != nil {
		t.Fatal(err)
	}
	copy(value, "XXXX")
	copy(key, "Y")
	want(t, e, 4, "b1=z", "d=2", "k=mine")
	if got, _ := dump(t, e, "b"); !slices.Equal(got, []string{"b1=z"}) {
		t.Fatalf("load of prefix b gave %q", got)
	}
}

func contractRestart(t *testing.T, d Device) {
	for i := 1; i <= 5; i++ {
		e := openEngine(t, d)
		got, rev := dump(t, e, "")
		if len(got) != i-1 || rev != uint64(i-1) {
			t.Fatalf("start %d: %q at %d", i, got, rev)
		}
		commit(t, e, uint64(i), set(fmt.Sprintf("k%d", i), "v"))
		if err := e.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

func contractRange(t *testing.T, d Device) {
	e := openEngine(t, d)
	commit(t, e, 1, set("a", "1"), set("b", "2"), set("ba", "3"), set("c", "4"))
	for _, c := range []struct{ from, to, want string }{
		{"a", "d", "a b ba c "}, {"b", "c", "b ba "}, {"bb", "c", ""}, {"b", "b", ""}, {"ba", "bb", "ba "},
	} {
		var got string
		for r, err := range e.Range(t.Context(), []byte(c.from), []byte(c.to)) {
			if err != nil {
				t.Fatal(err)
			}
			got += string(r.Key) + " "
		}
		if got != c.want {
			t.Errorf("range [%s,%s) = %q, want %q", c.from, c.to, got, c.want)
		}
	}
	n := 0
	for _, err := range e.Range(t.Context(), []byte("a"), []byte("z")) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	commit(t, e, 2, set("d", "5")) // a broken-off range holds nothing up
	if n != 1 {
		t.Fatal("nothing was ranged")
	}
}

func contractBinary(t *testing.T, d Device) {
	e := openEngine(t, d)
	keys := []string{"r\x00", "r\x00\x00", "r\x00\x01", "r\x00\xff", "r\x01", "r\xff", "r\xff\xff", "s"}
	var ops []statestore.Op
	for _, k := range slices.Backward(keys) {
		ops = append(ops, set(k, ""))
	}
	commit(t, e, 1, ops...)
	got, _ := dump(t, e, "")
	for i := range got {
		if got[i] != keys[i]+"=" {
			t.Fatalf("order: %q", got)
		}
	}
	if got, _ := dump(t, e, "r\xff"); len(got) != 2 {
		t.Fatalf("prefix r ff: %q", got)
	}
	commit(t, e, 2, delPrefix("r\xff"))
	if got, _ := dump(t, e, ""); len(got) != len(keys)-2 {
		t.Fatalf("after deleting the prefix: %q", got)
	}
}

func contractLead(t *testing.T, d Device) {
	e := openEngine(t, d)
	lost, err := e.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-lost:
		t.Fatal("leadership is lost at once")
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- e.Follow(ctx, 0, func(statestore.Batch) error { return nil })
	}()
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Follow: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Follow does not heed its context")
	}
}

func contractExclusive(t *testing.T, d Device) {
	e := openEngine(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	other, err := d.Open()
	if err == nil { // a shared engine opens, but does not lead
		defer other.Close()
		if _, err = other.Lead(ctx); err == nil {
			t.Fatal("two engines lead at once")
		}
	}
	commit(t, e, 1, set("still", "mine"))
}

func contractCheckpoint(t *testing.T, d Device) {
	e := openEngine(t, d)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	started := make(chan struct{})
	wg.Go(func() {
		for i := uint64(1); ; i++ {
			k := fmt.Sprintf("k%06d", i)
			if err := e.Commit(context.Background(), statestore.Batch{Revision: i, Ops: []statestore.Op{set(k, "v"), set("last", k)}}); err != nil {
				t.Errorf("commit during a checkpoint: %v", err)
				return
			}
			if i == 10 {
				close(started)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-started
	dir := d.Dir()
	err := e.Checkpoint(t.Context(), dir)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	if err := e.Checkpoint(t.Context(), dir); err == nil {
		t.Error("a second checkpoint overwrote the first")
	}
	c, err := d.OpenCopy(dir)
	if err != nil {
		t.Fatalf("opening the copy: %v", err)
	}
	defer c.Close()
	got, rev := dump(t, c, "")
	if rev < 10 || len(got) != int(rev)+1 || got[len(got)-1] != fmt.Sprintf("last=k%06d", rev) {
		t.Fatalf("the copy is not of one moment: revision %d, %d records, %s", rev, len(got), got[len(got)-1])
	}
}

func contractClosed(t *testing.T, d Device) {
	e := openEngine(t, d)
	commit(t, e, 1, set("a", "1"))
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	if err := e.Commit(t.Context(), statestore.Batch{Revision: 2}); err == nil {
		t.Error("a closed engine commits")
	}
	if _, err := e.Load(t.Context(), nil, func(k, v []byte) error { return nil }); err == nil {
		t.Error("a closed engine loads")
	}
	if err := e.Checkpoint(t.Context(), filepath.Join(d.Dir(), "x")); err == nil {
		t.Error("a closed engine makes checkpoints")
	}
}

func contractLoadError(t *testing.T, d Device) {
	e := openEngine(t, d)
	commit(t, e, 1, set("a", "1"), set("b", "2"))
	stop := errors.New("stop")
	n := 0
	if _, err := e.Load(t.Context(), nil, func(k, v []byte) error { n++; return stop }); err != stop || n != 1 {
		t.Fatalf("load gave %v after %d records, want the function's error after one", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Lead(ctx); err == nil {
		t.Error("Lead ignores a context that has ended")
	}
}
