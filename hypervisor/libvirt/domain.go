package libvirt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/cloudlet/cloudlet/hypervisor"
)

const (
	virtKVM  = "kvm"
	virtQEMU = "qemu"

	namePrefix  = "cloudlet-"
	aliasPrefix = "ua-" // libvirt keeps aliases that users choose if they begin so
	defaultMTU  = 1500

	archX86 = "x86_64"
	archARM = "aarch64"

	// tcgCacheMiB is how much translated code QEMU keeps; by itself it would
	// take a gigabyte for each guest.
	tcgCacheMiB = 32
	// sparePorts are the cards that a guest can be given while it runs, on a
	// machine where each needs a port of its own.
	sparePorts = 8
)

// emulatedCPU is x86-64-v2, which today's distributions are built for, on top
// of the least that QEMU knows.
var emulatedCPU = []string{"cx16", "lahf_lm", "popcnt", "sse4.1", "sse4.2", "ssse3"}

// definition is the domain that is to be of g, which check has passed.
func definition(g hypervisor.Guest, virt, arch string, r record) (string, error) {
	r.Digest, r.Name, r.Project = g.Digest, g.Name, g.ProjectID
	machine := machineOf(g, arch)
	d := &libvirtxml.Domain{
		Type:       virt,
		Name:       namePrefix + g.ID,
		UUID:       g.ID,
		Title:      strings.Join(strings.Fields(g.Name), " "), // it must be one line
		Metadata:   &libvirtxml.DomainMetadata{XML: r.metadata()},
		Memory:     &libvirtxml.DomainMemory{Value: uint(g.MemoryMiB), Unit: "MiB"},
		VCPU:       &libvirtxml.DomainVCPU{Value: uint(g.VCPUs)},
		SysInfo:    []libvirtxml.DomainSysInfo{{SMBIOS: smbios(g)}},
		OS:         bootOf(g, arch, machine),
		Features:   &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}},
		CPU:        cpuOf(virt, arch),
		Clock:      clockOf(virt, arch),
		OnPoweroff: "destroy",
		OnReboot:   "restart",
		OnCrash:    "destroy",
		Devices:    devicesOf(g, machine),
	}
	if arch == archX86 {
		d.Features.APIC = &libvirtxml.DomainFeatureAPIC{}
	}
	if virt == virtQEMU {
		d.Features.TCG = &libvirtxml.DomainFeatureTCG{TBCache: &libvirtxml.DomainFeatureTCGTBCache{Unit: "MiB", Size: tcgCacheMiB}}
	}
	text, err := d.Marshal()
	if err != nil {
		return "", fmt.Errorf("%w: %w", hypervisor.ErrInvalid, err)
	}
	return text, nil
}

func machineOf(g hypervisor.Guest, arch string) string {
	byArch := "pc"
	switch {
	case arch == archARM:
		byArch = "virt"
	case g.Properties["hw_firmware_type"] == "uefi":
		byArch = "q35"
	}
	return cmp.Or(g.Properties["hw_machine_type"], byArch)
}

// isPCIe tells machines whose cards sit on ports of their own.
func isPCIe(machine string) bool {
	return strings.Contains(machine, "q35") || strings.HasPrefix(machine, "virt")
}

func bootOf(g hypervisor.Guest, arch, machine string) *libvirtxml.DomainOS {
	os := &libvirtxml.DomainOS{
		Type:        &libvirtxml.DomainOSType{Arch: arch, Machine: machine, Type: "hvm"},
		BootDevices: []libvirtxml.DomainBootDevice{{Dev: "hd"}},
		SMBios:      &libvirtxml.DomainSMBios{Mode: "sysinfo"},
	}
	if g.Properties["hw_firmware_type"] == "uefi" || arch == archARM {
		os.Firmware = "efi"
	}
	return os
}

