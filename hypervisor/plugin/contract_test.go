package plugin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/drivertest"
	"github.com/cloudlet/cloudlet/hypervisor/plugin"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, newRig)
}

// newRig is a program of its own, whose guests are in a directory.
func newRig(t *testing.T) drivertest.Rig {
	dir := t.TempDir()
	open := func(t *testing.T) hypervisor.Driver {
		t.Helper()
		d, err := plugin.Open(t.Context(), options(dir))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open(t)
	t.Cleanup(func() { d.Close() })
	do := func(verb string) func(*testing.T, string) {
		return func(t *testing.T, id string) { t.Helper(); tell(t, d, verb, id) }
	}
	made := 0
	return drivertest.Rig{
		Driver: d,
		Guest: func(*testing.T) hypervisor.Guest {
			made++
			return hypervisor.Guest{
				ID: fmt.Sprintf("guest-%03d", made*7919%1000), Name: "ünïcode", VCPUs: 1, MemoryMiB: 64,
				Digest: fmt.Sprint("d", made),
			}
		},
		NIC: func(*testing.T) hypervisor.NIC {
			made++
			return hypervisor.NIC{PortID: fmt.Sprint("port-", made), MAC: fmt.Sprintf("fa:16:3e:00:00:%02x", made)}
		},
		Reopen: func(t *testing.T) hypervisor.Driver {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = open(t)
			return d
		},
		RestartHost: func(t *testing.T) { tell(t, d, "restart", "") },
		CutEvents:   func(t *testing.T) { kill(t, pid(t, d)) },
		PowerOff:    do("poweroff"),
		Crash:       do("crash"),
		Foreign: func(t *testing.T) (string, func(*testing.T)) {
			tell(t, d, "foreign", "theirs")
			return "theirs", func(t *testing.T) {
				if tell(t, d, "hasforeign", "theirs") != "true" {
					t.Error("the foreign guest is gone")
				}
			}
		},
		Boots: func(t *testing.T, id string) int {
			text, err := d.Console(t.Context(), id, 0)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(text), "Linux version")
		},
	}
}
