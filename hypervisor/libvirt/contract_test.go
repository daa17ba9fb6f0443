//go:build cgo

package libvirt_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/drivertest"
	"github.com/cloudlet/cloudlet/hypervisor/libvirt"
	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

// host is a test's host, with words to make guests on it.
type host struct {
	*testbed.Host
	image  string
	driver *libvirt.Driver
	taps   []string
	made   int
	dir    string // of guests' files
}

func newHost(t *testing.T, h *testbed.Host, image string) *host {
	n := &host{Host: h, image: image, dir: t.TempDir()}
	n.driver = n.open(t)
	t.Cleanup(func() {
		n.driver.Close()
		for _, tap := range n.taps {
			n.Command(context.Background(), "ip", "link", "delete", "dev", tap).Run()
		}
	})
	return n
}

func (h *host) open(t *testing.T) *libvirt.Driver {
	t.Helper()
	d, err := libvirt.New(libvirt.Options{URI: h.URI(), Dir: h.dir, VirtType: "qemu", Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (h *host) guest(t *testing.T) hypervisor.Guest {
	t.Helper()
	id := uuid.NewString()
	return hypervisor.Guest{
		ID: id, Name: "guest & <co>", ProjectID: "demo", VCPUs: 1, MemoryMiB: 128, Digest: "d-" + id,
		Root:       hypervisor.Disk{Path: filepath.Join(h.dir, id+".qcow2"), Base: h.image, BaseFormat: "qcow2", SizeBytes: 1 << 30},
		ConsoleLog: filepath.Join(h.dir, id+".console"),
	}
}

func (h *host) nic(t *testing.T) hypervisor.NIC {
	t.Helper()
	h.made++
	n := hypervisor.NIC{PortID: uuid.NewString(), MAC: fmt.Sprintf("fa:16:3e:00:%02x:%02x", len(h.taps), h.made), Tap: fmt.Sprintf("tap%s", uuid.NewString()[:8]), MTU: 1450}
	h.tap(t, n.Tap)
	h.taps = append(h.taps, n.Tap)
	return n
}

func (h *host) tap(t *testing.T, name string) {
	t.Helper()
	h.run(t, "ip", "tuntap", "add", "dev", name, "mode", "tap")
	h.run(t, "ip", "link", "set", name, "mtu", "1450", "up")
}

func (h *host) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	return output(t, h.Command(t.Context(), name, args...))
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// says waits until the guest has written text to its console n times.
func (h *host) says(t *testing.T, id, text string, n int) string {
	t.Helper()
	late := time.Now().Add(60 * time.Second)
	for {
		log, err := h.driver.Console(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(log), text) >= n {
			return string(log)
		}
		if time.Now().After(late) {
			t.Fatalf("the guest does not say %q %d times:\n%s", text, n, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// pid is the guest's QEMU.
func (h *host) pid(t *testing.T, id string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(h.Dir, "run", "qemu", "cloudlet-"+id+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func (h *host) crash(t *testing.T, id string) {
	t.Helper()
	if err := syscall.Kill(h.pid(t, id), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// button presses the guest's power button, as nobody of ours would: the guest
// then shuts itself down.
func (h *host) button(t *testing.T, id string) {
	t.Helper()
	h.says(t, id, "TINY init", 1)
	for h.run(t, "virsh", "domstate", id) == "running" {
		h.Command(t.Context(), "virsh", "shutdown", id, "--mode", "acpi").Run()
		time.Sleep(200 * time.Millisecond)
	}
}

// foreign runs a domain that somebody else defined.
func (h *host) foreign(t *testing.T) (string, func(*testing.T)) {
	t.Helper()
	id := uuid.NewString()
	cmd := h.Command(t.Context(), "virsh", "create", "/dev/stdin")
	cmd.Stdin = strings.NewReader("<domain type='qemu'><name>" + id + "</name><uuid>" + id + `</uuid><memory unit='MiB'>32</memory>
<metadata><x:y xmlns:x='urn:other'><guest digest='d'/></x:y></metadata><os><type arch='x86_64'>hvm</type></os></domain>`)
	output(t, cmd)
	t.Cleanup(func() { h.Command(context.Background(), "virsh", "destroy", id).Run() })
	return id, func(t *testing.T) {
		t.Helper()
		if got := h.run(t, "virsh", "domstate", id); got != "running" {
			t.Errorf("the foreign domain is %s", got)
		}
	}
}

func TestContract(t *testing.T) {
	bed, image := testbed.Start(t, testbed.Options{Hosts: 1}), testbed.Image(t)
	drivertest.Run(t, func(t *testing.T) drivertest.Rig {
		h := newHost(t, bed.Hosts[0], image)
		return drivertest.Rig{
			Driver: h.driver, Guest: h.guest, NIC: h.nic,
			Patience: 30 * time.Second, Grace: 20 * time.Second,
			Reopen: func(t *testing.T) hypervisor.Driver {
				h.driver.Close()
				h.driver = h.open(t)
				return h.driver
			},
			RestartHost: func(t *testing.T) {
				if err := h.Reboot(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, tap := range h.taps {
					h.tap(t, tap)
				}
			},
			CutEvents: func(t *testing.T) {
				if err := h.KillLibvirtd(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := h.StartLibvirtd(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
			PowerOff: h.button, Crash: h.crash, Foreign: h.foreign,
			Boots: func(t *testing.T, id string) int {
				log, err := h.driver.Console(t.Context(), id, 0)
				if err != nil {
					t.Fatal(err)
				}
				return strings.Count(string(log), "SYSLINUX")
			},
		}
	})
}
