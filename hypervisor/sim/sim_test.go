package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

func testGuest(id string) hypervisor.Guest {
	return hypervisor.Guest{
		ID: id, Name: "web", VCPUs: 1, MemoryMiB: 64, Digest: "d1",
		NICs: []hypervisor.NIC{{PortID: "p-" + id, MAC: "fa:16:3e:00:00:01"}},
	}
}

func running(t *testing.T, d *Driver, id string) {
	t.Helper()
	if err := d.Ensure(t.Context(), testGuest(id)); err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func power(t *testing.T, d *Driver, id string) hypervisor.Power {
	t.Helper()
	all, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if g.ID == id {
			return g.Power
		}
	}
	return ""
}

func TestConsoleShowsABootWithTheName(t *testing.T) {
	d := New(Options{})
	running(t, d, "a")
	text, err := d.Console(t.Context(), "a", 0)
	if err != nil || !strings.HasSuffix(string(text), "\r\n\r\nweb login: ") {
		t.Errorf("console %q, %v; want it to end in a login prompt", text, err)
	}
}

func TestFaults(t *testing.T) {
	d := New(Options{})
	own := errors.New("own")
	d.Inject(Fault{Method: "Start", ID: "a", Times: 2})
	d.Inject(Fault{Method: "Destroy", Err: own, After: true})
	running(t, d, "b")
	if err := d.Ensure(t.Context(), testGuest("a")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Start(t.Context(), "a"); !errors.Is(err, hypervisor.ErrUnavailable) {
			t.Errorf("start: %v, want ErrUnavailable", err)
		}
		if p := power(t, d, "a"); p != hypervisor.Off {
			t.Errorf("after a start that failed the guest is %s", p)
		}
	}
	if err := d.Start(t.Context(), "a"); err != nil {
		t.Errorf("third start: %v", err)
	}
	if err := d.Destroy(t.Context(), "a"); !errors.Is(err, own) {
		t.Errorf("destroy: %v, want the fault's own error", err)
	}
	if p := power(t, d, "a"); p != "" {
		t.Errorf("a fault with After left the guest %s", p)
	}
}

func TestHangEndsWithContextOrClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Options{})
		running(t, d, "a")
		running(t, d, "b")
		d.Inject(Fault{Method: "Stop", ID: "a", Hang: true, Times: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := d.Stop(ctx, "a", 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v, want the context's error", err)
		}
		hung := make(chan error)
		go func() { hung <- d.Stop(t.Context(), "a", 0) }()
		synctest.Wait()
		if err := d.Stop(t.Context(), "b", 0); err != nil {
			t.Errorf("another guest's stop: %v", err)
		}
		d.ClearFaults()
		if err := <-hung; !errors.Is(err, hypervisor.ErrUnavailable) {
			t.Errorf("stop: %v, want ErrUnavailable", err)
		}
		if p := power(t, d, "a"); p != hypervisor.Running {
			t.Errorf("a stop that hung left the guest %s", p)
		}
	})
}

func TestLatencyAndGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Options{Latency: func(method string) time.Duration {
			return map[string]time.Duration{"Start": 3 * time.Second}[method]
		}})
		spent := func(what string, want time.Duration, f func() error) {
			t.Helper()
			began := time.Now()
			if err := f(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if got := time.Since(began); got != want {
				t.Errorf("%s took %v, want %v", what, got, want)
			}
		}
		spent("start", 3*time.Second, func() error { running(t, d, "a"); return nil })
		d.Deafen("a", true)
		spent("stop of a deaf guest", time.Minute, func() error { return d.Stop(t.Context(), "a", time.Minute) })
		running(t, d, "a")
		d.Deafen("a", false)
		spent("stop", 0, func() error { return d.Stop(t.Context(), "a", time.Minute) })
	})
}

func TestBadDirIsToldByEveryCall(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"+suffix), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := New(Options{Dir: dir})
	if _, err := d.List(t.Context()); !errors.Is(err, hypervisor.ErrUnavailable) || !strings.Contains(err.Error(), "x"+suffix) {
		t.Errorf("list: %v, want ErrUnavailable that names the file", err)
	}
}

func TestHalfWrittenFileIsNoGuest(t *testing.T) {
	dir := t.TempDir()
	running(t, New(Options{Dir: dir}), "a")
	half := filepath.Join(dir, "a"+suffix+unfinished)
	if err := os.WriteFile(half, []byte(`{"Pow`), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := power(t, New(Options{Dir: dir}), "a"); p != hypervisor.Running {
		t.Errorf("the guest is %q", p)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("the half-written file: %v, want it gone", err)
	}
}

func TestThousandHostsAreCheap(t *testing.T) {
	before := runtime.NumGoroutine()
	hosts := make([]*Driver, 1000)
	for i := range hosts {
		hosts[i] = New(Options{VCPUs: 8, MemoryMiB: 16 << 10})
		running(t, hosts[i], fmt.Sprint("g", i))
	}
	if n := runtime.NumGoroutine() - before; n > 0 {
		t.Errorf("%d goroutines for idle guests", n)
	}
	if n := len(hosts[7].queues); n > 0 {
		t.Errorf("%d queues of an idle host", n)
	}
}

func BenchmarkEnsureStart(b *testing.B) {
	for _, dir := range []string{"", b.TempDir()} {
		b.Run(fmt.Sprintf("dir=%t", dir != ""), func(b *testing.B) {
			d := New(Options{Dir: dir})
			for i := range b.N {
				id := fmt.Sprint("g", i)
				if err := errors.Join(d.Ensure(b.Context(), testGuest(id)), d.Start(b.Context(), id)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
