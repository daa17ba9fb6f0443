package agent

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// inOrder checks that lines are among those noted, in that order.
func inOrder(t *testing.T, got []string, want ...string) {
	t.Helper()
	at := 0
	for _, line := range want {
		n := slices.Index(got[at:], line)
		if n < 0 {
			t.Errorf("%q is not where it belongs: did %v, want the order %v", line, got, want)
			return
		}
		at += n + 1
	}
}

func ports(g hypervisor.GuestState) (ids []string) {
	for _, n := range g.NICs {
		ids = append(ids, n.PortID)
	}
	return ids
}

func TestHotplug(t *testing.T) {
	w, i := running(t, nil)
	w.heard()
	w.j.take()
	two := with(i, func(i *hostapi.Instance) { i.Nics = append(i.Nics, &hostapi.Nic{PortId: "p2", NetworkId: "n1"}) })
	w.desire(desired(two, network("g1", "p1", "p2")))
	w.await(t, "p2 active", func() bool { return w.ports["p2"].GetActive() })
	w.twice()
	lines := w.j.take()
	inOrder(t, lines, "filters n1", "prepare p2", "ensure g1", "activate p2")
	if slices.Contains(lines, "prepare p1") {
		t.Error("the tap of a card in use was prepared anew")
	}
	if got := ports(w.guest("g1")); !slices.Equal(got, []string{"p1", "p2"}) {
		t.Errorf("the guest has %v", got)
	}
	one := with(two, func(i *hostapi.Instance) { i.Nics = i.Nics[1:] })
	n := network("g1", "p1", "p2")
	n.Ports = n.Ports[1:]
	w.desire(desired(one, n))
	w.eventually("p1 is gone", func() bool { return len(w.networks()[0].Ports) == 1 })
	inOrder(t, w.j.take(), "ensure g1", "remove p1")
	w.twice()
	if got := ports(w.guest("g1")); !slices.Equal(got, []string{"p2"}) {
		t.Errorf("the guest has %v", got)
	}
	w.desire(desired(with(two, func(i *hostapi.Instance) { i.Generation++ }), network("g1", "p1", "p2"))) // and back
	w.eventually("p1 is back", func() bool {
		nets := w.networks()
		return len(nets[0].Ports) == 2 && nets[0].Ports[0].Active && nets[0].Ports[1].Active
	})
	w.twice()
}

// A guest that is off keeps no card that nobody wants: its network could not go.
func TestUnplugWhileOff(t *testing.T) {
	w, i := running(t, nil)
	off := with(i, func(i *hostapi.Instance) { i.Power = powerStopped })
	w.desire(desired(off))
	w.powers("g1", powerStopped)
	d := desired(with(off, func(i *hostapi.Instance) { i.Nics = nil }))
	d.RemovedNetworks = []string{"n1"}
	w.desire(d)
	w.eventually("no network is left", func() bool { return len(w.networks()) == 0 })
	w.twice()
	if g := w.guest("g1"); g.Power != hypervisor.Off || len(g.NICs) != 0 {
		t.Errorf("the guest is %+v", g)
	}
}

func TestNetworkIsRemovedAfterItsLastGuest(t *testing.T) {
	w, _ := running(t, nil)
	w.j.take()
	w.desire(&hostapi.Desired{RemovedInstances: []string{"g1"}, RemovedNetworks: []string{"n1"}})
	w.eventually("an empty host", func() bool { return len(w.guests())+len(w.networks()) == 0 })
	inOrder(t, w.j.take(), "destroy g1", "remove network n1")
	w.idle()
	w.mu.Lock()
	clear(w.instances)
	w.mu.Unlock()
	w.desire(desired(instance("g1", "p1"), network("g1", "p1")))
	w.powers("g1", powerRunning)
	w.twice()
}

