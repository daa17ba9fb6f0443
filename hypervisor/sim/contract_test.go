package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/drivertest"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Rig { return newRig(t, sim.Options{}) })
}

func TestContractWithDir(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Rig { return newRig(t, sim.Options{Dir: t.TempDir()}) })
}

func newRig(t *testing.T, o sim.Options) drivertest.Rig {
	d := sim.New(o)
	t.Cleanup(func() { d.Close() })
	do := func(f func(*sim.Driver, string) error) func(*testing.T, string) {
		return func(t *testing.T, id string) {
			t.Helper()
			if err := f(d, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	guests, nics := 0, 0
	r := drivertest.Rig{
		Driver: d,
		Guest: func(*testing.T) hypervisor.Guest {
			guests++
			return hypervisor.Guest{
				ID:   fmt.Sprintf("7d3c0000-0000-4000-8000-%012d", (guests*7919)%1000), // not in order
				Name: fmt.Sprint("guest-", guests), VCPUs: 1, MemoryMiB: 64, Digest: fmt.Sprint("d", guests),
			}
		},
		NIC: func(*testing.T) hypervisor.NIC {
			nics++
			return hypervisor.NIC{PortID: fmt.Sprint("port-", nics), MAC: fmt.Sprintf("fa:16:3e:00:00:%02x", nics)}
		},
		PowerOff:    do((*sim.Driver).PowerOff),
		Crash:       do((*sim.Driver).Crash),
		CutEvents:   func(*testing.T) { d.CutEvents() },
		RestartHost: func(t *testing.T) { do(func(d *sim.Driver, _ string) error { return d.Restart() })(t, "") },
		Foreign: func(*testing.T) (string, func(*testing.T)) {
			const id = "foreign"
			d.AddForeign(id)
			return id, func(t *testing.T) {
				if !d.HasForeign(id) {
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
	if o.Dir != "" {
		r.Reopen = func(t *testing.T) hypervisor.Driver {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = sim.New(o)
			return d
		}
	}
	return r
}