// smbios says what cloud-init looks for to know that it is on an OpenStack.
func smbios(g hypervisor.Guest) *libvirtxml.DomainSysInfoSMBIOS {
	return &libvirtxml.DomainSysInfoSMBIOS{System: &libvirtxml.DomainSysInfoSystem{Entry: []libvirtxml.DomainSysInfoEntry{
		{Name: "manufacturer", Value: "OpenStack Foundation"},
		{Name: "product", Value: "OpenStack Nova"},
		{Name: "serial", Value: g.ID},
		{Name: "uuid", Value: g.ID},
		{Name: "family", Value: "Virtual Machine"},
	}}}
}

func cpuOf(virt, arch string) *libvirtxml.DomainCPU {
	if virt == virtKVM {
		return &libvirtxml.DomainCPU{Mode: "host-passthrough", Check: "none"}
	}
	cpu := &libvirtxml.DomainCPU{Mode: "custom", Match: "exact", Check: "none"}
	if arch == archARM {
		cpu.Model = &libvirtxml.DomainCPUModel{Fallback: "forbid", Value: "cortex-a57"}
		return cpu
	}
	cpu.Model = &libvirtxml.DomainCPUModel{Fallback: "forbid", Value: "qemu64"}
	for _, f := range emulatedCPU {
		cpu.Features = append(cpu.Features, libvirtxml.DomainCPUFeature{Policy: "require", Name: f})
	}
	return cpu
}

func clockOf(virt, arch string) *libvirtxml.DomainClock {
	c := &libvirtxml.DomainClock{Offset: "utc"}
	if arch != archX86 {
		return c
	}
	if virt == virtKVM {
		c.Timer = append(c.Timer, libvirtxml.DomainTimer{Name: "pit", TickPolicy: "delay"},
			libvirtxml.DomainTimer{Name: "rtc", TickPolicy: "catchup"})
	}
	c.Timer = append(c.Timer, libvirtxml.DomainTimer{Name: "hpet", Present: "no"})
	return c
}

func devicesOf(g hypervisor.Guest, machine string) *libvirtxml.DomainDeviceList {
	d := &libvirtxml.DomainDeviceList{
		Disks:       disksOf(g),
		Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
		MemBalloon:  &libvirtxml.DomainMemBalloon{Model: "virtio"},
		RNGs: []libvirtxml.DomainRNG{{Model: "virtio", Backend: &libvirtxml.DomainRNGBackend{
			Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"},
		}}},
	}
	for _, disk := range d.Disks {
		if disk.Target.Bus == "scsi" {
			d.Controllers = append(d.Controllers, libvirtxml.DomainController{Type: "scsi", Model: "virtio-scsi"})
			break
		}
	}
	if isPCIe(machine) {
		for i := range uint(1 + sparePorts + len(g.NICs) + 4) { // disk, config drive, balloon, RNG
			c := libvirtxml.DomainController{Type: "pci", Index: &i, Model: "pcie-root-port"}
			if i == 0 {
				c.Model = "pcie-root"
			}
			d.Controllers = append(d.Controllers, c)
		}
	}
	for _, n := range g.NICs {
		d.Interfaces = append(d.Interfaces, interfaceOf(n, g.Properties["hw_vif_model"]))
	}
	zero := uint(0)
	serial := libvirtxml.DomainSerial{
		Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
		Target: &libvirtxml.DomainSerialTarget{Port: &zero},
	}
	if g.ConsoleLog != "" {
		serial.Log = &libvirtxml.DomainChardevLog{File: g.ConsoleLog, Append: "on"}
	}
	d.Serials = []libvirtxml.DomainSerial{serial}
	d.Consoles = []libvirtxml.DomainConsole{{
		Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
		Target: &libvirtxml.DomainConsoleTarget{Type: "serial", Port: &zero},
	}}
	return d
}

