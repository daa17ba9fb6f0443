//go:build cgo

package libvirt

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/cloudlet/cloudlet/hypervisor"
)

const (
	virtAuto = "auto"
	// probeTime is what a guest of 512 bytes may take on a busy host. One that
	// hangs costs it once in the life of a driver.
	probeTime = 3 * time.Second
	probeSize = 1 << 20 // in bytes: of the least that firmware boots from
)

//go:embed probe.bin
var probeProgram []byte // made of probe.S

// virtProof is what is known of the ways to run guests here.
type virtProof struct {
	mu    sync.Mutex // held while it is being found out
	types []string   // nil: not yet
	arch  string
}

// virtOf picks the virt type of a guest that asks for want; empty: the best.
func (d *Driver) virtOf(ctx context.Context, want string) (virt, arch string, err error) {
	types, arch, err := d.virtTypes(ctx)
	if err != nil {
		return "", "", err
	}
	if want == "" {
		return types[0], arch, nil
	}
	for _, t := range types {
		if t == want {
			return t, arch, nil
		}
	}
	return "", "", fmt.Errorf("%w: no guest can have virt type %s here, only %v", hypervisor.ErrUnsupported, want, types)
}

// virtTypes are those that run guests, best first. It finds out once.
func (d *Driver) virtTypes(ctx context.Context) (types []string, arch string, err error) {
	type answer struct {
		types []string
		arch  string
	}
	found := make(chan answer, 1)
	err = d.do(ctx, "", func(l *link) error {
		v := &d.virt
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.types == nil {
			if err := d.findVirtTypes(l, v); err != nil {
				return err
			}
		}
		found <- answer{v.types, v.arch}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	a := <-found
	return a.types, a.arch, nil
}

func (d *Driver) findVirtTypes(l *link, v *virtProof) error {
	caps, err := l.capabilities()
	if err != nil {
		return err
	}
	arch := caps.Host.CPU.Arch
	var types []string
	if d.o.VirtType != virtQEMU {
		why := d.proveKVM(l, arch)
		if lost := l.explain(why); lost != nil && !l.alive() {
			return lost // says nothing of KVM
		}
		switch {
		case why == nil:
			types = append(types, virtKVM)
		case d.o.VirtType == virtKVM:
			return fmt.Errorf("%w: KVM: %w", hypervisor.ErrUnsupported, plain(why))
		default:
			d.o.Log.Warn("guests are emulated, which is slow: KVM does not run them", "reason", plain(why))
		}
	}
	if d.o.VirtType != virtKVM && hasVirt(l, arch, virtQEMU) {
		types = append(types, virtQEMU)
	}
	if len(types) == 0 {
		return fmt.Errorf("%w: no emulator for %s", hypervisor.ErrUnsupported, arch)
	}
	v.types, v.arch = types, arch
	return nil
}

func hasVirt(l *link, arch, virt string) bool {
	_, err := l.c.GetDomainCapabilities("", arch, "", virt, 0)
	return err == nil
}

// proofFiles is the pattern of the disks of such guests.
const proofFiles = ".kvm-proof-*"

// sweepProofs removes what a driver that was killed left of a proof.
func sweepProofs(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, proofFiles))
	for _, file := range left {
		os.Remove(file)
	}
}

// proveKVM runs a guest in KVM; nil: it ran.
func (d *Driver) proveKVM(l *link, arch string) error {
	if !hasVirt(l, arch, virtKVM) {
		return fmt.Errorf("the host has none")
	}
	if arch != archX86 {
		if d.o.VirtType == virtKVM {
			return nil // taken at the operator's word
		}
		return fmt.Errorf("it can't be proven on %s; virt type kvm uses it all the same", arch)
	}
	disk, err := os.CreateTemp(d.o.Dir, proofFiles)
	if err != nil {
		return err
	}
	defer os.Remove(disk.Name())
	_, err = disk.Write(probeProgram)
	err = errors.Join(err, disk.Truncate(probeSize), disk.Chmod(0o644), disk.Close()) // QEMU may be another user
	if err != nil {
		return err
	}
	return runProbe(l, probeDomain(disk.Name()))
}

func probeDomain(disk string) *libvirtxml.Domain {
	return &libvirtxml.Domain{
		Type:   virtKVM,
		Name:   "cloudlet-kvm-proof-" + rand.Text(),
		Memory: &libvirtxml.DomainMemory{Value: 32, Unit: "MiB"},
		OS: &libvirtxml.DomainOS{
			Type:        &libvirtxml.DomainOSType{Arch: archX86, Machine: "pc", Type: "hvm"},
			BootDevices: []libvirtxml.DomainBootDevice{{Dev: "hd"}},
		},
		Features: &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		CPU:      cpuOf(virtKVM, archX86),
		Devices: &libvirtxml.DomainDeviceList{
			Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
			MemBalloon:  &libvirtxml.DomainMemBalloon{Model: "none"},
			Disks: []libvirtxml.DomainDisk{{
				Device:   "disk",
				Driver:   &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw"},
				Source:   fileSource(disk),
				Target:   &libvirtxml.DomainDiskTarget{Dev: "vda", Bus: "virtio"},
				ReadOnly: &libvirtxml.DomainDiskReadOnly{},
			}},
		},
	}
}

// runProbe runs a transient domain that is to power itself off.
func runProbe(l *link, x *libvirtxml.Domain) error {
	text, err := x.Marshal()
	if err != nil {
		return err
	}
	s := l.subscribe()
	defer s.end()
	// With the connection it goes too, should we be killed.
	dom, err := l.c.DomainCreateXML(text, libvirt.DOMAIN_START_AUTODESTROY)
	if err != nil {
		return err
	}
	defer func() {
		_ = dom.Destroy() // it may be gone
		_ = dom.Free()
	}()
	id, err := dom.GetUUIDString()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	var end notice
	ended, err := s.until(ctx, func(n notice) bool {
		end = n
		return n.id == id && (n.ended() || n.kind == libvirt.DOMAIN_EVENT_SUSPENDED)
	})
	switch {
	case err != nil:
		return err
	case !ended:
		return fmt.Errorf("a guest in it does nothing for %v", probeTime)
	case !end.ended():
		return fmt.Errorf("a guest in it was halted by an error")
	case libvirt.DomainEventStoppedDetailType(end.detail) != libvirt.DOMAIN_EVENT_STOPPED_SHUTDOWN:
		return fmt.Errorf("a guest in it crashed")
	}
	return nil
}
