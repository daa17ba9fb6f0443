//go:build cgo

package libvirt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/libvirt"
	"github.com/cloudlet/cloudlet/hypervisor/metadata"
	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

// network is a bridge in the host with a DHCP server and one guest's card on it.
func (h *host) network(t *testing.T) (nic hypervisor.NIC, addr string) {
	t.Helper()
	nic = h.nic(t)
	h.run(t, "ip", "link", "add", "dev", "brtest", "type", "bridge")
	t.Cleanup(func() { h.Command(context.Background(), "ip", "link", "delete", "dev", "brtest").Run() })
	h.run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "brtest")
	h.run(t, "ip", "link", "set", "brtest", "up")
	h.run(t, "ip", "link", "set", nic.Tap, "master", "brtest")
	conf := filepath.Join(h.dir, "udhcpd.conf")
	lines := []string{
		"start 192.0.2.10", "end 192.0.2.10", "interface brtest", "option subnet 255.255.255.0",
		"lease_file " + filepath.Join(h.dir, "leases"), "pidfile " + filepath.Join(h.dir, "udhcpd.pid"),
	}
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dhcp := h.Command(context.Background(), "busybox", "udhcpd", "-f", conf)
	if err := dhcp.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dhcp.Process.Kill(); dhcp.Wait() })
	return nic, "192.0.2.10"
}