// disksOf are the root disk and the config drive. That is a disk, not a CD, by
// itself: guests without a driver for anything but virtio can read it then.
func disksOf(g hypervisor.Guest) []libvirtxml.DomainDisk {
	bus := cmp.Or(g.Properties["hw_disk_bus"], "virtio")
	root := libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "qcow2", Discard: "unmap"},
		Source: fileSource(g.Root.Path),
		Target: &libvirtxml.DomainDiskTarget{Dev: busPrefix[bus] + "a", Bus: bus},
	}
	if g.ConfigDrive == "" {
		return []libvirtxml.DomainDisk{root}
	}
	cdBus := cmp.Or(g.Properties["hw_cdrom_bus"], "virtio")
	drive := libvirtxml.DomainDisk{
		Device:   "cdrom",
		Driver:   &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw"},
		Source:   fileSource(g.ConfigDrive),
		Target:   &libvirtxml.DomainDiskTarget{Dev: busPrefix[cdBus] + "b", Bus: cdBus},
		ReadOnly: &libvirtxml.DomainDiskReadOnly{},
	}
	if cdBus == "virtio" {
		drive.Device = "disk"
	}
	return []libvirtxml.DomainDisk{root, drive}
}

// busPrefix begins the names of a bus's disks.
var busPrefix = map[string]string{"virtio": "vd", "scsi": "sd", "sata": "sd", "ide": "hd"}

func fileSource(path string) *libvirtxml.DomainDiskSource {
	return &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: path}}
}

// interfaceOf is the card that opens a tap which somebody else made.
func interfaceOf(n hypervisor.NIC, model string) libvirtxml.DomainInterface {
	return libvirtxml.DomainInterface{
		MAC:    &libvirtxml.DomainInterfaceMAC{Address: strings.ToLower(n.MAC)},
		Source: &libvirtxml.DomainInterfaceSource{Ethernet: &libvirtxml.DomainInterfaceSourceEthernet{}},
		Target: &libvirtxml.DomainInterfaceTarget{Dev: n.Tap, Managed: "no"},
		Model:  &libvirtxml.DomainInterfaceModel{Type: cmp.Or(model, "virtio")},
		MTU:    &libvirtxml.DomainInterfaceMTU{Size: uint(cmp.Or(n.MTU, defaultMTU))},
		Alias:  &libvirtxml.DomainAlias{Name: aliasPrefix + n.PortID},
		ROM:    &libvirtxml.DomainROM{Enabled: "no"}, // guests boot from their disk
	}
}

// nicsOf are the cards that a domain has, in its order.
func nicsOf(d *libvirtxml.Domain) []hypervisor.NIC {
	if d.Devices == nil {
		return nil
	}
	var nics []hypervisor.NIC
	for _, i := range d.Devices.Interfaces {
		if i.Alias == nil || !strings.HasPrefix(i.Alias.Name, aliasPrefix) {
			continue
		}
		n := hypervisor.NIC{PortID: strings.TrimPrefix(i.Alias.Name, aliasPrefix)}
		if i.MAC != nil {
			n.MAC = i.MAC.Address
		}
		if i.Target != nil {
			n.Tap = i.Target.Dev
		}
		if i.MTU != nil {
			n.MTU = int(i.MTU.Size)
		}
		nics = append(nics, n)
	}
	return nics
}

// sameNIC tells whether two descriptions are of one card.
func sameNIC(want, have hypervisor.NIC) bool {
	for _, n := range []*hypervisor.NIC{&want, &have} {
		n.MAC, n.MTU = strings.ToLower(n.MAC), cmp.Or(n.MTU, defaultMTU)
	}
	return want == have
}

// nicChanges tells which cards must go and come for have to be want.
func nicChanges(want, have []hypervisor.NIC) (gone, come []hypervisor.NIC) {
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w hypervisor.NIC) bool { return sameNIC(w, h) }) {
			gone = append(gone, h)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h hypervisor.NIC) bool { return sameNIC(w, h) }) {
			come = append(come, w)
		}
	}
	return gone, come
}

// consoleLogOf is where a domain's serial console goes; empty: nowhere.
func consoleLogOf(d *libvirtxml.Domain) string {
	if d.Devices == nil {
		return ""
	}
	for _, s := range d.Devices.Serials {
		if s.Log != nil {
			return s.Log.File
		}
	}
	return ""
}