func TestSwitchFaults(t *testing.T) {
	broken := errors.New("no such bridge")
	for _, line := range []string{"network n1", "filters n1", "prepare p1", "activate p1"} {
		t.Run(line, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.j.failing(line, broken) })
			w.desire(desired(instance("g1", "p1"), network("g1", "p1")))
			if o := w.faults("g1"); !strings.Contains(o.Fault, "no such bridge") {
				t.Errorf("the fault is %+v", o)
			}
			if g := w.guest("g1"); line != "activate p1" && g.Power == hypervisor.Running {
				t.Error("it runs although its network is not there")
			}
			w.j.failing(line, nil)
			w.powers("g1", powerRunning)
			w.await(t, "an active port", func() bool { return w.ports["p1"].Active && w.ports["p1"].Fault == "" })
			w.twice()
		})
	}
	for _, line := range []string{"remove p1", "remove network n1"} {
		t.Run(line, func(t *testing.T) {
			w, i := running(t, nil)
			w.j.failing(line, broken)
			w.desire(desired(with(i, func(i *hostapi.Instance) { i.Nics = nil }), network("g1")))
			w.desire(&hostapi.Desired{RemovedNetworks: []string{"n1"}})
			w.eventually("attempts", func() bool { return w.j.count(line) > 1 || line == "remove p1" && w.j.count("remove network n1") > 0 })
			w.j.failing(line, nil)
			w.eventually("no network is left", func() bool { return len(w.networks()) == 0 })
		})
	}
}

// What has not been told cannot be made; it is made when it is told.
func TestNetworkToldLate(t *testing.T) {
	w := newWorld(t, nil)
	w.desire(desired(instance("g1", "p1")))
	w.twice()
	if len(w.guests()) > 0 {
		t.Fatal("there is a guest without its network")
	}
	w.desire(&hostapi.Desired{Networks: []*hostapi.Network{network("g1", "p1")}})
	w.powers("g1", powerRunning)
	w.twice()
	two := with(instance("g1", "p1"), func(i *hostapi.Instance) { i.Nics = append(i.Nics, &hostapi.Nic{PortId: "p2", NetworkId: "n2"}) })
	w.desire(desired(two)) // while it runs
	w.twice()
	n := network("g1", "p1", "p2")
	n.Id, n.Vni, n.Ports = "n2", 8, n.Ports[1:]
	w.desire(&hostapi.Desired{Networks: []*hostapi.Network{n}})
	w.await(t, "the second card", func() bool { return w.ports["p2"].GetActive() })
	w.twice()
}

func TestServices(t *testing.T) {
	w, _ := running(t, nil)
	metadata := func(from string) string {
		conn, err := w.sw.DialMetadata(t.Context(), "n1", netip.MustParseAddr(from))
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		req, _ := http.NewRequest("GET", "http://169.254.169.254/openstack/latest/meta_data.json", nil)
		if err := req.Write(conn); err != nil {
			return err.Error()
		}
		b := make([]byte, 4096)
		n, _ := io.ReadAtLeast(conn, b, 200)
		return string(b[:n])
	}
	if got := metadata("10.0.0.10"); !strings.Contains(got, `"uuid":"g1"`) && !strings.Contains(got, `"uuid": "g1"`) {
		t.Errorf("metadata: %s", got)
	}
	ask := func() string {
		mac, _ := vswitch.ParseMAC("fa:16:3e:00:00:01")
		d, _ := dhcpv4.NewDiscovery(mac)
		b, err := w.sw.ExchangeDHCP(t.Context(), "n1", "p1", netip.MustParseAddrPort("0.0.0.0:68"), d.ToBytes())
		if err != nil {
			return err.Error()
		}
		offer, err := dhcpv4.FromBytes(b)
		if err != nil {
			return err.Error()
		}
		return offer.YourIPAddr.String()
	}
	if got := ask(); got != "10.0.0.10" {
		t.Errorf("DHCP offers %s", got)
	}
	w.sw.Close() // the sockets break
	w.eventually("DHCP again", func() bool { return ask() == "10.0.0.10" })
	w.eventually("metadata again", func() bool { return strings.Contains(metadata("10.0.0.10"), "g1") })
	w.twice()
	w.stop()
	if got := ask(); got == "10.0.0.10" {
		t.Error("DHCP is answered after the agent has ended")
	}
}
