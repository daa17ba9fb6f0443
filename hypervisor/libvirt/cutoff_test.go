//go:build cgo

package libvirt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

// Wherever a libvirtd that is killed was with a guest's start, the next one has
// the guest do what is asked of it then.
func TestStartThatLibvirtdDidNotSurvive(t *testing.T) {
	t.Parallel()
	h := newHost(t, testbed.Start(t, testbed.Options{Hosts: 1}).Hosts[0], testbed.Image(t))
	again := func(call func(ctx context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // libvirt's own limit is 30 s
		defer cancel()
		for {
			err := call(ctx)
			if err == nil {
				return
			}
			if !errors.Is(err, hypervisor.ErrUnavailable) || ctx.Err() != nil { // else libvirtd is about to serve
				t.Fatal(err)
			}
		}
	}
	for n, then := range []func(ctx context.Context, g hypervisor.Guest) error{
		func(ctx context.Context, g hypervisor.Guest) error { return h.driver.Start(ctx, g.ID) },
		func(ctx context.Context, g hypervisor.Guest) error { return h.driver.Stop(ctx, g.ID, time.Second) },
		func(ctx context.Context, g hypervisor.Guest) error { return h.driver.Reset(ctx, g.ID, 1) },
		func(ctx context.Context, g hypervisor.Guest) error { return h.driver.Ensure(ctx, g) },
		func(ctx context.Context, g hypervisor.Guest) error { return h.driver.Destroy(ctx, g.ID) },
		func(ctx context.Context, g hypervisor.Guest) error { return h.driver.Start(ctx, g.ID) },
	} {
		g := h.guest(t)
		again(func(ctx context.Context) error { return h.driver.Ensure(ctx, g) })
		started := make(chan error, 1)
		go func() { started <- h.driver.Start(context.Background(), g.ID) }()
		note := filepath.Join(h.Dir, "run", "qemu", "cloudlet-"+g.ID+".xml")
		for { // libvirtd writes it when it begins
			if _, err := os.Stat(note); err == nil {
				break
			}
			if len(started) > 0 {
				t.Fatalf("the start ended and was not seen to begin: %v", <-started)
			}
		}
		time.Sleep(time.Duration(n) * time.Millisecond) // not to wait for something: to be elsewhere in the start
		if err := h.KillLibvirtd(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := h.StartLibvirtd(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d: the start ended with: %v", n, <-started)
		again(func(ctx context.Context) error { return then(ctx, g) })
		again(func(ctx context.Context) error { return h.driver.Ensure(ctx, g) })
		again(func(ctx context.Context) error { return h.driver.Start(ctx, g.ID) })
		h.state(t, g.ID, hypervisor.Running, false)
		again(func(ctx context.Context) error { return h.driver.Destroy(ctx, g.ID) })
	}
}
