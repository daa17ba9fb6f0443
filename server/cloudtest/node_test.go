package cloudtest_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/node"
)

func serverOptions(dir string) node.ServerOptions {
	return node.ServerOptions{DataDir: dir, Listen: "127.0.0.1:0", Region: "RegionOne", Version: "test", Seed: true, AdminPassword: cloudtest.Password,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), OnFatal: func(err error) { panic(err) }, Grace: time.Hour}
}

// shortDir is a directory whose path leaves room for a Unix socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ct")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// run serves until the returned function is called.
func run(t *testing.T, s *node.Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-done
		s.Close()
	}
	t.Cleanup(stop)
	return stop
}

func TestSecondServerOnADirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := node.OpenServer(t.Context(), serverOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, first)
	if second, err := node.OpenServer(t.Context(), serverOptions(dir)); err == nil {
		second.Close()
		t.Fatal("a second server runs on the directory")
	} else if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "in use") && !strings.Contains(err.Error(), "another") && !strings.Contains(err.Error(), "lock") {
		t.Errorf("the refusal does not tell which directory and why: %v", err)
	}
	if _, err := cloudtest.Connect(t.Context(), first.BaseURL()+"/identity/v3", "demo", cloudtest.Password); err != nil {
		t.Errorf("the first server after the second was refused: %v", err)
	}
	stop()
	again, err := node.OpenServer(t.Context(), serverOptions(dir))
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	again.Close()
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, which := range []string{"API", "agents"} {
		dir := shortDir(t)
		o := serverOptions(dir)
		o.Sockets = true
		if which == "API" {
			o.Listen = l.Addr().String()
		} else {
			o.AgentListen = l.Addr().String()
		}
		before := openFiles(t)
		if s, err := node.OpenServer(t.Context(), o); err == nil {
			s.Close()
			t.Fatalf("%s: the port was taken twice", which)
		} else if !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: the refusal does not tell which address and why: %v", which, err)
		}
		if after := openFiles(t); after > before {
			t.Errorf("%s: %d files are open, before there were %d", which, after, before)
		}
		o.Listen, o.AgentListen = "127.0.0.1:0", ""
		s, err := node.OpenServer(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: the same directory with a free port: %v", which, err)
		}
		s.Close()
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("open files cannot be counted here: %v", err)
	}
	return len(entries)
}

// TestBackupAndRestore copies a cloud while it works, changes it, and brings the
// copy back: what was is there again, and what came later is taken off the host.
func TestBackupAndRestore(t *testing.T) {
	dir := shortDir(t)
	data, backup := filepath.Join(dir, "data"), filepath.Join(dir, "backup")
	driver, sw := sim.New(sim.Options{}), fake.New()
	defer driver.Close()
	o := serverOptions(data)
	o.Sockets, o.LocalHosts = true, 1
	start := func() (s *node.Server, cl cloudtest.Clients, stop func()) {
		t.Helper()
		s, err := node.OpenServer(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		stopServer := run(t, s)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			done <- node.RunLocalHost(ctx, s, node.HostOptions{Name: "h", Zone: "nova", DataDir: filepath.Join(dir, "host"), Driver: "sim", VirtType: "auto",
				Hypervisor: driver, Switch: sw, Version: "test", Log: o.Log})
		}()
		<-s.Ready()
		if cl, err = cloudtest.Connect(t.Context(), s.BaseURL()+"/identity/v3", "demo", cloudtest.Password); err != nil {
			t.Fatal(err)
		}
		return s, cl, func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("the host ended with %v", err)
			}
			stopServer()
		}
	}
	ctx := withTimeout(t)
	_, cl, stop := start()
	before, err := ensure(ctx, cl, 1)
	if err != nil {
		t.Fatal(err)
	}
	admin, hangUp, err := node.DialAdmin(ctx, data)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	if _, err := admin.Backup(ctx, &hostapi.BackupRequest{Directory: backup}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Backup(ctx, &hostapi.BackupRequest{Directory: backup}); err == nil {
		t.Error("a second backup overwrote the first")
	}
	later, err := ensure(ctx, cl, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Restore(ctx, backup, data); err == nil {
		t.Fatal("the state of a server that runs was replaced")
	}
	if _, err := ensure(ctx, cl, 2); err != nil {
		t.Fatalf("after a restore was refused: %v", err)
	}
	stop()
	if err := node.Restore(ctx, filepath.Join(dir, "host"), data); err == nil || !strings.Contains(err.Error(), "is no backup") {
		t.Errorf("a directory that is no backup: %v", err)
	}
	if err := node.Restore(ctx, backup, data); err != nil {
		t.Fatal(err)
	}
	s, cl, stop := start()
	defer stop()
	after, err := ensure(ctx, cl, 1)
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("restored is %+v, %v; want %+v", after, err, before)
	}
	if n := compute.Instances.Len(s.Store().Snapshot()); n != 1 {
		t.Errorf("there are %d instances", n)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		guests, err := driver.List(ctx)
		if err == nil && len(guests) == 1 && guests[0].ID == before.servers[0] {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("on the host are %+v, %v; %s came after the backup", guests, err, later.servers[1])
		}
	}
}
