//go:build cgo

package libvirt

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
	"libvirt.org/go/libvirtxml"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// Fingerprint as the contract has it.
func (d *Driver) Fingerprint(ctx context.Context) (hypervisor.Fingerprint, error) {
	types, arch, err := d.virtTypes(ctx)
	if err != nil {
		return hypervisor.Fingerprint{}, err
	}
	found := make(chan hypervisor.Fingerprint, 1)
	err = d.do(ctx, "", func(l *link) error {
		f, err := d.fingerprint(l)
		found <- f
		return err
	})
	if err != nil {
		return hypervisor.Fingerprint{}, err
	}
	f := <-found
	f.Arch, f.VirtTypes = arch, append([]string(nil), types...)
	return f, nil
}

func (d *Driver) fingerprint(l *link) (f hypervisor.Fingerprint, err error) {
	qemu, err := l.c.GetVersion()
	if err != nil {
		return f, err
	}
	lib, err := l.c.GetLibVersion()
	if err != nil {
		return f, err
	}
	uri, err := l.c.GetURI()
	if err != nil {
		return f, err
	}
	node, err := l.c.GetNodeInfo()
	if err != nil {
		return f, err
	}
	caps, err := l.capabilities()
	if err != nil {
		return f, err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(d.o.Dir, &fs); err != nil {
		return f, fmt.Errorf("%s: %w", d.o.Dir, err)
	}
	// Not libvirt's figure: where memory was added later it knows only the first.
	var host unix.Sysinfo_t
	if err := unix.Sysinfo(&host); err != nil {
		return f, err
	}
	return hypervisor.Fingerprint{
		Driver:        "libvirt",
		Version:       fmt.Sprintf("QEMU %s, libvirt %s", version(qemu), version(lib)),
		CPUModel:      strings.TrimSpace(caps.Host.CPU.Vendor + " " + caps.Host.CPU.Model),
		VCPUs:         int(node.Cpus),
		MemoryMiB:     int(host.Totalram * uint64(host.Unit) >> 20),
		DiskGiB:       int(fs.Blocks * uint64(fs.Bsize) >> 30),
		Capabilities:  map[string]bool{hypervisor.CapHotplugNIC: true, hypervisor.CapDisk: true, hypervisor.CapTap: true},
		HypervisorURI: uri,
	}, nil
}

// version writes libvirt's numbers as people know them.
func version(n uint32) string {
	return fmt.Sprintf("%d.%d.%d", n/1_000_000, n/1000%1000, n%1000)
}

func (l *link) capabilities() (*libvirtxml.Caps, error) {
	text, err := l.c.GetCapabilities()
	if err != nil {
		return nil, err
	}
	var caps libvirtxml.Caps
	if err := caps.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("libvirt's capabilities: %w", err)
	}
	if caps.Host.CPU == nil {
		return nil, fmt.Errorf("libvirt's capabilities name no processor")
	}
	return &caps, nil
}
