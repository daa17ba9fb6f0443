package drivertest

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
)

func testFingerprint(t *testing.T, s *suite) {
	f, err := s.Driver.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.Driver == "" || f.Version == "" || f.Arch == "" || f.VCPUs < 1 || f.MemoryMiB < 1 || len(f.VirtTypes) == 0 {
		t.Errorf("fingerprint lacks something: %+v", f)
	}
	for _, v := range f.VirtTypes {
		if v != "kvm" && v != "qemu" {
			t.Errorf("virt type %q, want kvm or qemu", v)
		}
	}
}

func testNoGuest(t *testing.T, s *suite) {
	id := s.Guest(t).ID
	ctx := t.Context()
	_, consoleErr := s.Driver.Console(ctx, id, 0)
	_, statsErr := s.Driver.Stats(ctx, id)
	for name, err := range map[string]error{
		"start":   s.Driver.Start(ctx, id),
		"reset":   s.Driver.Reset(ctx, id, 1),
		"console": consoleErr,
		"stats":   statsErr,
	} {
		if !errors.Is(err, hypervisor.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	s.stop(t, id, 0)
	s.destroy(t, id)
	if _, ok := s.find(t, id); ok {
		t.Error("a guest that nobody defined is listed")
	}
}

func testEnsure(t *testing.T, s *suite) {
	a, b := s.NIC(t), s.NIC(t)
	g := s.guest(t, b, a)
	for range 2 {
		s.ensure(t, g)
		st := s.want(t, g.ID, hypervisor.Off, false, g.Digest)
		s.wantPorts(t, g.ID, b, a)
		if st.RebootSerial != 0 || !st.StartedAt.IsZero() {
			t.Errorf("a new guest has reboot serial %d, started at %v", st.RebootSerial, st.StartedAt)
		}
		for i, n := range st.NICs {
			if n.MAC != g.NICs[i].MAC {
				t.Errorf("MAC of port %s is %s, want %s", n.PortID, n.MAC, g.NICs[i].MAC)
			}
		}
	}
}

func testEnsureOff(t *testing.T, s *suite) {
	a, b := s.NIC(t), s.NIC(t)
	g := s.guest(t, a)
	s.ensure(t, g)
	g.NICs, g.MemoryMiB, g.Digest = []hypervisor.NIC{b, a}, g.MemoryMiB+16, g.Digest+"-2"
	s.ensure(t, g)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
	s.wantPorts(t, g.ID, b, a)
	g.NICs, g.Digest = nil, g.Digest+"-3"
	s.ensure(t, g)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
	s.wantPorts(t, g.ID)
	s.start(t, g.ID)
	s.want(t, g.ID, hypervisor.Running, false, g.Digest)
}

func testEnsureCopies(t *testing.T, s *suite) {
	a, b := s.NIC(t), s.NIC(t)
	g := s.guest(t, a)
	s.ensure(t, g)
	g.NICs[0] = b
	s.wantPorts(t, g.ID, a)
	s.state(t, g.ID).NICs[0] = b
	s.wantPorts(t, g.ID, a)
}

func testEnsureInvalid(t *testing.T, s *suite) {
	good := s.guest(t)
	bad := map[string]func(*hypervisor.Guest){
		"no id":         func(g *hypervisor.Guest) { g.ID = "" },
		"no vCPU":       func(g *hypervisor.Guest) { g.VCPUs = 0 },
		"no memory":     func(g *hypervisor.Guest) { g.MemoryMiB = 0 },
		"no such virt":  func(g *hypervisor.Guest) { g.VirtType = "abacus" },
		"port twice":    func(g *hypervisor.Guest) { n := s.NIC(t); g.NICs = []hypervisor.NIC{n, n} },
		"negative disk": func(g *hypervisor.Guest) { g.Root.SizeBytes = -1 },
	}
	refused := func(t *testing.T) {
		for name, spoil := range bad {
			g := good
			g.Digest = "bad"
			spoil(&g)
			if err := s.Driver.Ensure(t.Context(), g); !errors.Is(err, hypervisor.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
	}
	refused(t)
	if _, ok := s.find(t, good.ID); ok {
		t.Fatal("a guest that was refused is defined")
	}
	s.ensure(t, good)
	refused(t)
	s.want(t, good.ID, hypervisor.Off, false, good.Digest)
	s.start(t, good.ID)
}

func testEnsureDisk(t *testing.T, s *suite) {
	need(t, s.has(t, hypervisor.CapDisk), "make disks")
	g := s.guest(t)
	s.ensure(t, g)
	made, err := os.Stat(g.Root.Path)
	if err != nil {
		t.Fatal(err)
	}
	g.Digest += "-2"
	s.ensure(t, g)
	kept, err := os.Stat(g.Root.Path)
	if err != nil || !os.SameFile(made, kept) || !kept.ModTime().Equal(made.ModTime()) {
		t.Errorf("a second Ensure changed the disk (%v)", err)
	}
	s.destroy(t, g.ID)
	if _, err := os.Stat(g.Root.Path); err != nil {
		t.Errorf("Destroy took the disk: %v", err)
	}
}

func testEnsureRunning(t *testing.T, s *suite) {
	nic := s.NIC(t)
	g := s.started(t, nic)
	before := s.state(t, g.ID)
	s.ensure(t, g)
	g.MemoryMiB, g.Digest = g.MemoryMiB+16, g.Digest+"-2"
	s.ensure(t, g)
	after := s.want(t, g.ID, hypervisor.Running, false, g.Digest)
	if !after.StartedAt.Equal(before.StartedAt) {
		t.Errorf("Ensure restarted the guest: started at %v, before %v", after.StartedAt, before.StartedAt)
	}
	s.stop(t, g.ID, 0)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
	s.start(t, g.ID)
	s.want(t, g.ID, hypervisor.Running, false, g.Digest)
	s.wantPorts(t, g.ID, nic)
}

func testHotplug(t *testing.T, s *suite) {
	a, b, c := s.NIC(t), s.NIC(t), s.NIC(t)
	g := s.started(t, a, b)
	hot := s.has(t, hypervisor.CapHotplugNIC)
	for i, nics := range [][]hypervisor.NIC{{a, b, c}, {c, b}, {}, {a}} {
		old := s.state(t, g.ID)
		g.NICs, g.Digest = nics, g.Digest+"+"
		s.ensure(t, g)
		if !hot {
			s.want(t, g.ID, hypervisor.Running, false, old.Digest)
			continue
		}
		for range 2 {
			if st := s.want(t, g.ID, hypervisor.Running, false, g.Digest); !st.StartedAt.Equal(old.StartedAt) {
				t.Fatalf("change %d of NICs restarted the guest", i+1)
			}
			s.wantPorts(t, g.ID, nics...)
			s.ensure(t, g)
		}
	}
	g.NICs, g.Digest = []hypervisor.NIC{c, a, b}, g.Digest+"+"
	s.ensure(t, g)
	s.stop(t, g.ID, 0)
	s.want(t, g.ID, hypervisor.Off, false, g.Digest)
	s.wantPorts(t, g.ID, c, a, b)
	if got := s.state(t, g.ID).NICs[0]; got.MAC != c.MAC || !slices.Contains([]string{"", c.Tap}, got.Tap) {
		t.Errorf("the first card is %+v, want %+v", got, c)
	}
}
