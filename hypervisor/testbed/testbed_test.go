package testbed

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestHostsAreHostsAndGoAway(t *testing.T) {
	bed := Start(t, Options{Hosts: 2})
	other := Start(t, Options{Hosts: 1}) // side by side
	ctx := t.Context()
	for _, h := range append(bed.Hosts, other.Hosts...) {
		if got := run(t, h.Command(ctx, "virsh", "hostname")); got != h.Name {
			t.Errorf("%s: libvirt's host name is %q", h.Name, got)
		}
	}
	run(t, bed.Hosts[0].Command(ctx, "busybox", "ping", "-c1", "-W5", bed.Hosts[1].Addr.String()))
	if err := other.Hosts[0].Command(ctx, "busybox", "ping", "-c1", "-W1", "10.99.0.2").Run(); err == nil {
		t.Error("a host of one testbed reaches another's")
	}
	run(t, bed.Hosts[1].Command(ctx, "ip", "address", "add", "172.24.4.9/24", "dev", PublicBridge))
	run(t, bed.Outside(ctx, "busybox", "ping", "-c1", "-W5", "172.24.4.9"))

	// Whatever runs in a host goes with it, and so do its own namespaces.
	run(t, bed.Hosts[0].Command(ctx, "ip", "netns", "add", "tenant"))
	stray := bed.Hosts[0].Command(ctx, "ip", "netns", "exec", "tenant", "sleep", "600")
	if err := stray.Start(); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(bed.Hosts[0].space("net")) // is no hindrance
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := bed.Down(ctx); err != nil {
		t.Fatal(err)
	}
	if err := stray.Wait(); err == nil {
		t.Error("a process in a host was not ended")
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	if strings.Contains(string(mounts), bed.Dir) {
		t.Error("mounts are left")
	}
	if exists(bed.Dir) {
		t.Error("files are left")
	}
	if err := Down(ctx, bed.Dir); err != nil {
		t.Errorf("a second Down: %v", err)
	}
	run(t, other.Hosts[0].Command(ctx, "virsh", "hostname"))
}

func TestUpRepairs(t *testing.T) {
	bed := Start(t, Options{Hosts: 1})
	ctx, h := t.Context(), bed.Hosts[0]
	again := func() {
		t.Helper()
		if _, err := Up(ctx, Options{Dir: bed.Dir, Hosts: 1}); err != nil {
			t.Fatal(err)
		}
	}
	first := h.LibvirtdPID()
	again()
	if got := h.LibvirtdPID(); got != first || got == 0 {
		t.Errorf("Up of a testbed that is there: libvirtd was process %d, is %d", first, got)
	}
	define(t, h)
	if err := h.KillLibvirtd(ctx); err != nil {
		t.Fatal(err)
	}
	if got := h.LibvirtdPID(); got != 0 {
		t.Errorf("a killed libvirtd is process %d", got)
	}
	again()
	defined(t, h)
	if err := h.Reboot(ctx); err != nil {
		t.Fatal(err)
	}
	defined(t, h)

	// As if an Up had been killed in the middle.
	os.Remove(h.space("ready"))
	os.Remove(bed.outside() + ".ready")
	again()
	defined(t, h)
	run(t, bed.Outside(ctx, "ip", "link", "show", "p1"))

	if _, err := Up(ctx, Options{Dir: bed.Dir, Hosts: 2}); err == nil {
		t.Error("Up changes the number of hosts")
	}
}

func define(t *testing.T, h *Host) {
	t.Helper()
	cmd := h.Command(t.Context(), "virsh", "define", "/dev/stdin")
	cmd.Stdin = strings.NewReader("<domain type='qemu'><name>kept</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os></domain>")
	run(t, cmd)
}

func defined(t *testing.T, h *Host) {
	t.Helper()
	if got := run(t, h.Command(t.Context(), "virsh", "list", "--all", "--name")); got != "kept" {
		t.Errorf("defined domains: %q", got)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	Require(t)
	for _, o := range []Options{{Hosts: 1}, {Dir: t.TempDir()}, {Dir: t.TempDir(), Hosts: 101}, {Dir: "/run/testbed", Hosts: 1}} {
		if _, err := Up(t.Context(), o); err == nil {
			t.Errorf("Up(%+v) works", o)
		}
	}
}

func TestGuestSaysReady(t *testing.T) {
	Require(t)
	dir := t.TempDir()
	image := filepath.Join(dir, "tiny.qcow2")
	for range 2 { // the second time nothing is made
		if err := BuildImage(t.Context(), image); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "qemu64", "-m", "128",
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-snapshot", "-drive", "if=virtio,file="+image)
	out, err := qemu.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	said, buf := "", make([]byte, 4096)
	for !strings.Contains(said, "TINY ready") && err == nil {
		var n int
		n, err = out.Read(buf)
		said += string(buf[:n])
	}
	cancel()
	qemu.Wait()
	if err != nil {
		t.Errorf("the guest is not ready: %v\n%s", err, said)
	}
}
