package agent

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

func TestHostRestartBringsGuestsBack(t *testing.T) {
	w, i := running(t, nil)
	w.desire(&hostapi.Desired{Instances: []*hostapi.Instance{with(instance("g2"), func(i *hostapi.Instance) { i.Power = powerStopped })}})
	w.powers("g2", powerStopped)
	w.heard()
	if err := w.sim.Restart(); err != nil {
		t.Fatal(err)
	}
	w.eventually("g1 runs", func() bool { return w.guest("g1").Power == hypervisor.Running })
	w.powers("g1", powerRunning)
	w.twice()
	_ = i
}

// The server is away for all of a host's restart.
func TestHostRestartWithoutServer(t *testing.T) {
	w, _ := running(t, nil)
	w.desire(&hostapi.Desired{Instances: []*hostapi.Instance{instance("g2")}})
	w.powers("g2", powerRunning)
	if err := w.sim.PowerOff("g2"); err != nil {
		t.Fatal(err)
	}
	w.powers("g2", powerStopped)
	w.desire(&hostapi.Desired{Instances: []*hostapi.Instance{with(instance("g2"), func(i *hostapi.Instance) { i.Power = powerStopped })}})
	w.heard()
	w.stop()
	w.grpc.Stop()
	if err := w.sim.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := w.sw.RemoveNetwork(t.Context(), "n1"); err != nil { // as the kernel forgets it
		t.Fatal(err)
	}
	w.j.take()
	w.start()
	w.eventually("g1 runs", func() bool {
		nets := w.networks()
		return w.guest("g1").Power == hypervisor.Running && len(nets) == 1 && len(nets[0].Ports) == 1 && nets[0].Ports[0].Active && nets[0].Ports[0].Filtered
	})
	w.idle()
	if g := w.guest("g2"); g.Power != hypervisor.Off {
		t.Errorf("g2, which was stopped, is %s", g.Power)
	}
	for _, line := range w.j.take() {
		if line == "destroy g1" || line == "remove p1" || line == "remove network n1" {
			t.Errorf("without the server it did: %s", line)
		}
	}
}

// A guest that was being made when the host went down is made without the server.
func TestUndefinedGuestIsMadeWithoutServer(t *testing.T) {
	w := newWorld(t, func(w *world) { w.sim.Inject(sim.Fault{Method: "Ensure", Times: -1}) })
	w.desire(desired(instance("g1", "p1"), network("g1", "p1")))
	w.eventually("an attempt", func() bool { return w.j.count("ensure g1") > 0 })
	w.stop()
	w.grpc.Stop()
	w.sim.ClearFaults()
	w.start()
	w.eventually("g1 runs", func() bool { return w.guest("g1").Power == hypervisor.Running })
}