// configDrive makes a config drive with a key, and tells how to log in with it.
func (h *host) configDrive(t *testing.T, id, addr string) (drive string, ssh func(command string) string) {
	t.Helper()
	key := filepath.Join(h.dir, "key")
	h.run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	drive = filepath.Join(h.dir, id+".iso")
	f, err := os.Create(drive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = metadata.ConfigDrive(f, metadata.Instance{
		ID: id, Name: "tiny", Keys: []metadata.Key{{Name: "k", Data: strings.TrimSpace(string(public))}},
		UserData: []byte("#!/bin/sh\necho user data says hello\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return drive, func(command string) string {
		t.Helper()
		out, err := h.Command(t.Context(), "ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
			"-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=10", "root@"+addr, command).CombinedOutput()
		if err != nil {
			t.Logf("ssh %s: %v: %s", command, err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// TestGuestLives takes a guest that really boots through its life: it answers,
// outlives libvirtd, heeds Stop, and is seen to shut itself down.
func TestGuestLives(t *testing.T) {
	t.Parallel()
	h := newHost(t, testbed.Start(t, testbed.Options{Hosts: 1}).Hosts[0], testbed.Image(t))
	ctx, d, g := t.Context(), h.driver, h.guest(t)
	nic, addr := h.network(t)
	g.NICs = []hypervisor.NIC{nic}
	var ssh func(string) string
	g.ConfigDrive, ssh = h.configDrive(t, g.ID, addr)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(d.Ensure(ctx, g))
	ok(d.Start(ctx, g.ID))
	h.says(t, g.ID, "user data says hello", 1)
	log := h.says(t, g.ID, "TINY ready", 1)
	if want := "TINY ready host=tiny uuid=" + g.ID + " source=configdrive keys=1 ip=192.0.2.10/24,"; !strings.Contains(log, want) {
		t.Errorf("the guest does not say %q:\n%s", want, log)
	}
	const facts = `cd /sys/class; cat dmi/id/product_name dmi/id/product_uuid net/eth0/mtu block/vda/size`
	if got, want := ssh(facts), "OpenStack Nova\n"+g.ID+"\n1450\n2097152"; got != want {
		t.Errorf("the guest finds\n%s\nwant\n%s", got, want)
	}

	ok(h.KillLibvirtd(ctx))
	for range 2 {
		if _, err := d.List(ctx); !errors.Is(err, hypervisor.ErrUnavailable) {
			t.Errorf("list without libvirtd: %v, want ErrUnavailable", err)
		}
	}
	if err := d.Events(ctx, func(hypervisor.Event) {}); !errors.Is(err, hypervisor.ErrUnavailable) {
		t.Errorf("events without libvirtd: %v, want ErrUnavailable", err)
	}
	ok(h.StartLibvirtd(ctx))
	h.state(t, g.ID, hypervisor.Running, false)
	if got := ssh("echo still here"); got != "still here" {
		t.Errorf("after libvirtd's restart the guest answers %q", got)
	}

	began := time.Now()
	ok(d.Stop(ctx, g.ID, 30*time.Second))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the guest took %v to heed its power button", took)
	}
	h.says(t, g.ID, "TINY power button", 1)
	h.state(t, g.ID, hypervisor.Off, false)

	events := make(chan hypervisor.Event, 10)
	watching, end := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() { watched <- d.Events(watching, func(e hypervisor.Event) { events <- e }) }()
	<-events
	ok(d.Start(ctx, g.ID))
	h.says(t, g.ID, "TINY ready", 2)
	ssh("poweroff")
	h.wantOff(t, events, hypervisor.Event{ID: g.ID, Power: hypervisor.Off, ByGuest: true})
	end()
	<-watched
	h.state(t, g.ID, hypervisor.Off, true)
	ok(h.KillLibvirtd(ctx))
	ok(h.StartLibvirtd(ctx))
	h.state(t, g.ID, hypervisor.Off, true) // though libvirt has forgotten

	refusals(t, h)
	ok(d.Destroy(ctx, g.ID))
}

// wantOff waits for the event that a guest is off.
func (h *host) wantOff(t *testing.T, events <-chan hypervisor.Event, want hypervisor.Event) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e := <-events:
			if e.Power == hypervisor.Running {
				continue
			}
			if e != want {
				t.Errorf("event %+v, want %+v", e, want)
			}
			return
		case <-late:
			log, _ := h.driver.Console(t.Context(), want.ID, 0)
			t.Fatalf("no event that the guest is off; it says:\n%s", log)
		}
	}
}

// state fails the test unless List tells this of the guest.
func (h *host) state(t *testing.T, id string, power hypervisor.Power, byGuest bool) {
	t.Helper()
	all, err := h.driver.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.ID == id && (s.Power != power || s.ByGuest != byGuest) {
			t.Errorf("the guest is %s, by guest: %t; want %s, %t", s.Power, s.ByGuest, power, byGuest)
		}
		if s.ID == id {
			return
		}
	}
	t.Errorf("the guest is not listed")
}

// refusals are guests that libvirt itself refuses.
func refusals(t *testing.T, h *host) {
	t.Helper()
	for name, c := range map[string]struct {
		spoil func(*hypervisor.Guest)
		want  error
	}{
		"kvm where there is none": {func(g *hypervisor.Guest) { g.VirtType = "kvm" }, hypervisor.ErrUnsupported},
		"no such machine":         {func(g *hypervisor.Guest) { g.Properties = map[string]string{"hw_machine_type": "abacus"} }, hypervisor.ErrInvalid},
		"SATA on a machine of IDE": {func(g *hypervisor.Guest) {
			g.Properties = map[string]string{"hw_disk_bus": "ide", "hw_machine_type": "q35"}
		}, hypervisor.ErrInvalid},
		"disk below its base": {func(g *hypervisor.Guest) { g.Root.SizeBytes = 1 << 20 }, hypervisor.ErrInvalid},
	} {
		g := h.guest(t)
		c.spoil(&g)
		if err := h.driver.Ensure(t.Context(), g); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestAutoFallsBack(t *testing.T) {
	t.Parallel()
	h := testbed.Start(t, testbed.Options{Hosts: 1}).Hosts[0]
	d, err := libvirt.New(libvirt.Options{URI: h.URI(), Dir: t.TempDir(), VirtType: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Fingerprint(t.Context())
	if err != nil || len(f.VirtTypes) == 0 || f.VirtTypes[len(f.VirtTypes)-1] != "qemu" {
		t.Fatalf("fingerprint %+v, %v", f, err)
	}
	t.Logf("%+v", f)
	began := time.Now()
	if _, err := d.Fingerprint(t.Context()); err != nil || time.Since(began) > time.Second {
		t.Errorf("a second fingerprint took %v, %v", time.Since(began), err)
	}
	if left := output(t, h.Command(t.Context(), "virsh", "list", "--all", "--name")); left != "" {
		t.Errorf("the proof left %s", left)
	}
	only, err := libvirt.New(libvirt.Options{URI: h.URI(), Dir: t.TempDir(), VirtType: "kvm"})
	if err != nil {
		t.Fatal(err)
	}
	defer only.Close()
	if _, err := only.Fingerprint(t.Context()); f.VirtTypes[0] == "qemu" && !errors.Is(err, hypervisor.ErrUnsupported) {
		t.Errorf("virt type kvm where there is none: %v, want ErrUnsupported", err)
	}
}
