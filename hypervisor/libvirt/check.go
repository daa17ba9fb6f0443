package libvirt

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/hypervisor"
)

var (
	uuidPattern    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`) // what libvirt takes in an alias
	machinePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	tapPattern     = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
)

// The image properties that make a difference here, with their values.
var properties = map[string][]string{
	"hw_disk_bus":      {"virtio", "scsi", "ide", "sata"},
	"hw_cdrom_bus":     {"virtio", "scsi", "ide", "sata"},
	"hw_vif_model":     {"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3"},
	"hw_firmware_type": {"bios", "uefi"},
}

// check tells why no guest can be as g, before anything is done.
func check(g hypervisor.Guest) error {
	invalid := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", hypervisor.ErrInvalid, fmt.Sprintf(format, args...))
	}
	switch {
	case !uuidPattern.MatchString(g.ID):
		return invalid("id %q is not a UUID in lower case", g.ID)
	case g.VCPUs < 1:
		return invalid("%d vCPUs", g.VCPUs)
	case g.MemoryMiB < 1:
		return invalid("%d MiB of memory", g.MemoryMiB)
	case g.VirtType != "" && g.VirtType != virtKVM && g.VirtType != virtQEMU:
		return invalid("virt type %q is neither kvm nor qemu", g.VirtType)
	case !filepath.IsAbs(g.Root.Path):
		return invalid("root disk %q is not an absolute path", g.Root.Path)
	case g.Root.SizeBytes < 0:
		return invalid("root disk of %d bytes", g.Root.SizeBytes)
	case g.Root.Base != "" && !filepath.IsAbs(g.Root.Base):
		return invalid("base image %q is not an absolute path", g.Root.Base)
	case g.Root.Base != "" && g.Root.BaseFormat != "raw" && g.Root.BaseFormat != "qcow2":
		return invalid("base image's format %q is neither raw nor qcow2", g.Root.BaseFormat)
	case g.ConfigDrive != "" && !filepath.IsAbs(g.ConfigDrive):
		return invalid("config drive %q is not an absolute path", g.ConfigDrive)
	case g.ConsoleLog != "" && !filepath.IsAbs(g.ConsoleLog):
		return invalid("console log %q is not an absolute path", g.ConsoleLog)
	}
	for name, values := range properties {
		if v := g.Properties[name]; v != "" && !slices.Contains(values, v) {
			return invalid("image property %s is %q, not one of %s", name, v, strings.Join(values, ", "))
		}
	}
	if m := g.Properties["hw_machine_type"]; m != "" && !machinePattern.MatchString(m) {
		return invalid("image property hw_machine_type is %q", m)
	}
	return checkNICs(g.NICs, invalid)
}

func checkNICs(nics []hypervisor.NIC, invalid func(string, ...any) error) error {
	ports, taps, macs := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, n := range nics {
		mac, err := net.ParseMAC(n.MAC)
		switch {
		case !namePattern.MatchString(n.PortID):
			return invalid("port id %q", n.PortID)
		case err != nil || len(mac) != 6 || mac[0]&1 != 0:
			return invalid("port %s: MAC %q is no card's", n.PortID, n.MAC)
		case !tapPattern.MatchString(n.Tap):
			return invalid("port %s: tap %q is no device's name", n.PortID, n.Tap)
		case n.MTU < 0 || n.MTU > 65535:
			return invalid("port %s: MTU %d", n.PortID, n.MTU)
		case ports[n.PortID] || taps[n.Tap] || macs[mac.String()]:
			return invalid("port %s: its id, tap or MAC is another card's too", n.PortID)
		}
		ports[n.PortID], taps[n.Tap], macs[mac.String()] = true, true, true
	}
	return nil
}