func TestAgentRestartDisturbsNothing(t *testing.T) {
	w, _ := running(t, nil)
	w.heard()
	guests, networks := w.guests(), w.networks()
	w.sim.Inject(sim.Fault{Method: "List", Times: 3}) // told late what there is
	w.j.take()
	w.mu.Lock()
	clear(w.instances)
	w.mu.Unlock()
	w.restart()
	w.powers("g1", powerRunning)
	w.await(t, "the port", func() bool { return w.ports["p1"].Active })
	w.idle()
	for _, line := range w.j.take() {
		if !slices.Contains([]string{"network n1", "filters n1", "activate p1"}, line) {
			t.Errorf("it did: %s", line)
		}
	}
	if now := w.guests(); !slices.EqualFunc(now, guests, func(a, b hypervisor.GuestState) bool { return a.StartedAt.Equal(b.StartedAt) && a.Digest == b.Digest }) {
		t.Errorf("guests were %+v and are %+v", guests, now)
	}
	if now := w.networks(); len(now) != 1 || now[0].Ports[0] != networks[0].Ports[0] {
		t.Errorf("networks were %+v and are %+v", networks, now)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.history {
		if o.Power != "" && o.Power != powerRunning {
			t.Errorf("it reported %v of a guest that runs", o)
		}
	}
}

func TestWhatAWholeDesiredDoesNotNameIsRemoved(t *testing.T) {
	w, _ := running(t, nil)
	w.heard()
	w.stop()
	w.mu.Lock()
	w.want = nil // the server has not told yet
	w.mu.Unlock()
	if err := w.sim.Ensure(t.Context(), hypervisor.Guest{ID: "stray", VCPUs: 1, MemoryMiB: 1, NICs: []hypervisor.NIC{{PortID: "px"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sw.PreparePort(t.Context(), vswitch.Port{ID: "px", NetworkID: "nx", MAC: "fa:16:3e:00:00:99"}); err != nil {
		t.Fatal(err)
	}
	if err := w.sw.EnsureNetwork(t.Context(), vswitch.Network{ID: "ny", VNI: 9}); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(w.dir, "instances", "stray")
	if err := os.Mkdir(stray, 0o700); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.eventually("a list of guests", func() bool {
		w.agent.mu.Lock()
		defer w.agent.mu.Unlock()
		return w.agent.listed
	})
	w.agent.resync(t.Context())
	w.idle()
	if len(w.guests()) != 2 || len(w.networks()) != 3 || !fileExists(stray) {
		t.Fatalf("before the server told, there are %+v and %+v", w.guests(), w.networks())
	}
	w.server.desire(&hostapi.Desired{Networks: []*hostapi.Network{{Id: "n1", Vni: 7, Mtu: 1450, AdminUp: true}}})
	w.eventually("only n1 is left", func() bool {
		nets := w.networks()
		return len(w.guests()) == 0 && len(nets) == 1 && nets[0].ID == "n1" && len(nets[0].Ports) == 0 && !fileExists(stray)
	})
	w.twice()
	if left, _ := os.ReadDir(filepath.Join(w.dir, keptInstances)); len(left) > 0 {
		t.Errorf("kept of what is not desired: %v", left)
	}
}

// A new stream hears everything again: the server may have lost what it was told.
func TestNewStreamHearsEverything(t *testing.T) {
	w, _ := running(t, nil)
	w.heard()
	for what, begin := range map[string]func(){"of a new agent": w.restart, "after one that broke": w.cutStreams} {
		w.mu.Lock()
		clear(w.instances)
		clear(w.ports)
		w.mu.Unlock()
		begin()
		w.await(t, "the guest on a stream "+what, func() bool { return w.instances["g1"].GetPower() == powerRunning })
		w.await(t, "the port on a stream "+what, func() bool { return w.ports["p1"].GetActive() })
	}
}

// A list that is older than what a worker did is not believed, and made again: it
// may be newer in something else.
func TestOldListIsNotBelieved(t *testing.T) {
	w, _ := running(t, nil)
	w.heard()
	a := w.agent
	w.j.take()
	a.mu.Lock()
	before := a.guests["g1"].seq - 1
	a.mu.Unlock()
	a.noteAll(nil, before) // from before the guest was made
	w.idle()
	a.mu.Lock()
	if !a.guests["g1"].exists {
		t.Error("an old list was believed")
	}
	a.mu.Unlock()
	if lines := w.j.take(); len(lines) > 0 {
		t.Errorf("it did %v", lines)
	}
	w.sim.Inject(sim.Fault{Method: "List", Times: 1})
	if err := w.sim.PowerOff("g1"); err != nil {
		t.Fatal(err)
	}
	a.noteAll([]hypervisor.GuestState{{ID: "g1", Power: hypervisor.Off, ByGuest: true}}, before)
	w.powers("g1", powerStopped)
}

// Whoever cannot believe a list has another one made.
func TestListThatIsNotBelievedIsMadeAgain(t *testing.T) {
	for name, g := range map[string]*guest{"older than a worker": {exists: true, seq: 5}, "while a worker is at it": {exists: true, busy: true}} {
		a := &Agent{refresh: make(chan struct{}, 1), guests: map[string]*guest{"g1": g}, out: newOutbox()}
		a.noteAll(nil, 4)
		if !g.exists {
			t.Errorf("%s: the list was believed", name)
		}
		if g.busy {
			a.end(&job{agent: a, id: "g1", sit: situation{exists: true}})
		}
		if len(a.refresh) != 1 {
			t.Errorf("%s: no other list is made", name)
		}
	}
}
