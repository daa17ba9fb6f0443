package libvirt

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"libvirt.org/go/libvirtxml"

	"github.com/cloudlet/cloudlet/hypervisor"
)

var update = flag.Bool("update", false, "write the golden files anew")

func full() hypervisor.Guest {
	return hypervisor.Guest{
		ID: "7d3c4f6a-0000-4000-8000-0123456789ab", Name: "web <1>\n& more", ProjectID: "p1", VCPUs: 2, MemoryMiB: 256, Digest: "sha256:1",
		Root:        hypervisor.Disk{Path: "/d/root.qcow2", Base: "/d/base", BaseFormat: "raw", SizeBytes: 1 << 30},
		ConfigDrive: "/d/config.iso",
		NICs: []hypervisor.NIC{
			{PortID: "11111111-0000-4000-8000-000000000001", MAC: "FA:16:3e:00:00:01", Tap: "tap1", MTU: 1450},
			{PortID: "11111111-0000-4000-8000-000000000002", MAC: "fa:16:3e:00:00:02", Tap: "tap2"},
		},
		ConsoleLog: "/d/console.log",
	}
}

func TestDefinition(t *testing.T) {
	odd := full()
	odd.ConsoleLog, odd.NICs = "", odd.NICs[:1]
	odd.Properties = map[string]string{
		"hw_disk_bus": "scsi", "hw_cdrom_bus": "sata", "hw_vif_model": "e1000e", "hw_firmware_type": "uefi", "os_distro": "debian",
	}
	kept := record{Reset: 3, Started: "2026-01-02T03:04:05Z", Stopped: stoppedByGuest}
	for _, c := range []struct {
		golden, virt, arch string
		g                  hypervisor.Guest
		r                  record
	}{
		{"qemu", virtQEMU, archX86, full(), record{}},
		{"kvm-properties", virtKVM, archX86, odd, kept},
		{"arm", virtQEMU, archARM, full(), record{}},
	} {
		t.Run(c.golden, func(t *testing.T) {
			if err := check(c.g); err != nil {
				t.Fatal(err)
			}
			got, err := definition(c.g, c.virt, c.arch, c.r)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", c.golden+".xml")
			if *update {
				if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got+"\n" != string(want) {
				t.Errorf("differs from %s ('go test -update' writes it anew):\n%s", file, got)
			}
			readBack(t, got, c.g, c.r)
		})
	}
}

// readBack checks that what List needs can be read from a definition.
func readBack(t *testing.T, text string, g hypervisor.Guest, kept record) {
	t.Helper()
	var d libvirtxml.Domain
	if err := d.Unmarshal(text); err != nil {
		t.Fatal(err)
	}
	r, ours := recordOf(&d)
	r.XMLName = kept.XMLName
	kept.Digest, kept.Name, kept.Project = g.Digest, g.Name, g.ProjectID
	if !ours || r != kept {
		t.Errorf("record %+v, want %+v", r, kept)
	}
	if gone, come := nicChanges(g.NICs, nicsOf(&d)); len(gone)+len(come) > 0 {
		t.Errorf("NICs differ: %v, %v", gone, come)
	}
	if got := consoleLogOf(&d); got != g.ConsoleLog {
		t.Errorf("console log %q, want %q", got, g.ConsoleLog)
	}
}

func TestRecordOfOthers(t *testing.T) {
	for name, metadata := range map[string]string{
		"none":              "",
		"another's":         `<x:guest xmlns:x="urn:other" digest="d"/>`,
		"ours in another's": `<x:box xmlns:x="urn:other"><c:guest xmlns:c="urn:cloudlet:guest:1" digest="d"/></x:box>`,
		"not XML":           `<x`,
	} {
		d := &libvirtxml.Domain{Metadata: &libvirtxml.DomainMetadata{XML: metadata}}
		if _, ours := recordOf(d); ours {
			t.Errorf("%s: taken for ours", name)
		}
	}
	d := &libvirtxml.Domain{Metadata: &libvirtxml.DomainMetadata{XML: `<x:a xmlns:x="urn:other"><b/></x:a> ` + record{Digest: "d"}.metadata()}}
	if r, ours := recordOf(d); !ours || r.Digest != "d" {
		t.Errorf("beside another's: %v, %+v", ours, r)
	}
	if _, ours := recordOf(&libvirtxml.Domain{}); ours {
		t.Error("a domain without metadata is taken for ours")
	}
}

func TestNICChanges(t *testing.T) {
	nics := full().NICs
	moved := nics[1]
	moved.Tap = "tap9"
	wide := nics[0]
	wide.MTU = 9000
	for _, c := range []struct{ want, have, gone, come []hypervisor.NIC }{
		{nics, nics, nil, nil},
		{[]hypervisor.NIC{nics[1], nics[0]}, nics, nil, nil},
		{nil, nics, nics, nil},
		{nics, nil, nil, nics},
		{[]hypervisor.NIC{nics[0], moved}, nics, nics[1:], []hypervisor.NIC{moved}},
		{[]hypervisor.NIC{wide}, nics, nics, []hypervisor.NIC{wide}},
	} {
		gone, come := nicChanges(c.want, c.have)
		if !reflect.DeepEqual(gone, c.gone) || !reflect.DeepEqual(come, c.come) {
			t.Errorf("from %v to %v: %v go, %v come; want %v, %v", c.have, c.want, gone, come, c.gone, c.come)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*hypervisor.Guest){
		"no id":           func(g *hypervisor.Guest) { g.ID = "" },
		"big letters":     func(g *hypervisor.Guest) { g.ID = "7D3C4F6A-0000-4000-8000-0123456789AB" },
		"relative root":   func(g *hypervisor.Guest) { g.Root.Path = "root.qcow2" },
		"no root":         func(g *hypervisor.Guest) { g.Root.Path = "" },
		"relative base":   func(g *hypervisor.Guest) { g.Root.Base = "base" },
		"base's format":   func(g *hypervisor.Guest) { g.Root.BaseFormat = "vmdk" },
		"relative log":    func(g *hypervisor.Guest) { g.ConsoleLog = "log" },
		"relative drive":  func(g *hypervisor.Guest) { g.ConfigDrive = "iso" },
		"MAC":             func(g *hypervisor.Guest) { g.NICs[0].MAC = "fa:16:3e" },
		"multicast MAC":   func(g *hypervisor.Guest) { g.NICs[0].MAC = "01:00:5e:00:00:01" },
		"MAC twice":       func(g *hypervisor.Guest) { g.NICs[0].MAC = "FA:16:3E:00:00:02" },
		"long tap":        func(g *hypervisor.Guest) { g.NICs[0].Tap = "tap4567890123456" },
		"no tap":          func(g *hypervisor.Guest) { g.NICs[0].Tap = "" },
		"tap with quotes": func(g *hypervisor.Guest) { g.NICs[0].Tap = "a'/><b" },
		"port id":         func(g *hypervisor.Guest) { g.NICs[0].PortID = "a b" },
		"MTU":             func(g *hypervisor.Guest) { g.NICs[0].MTU = -1 },
		"disk bus":        func(g *hypervisor.Guest) { g.Properties = map[string]string{"hw_disk_bus": "floppy"} },
		"machine":         func(g *hypervisor.Guest) { g.Properties = map[string]string{"hw_machine_type": "pc,accel=kvm"} },
	} {
		g := full()
		spoil(&g)
		if err := check(g); !errors.Is(err, hypervisor.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}
