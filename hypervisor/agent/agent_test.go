package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
)

// running returns a world with the guest g1 running on port p1.
func running(t *testing.T, change func(*world)) (*world, *hostapi.Instance) {
	w := newWorld(t, change)
	i := instance("g1", "p1")
	w.desire(desired(i, network("g1", "p1")))
	w.powers("g1", powerRunning)
	i = with(i, func(i *hostapi.Instance) { i.Asked = false })
	w.desire(desired(i))
	w.idle()
	return w, i
}

func TestDesiredRuns(t *testing.T) {
	w, _ := running(t, nil)
	w.await(t, "an active port", func() bool { p := w.ports["p1"]; return p != nil && p.Active })
	inOrder(t, w.j.take(), "network n1", "filters n1", "prepare p1", "ensure g1", "start g1", "activate p1")
	g, nets := w.guest("g1"), w.networks()
	if g.Power != hypervisor.Running || len(g.NICs) != 1 || len(nets) != 1 || len(nets[0].Ports) != 1 {
		t.Fatalf("guest %+v, networks %+v", g, nets)
	}
	if p := nets[0].Ports[0]; !p.Active || !p.Filtered || p.Tap != g.NICs[0].Tap {
		t.Errorf("port %+v, the guest's card %+v", p, g.NICs[0])
	}
	w.twice()
}

func TestGuestThatPowersItselfOffStaysOffUntilAsked(t *testing.T) {
	w, i := running(t, nil)
	if err := w.sim.PowerOff("g1"); err != nil {
		t.Fatal(err)
	}
	w.powers("g1", powerStopped)
	w.await(t, "an inactive port", func() bool { return !w.ports["p1"].Active && w.ports["p1"].Fault == "" })
	w.twice()
	if g := w.guest("g1"); g.Power != hypervisor.Off {
		t.Fatalf("it is %s", g.Power)
	}
	w.desire(desired(with(i, func(i *hostapi.Instance) { i.Power = powerStopped })))
	w.twice()
	w.desire(desired(with(i, func(i *hostapi.Instance) { i.Generation += 2; i.Asked = true })))
	w.powers("g1", powerRunning)
	w.await(t, "an active port", func() bool { return w.ports["p1"].Active })
	w.twice()
}

// A guest may be off again before the server has heard that it ran: both count.
func TestGuestThatRanAndWentIsReportedAsBoth(t *testing.T) {
	w := newWorld(t, nil)
	w.desire(desired(instance("g1")))
	w.powers("g1", powerRunning)
	w.heard()
	w.mu.Lock()
	w.history = nil // as if that was lost
	w.mu.Unlock()
	if err := w.sim.PowerOff("g1"); err != nil {
		t.Fatal(err)
	}
	w.powers("g1", powerStopped)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.history); n < 2 || w.history[n-2].Power != powerRunning {
		t.Errorf("reported %v, want that it ran before that it is off", w.history)
	}
	if g := w.guest("g1"); g.Power != hypervisor.Off {
		t.Errorf("it is %s: it ran as asked, and went off by itself", g.Power)
	}
}

func TestCrashIsReportedAndNotRestarted(t *testing.T) {
	w, i := running(t, nil)
	if err := w.sim.Crash("g1"); err != nil {
		t.Fatal(err)
	}
	w.powers("g1", powerCrashed)
	w.twice()
	w.desire(desired(with(i, func(i *hostapi.Instance) { i.RebootSerial, i.Asked = 1, true })))
	w.powers("g1", powerRunning)
	w.twice()
}

func TestStopAndReboots(t *testing.T) {
	w, i := running(t, nil)
	boots := func() int {
		b, err := w.sim.Console(t.Context(), "g1", 0)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(b), "Linux version")
	}
	for serial, soft := range []bool{true, false, true} {
		w.j.take()
		i = with(i, func(i *hostapi.Instance) {
			i.RebootSerial, i.RebootSoft, i.Asked = uint64(serial+1), soft, true
		})
		w.desire(desired(i))
		w.await(t, "reboot", func() bool {
			o := w.instances["g1"]
			return o.RebootSerial == uint64(serial+1) && o.Power == powerRunning
		})
		w.twice()
		if n := boots(); n != serial+2 {
			t.Errorf("after reboot %d it has booted %d times", serial+1, n)
		}
		stop := "stop g1 0s"
		if soft {
			stop = "stop g1 1m0s"
		}
		if lines := w.j.take(); slices.Index(lines, stop) < 0 || slices.Index(lines, fmt.Sprintf("reset g1 %d", serial+1)) < slices.Index(lines, stop) {
			t.Errorf("reboot %d (soft %t) did %v", serial+1, soft, lines)
		}
	}
	i = with(i, func(i *hostapi.Instance) { i.Power = powerStopped })
	w.desire(desired(i))
	w.powers("g1", powerStopped)
	w.twice()
}

func TestGoneLeavesNothing(t *testing.T) {
	w, i := running(t, func(w *world) { w.disks = true; w.images[emptySHA] = []byte{} })
	dir := filepath.Join(w.dir, "instances", "g1")
	if !fileExists(dir) {
		t.Fatal("it has no directory")
	}
	w.desire(desired(with(i, func(i *hostapi.Instance) { i.Power = powerGone })))
	w.await(t, "gone", func() bool { return w.instances["g1"].Gone })
	if fileExists(dir) {
		t.Error("its directory is left")
	}
	w.twice()
	w.desire(&hostapi.Desired{RemovedInstances: []string{"g1"}, RemovedNetworks: []string{"n1"}})
	w.eventually("an empty host", func() bool { return len(w.guests())+len(w.networks()) == 0 })
	w.idle()
	w.agent.mu.Lock()
	defer w.agent.mu.Unlock()
	if n := len(w.agent.guests) + len(w.agent.nets) + len(w.agent.instances) + len(w.agent.networks); n > 0 {
		t.Errorf("the agent remembers %d things", n)
	}
	if o := w.agent.out; len(o.instances)+len(o.ports)+len(o.sentI)+len(o.sentP) > 0 {
		t.Errorf("the outbox remembers %v %v", o.sentI, o.sentP)
	}
}

var emptySHA = func() string { sum := sha256.Sum256(nil); return hex.EncodeToString(sum[:]) }()

func TestFilesOfAGuestWithDisk(t *testing.T) {
	w := newWorld(t, func(w *world) { w.disks = true })
	content := []byte("an image")
	sum := sha256.Sum256(content)
	sha := hex.EncodeToString(sum[:])
	i := instance("g1", "p1")
	i.ImageSha256, i.ImageFormat, i.ConfigDrive, i.UserData = sha, "raw", true, []byte("#!/bin/sh\n: first")
	w.desire(desired(i, network("g1", "p1")))
	w.faults("g1") // the server does not have the image yet
	w.mu.Lock()
	w.images[sha] = content
	w.mu.Unlock()
	w.powers("g1", powerRunning)
	if b, err := os.ReadFile(filepath.Join(w.dir, "images", sha)); err != nil || string(b) != string(content) {
		t.Errorf("the image is %q, %v", b, err)
	}
	drive := func(text string) bool {
		b, _ := os.ReadFile(filepath.Join(w.dir, "instances", "g1", "config.iso"))
		return strings.Contains(string(b), text) && strings.Contains(string(b), "10.0.0.10")
	}
	if !drive(": first") {
		t.Error("the config drive does not tell user data and address")
	}
	w.twice()
	w.desire(desired(with(i, func(i *hostapi.Instance) { i.UserData = []byte("#!/bin/sh\n: second") })))
	w.eventually("a new config drive", func() bool { return drive(": second") })
	w.desire(&hostapi.Desired{RemovedInstances: []string{"g1"}, RemovedNetworks: []string{"n1"}})
	w.eventually("an empty host", func() bool { return len(w.guests())+len(w.networks()) == 0 })
	w.idle()
	w.agent.resync(t.Context())
	w.eventually("an empty cache", func() bool { return !fileExists(filepath.Join(w.dir, "images", sha)) })
}

func TestConsole(t *testing.T) {
	w, _ := running(t, nil)
	if r := w.ask("g1"); r.Id != 3 || !strings.HasSuffix(string(r.Data), "g1 login: ") || len(r.Data) > 100 {
		t.Errorf("the console is %+v", r)
	}
	if r := w.ask("other"); !r.NotFound {
		t.Errorf("the console of no guest is %+v", r)
	}
	w.sim.Inject(sim.Fault{Method: "Console"})
	if r := w.ask("g1"); r.Fault == "" {
		t.Errorf("the console of a driver that fails is %+v", r)
	}
}

func TestDriverFaults(t *testing.T) {
	own := errors.New("own words")
	for _, method := range []string{"Ensure", "Start"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after=%t", method, after), func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.sim.Inject(sim.Fault{Method: method, Times: 2, After: after}) })
				w.desire(desired(instance("g1", "p1"), network("g1", "p1")))
				w.powers("g1", powerRunning)
				w.twice()
				w.mu.Lock()
				for _, o := range w.history {
					if o.Fault != "" {
						t.Errorf("a fault that passed by itself was told: %q", o.Fault)
					}
				}
				w.mu.Unlock()
				w.sim.Inject(sim.Fault{Method: "Ensure", Err: own, Times: -1})
				w.desire(desired(instance("g2")))
				if o := w.faults("g2"); !strings.Contains(o.Fault, "own words") {
					t.Errorf("the fault is %+v", o)
				}
				w.sim.ClearFaults()
				w.powers("g2", powerRunning)
			})
		}
	}
	t.Run("for long", func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.sim.Inject(sim.Fault{Method: "Start", Times: -1}) })
		w.desire(desired(instance("g1")))
		if o := w.faults("g1"); !strings.Contains(o.Fault, "does not answer") || w.j.count("start g1") <= unseenFailures {
			t.Errorf("the fault after %d attempts is %+v", w.j.count("start g1"), o)
		}
		w.sim.ClearFaults()
		w.powers("g1", powerRunning)
	})
	t.Run("destroy", func(t *testing.T) {
		w, i := running(t, nil)
		w.sim.Inject(sim.Fault{Method: "Destroy", Times: 2, After: true})
		w.desire(desired(with(i, func(i *hostapi.Instance) { i.Power = powerGone })))
		w.await(t, "gone", func() bool { return w.instances["g1"].Gone })
	})
	t.Run("a start after it powered itself off", func(t *testing.T) {
		w, i := running(t, nil)
		if err := w.sim.PowerOff("g1"); err != nil {
			t.Fatal(err)
		}
		w.powers("g1", powerStopped)
		w.sim.Inject(sim.Fault{Method: "Start", Err: own, Times: -1})
		i = with(i, func(i *hostapi.Instance) { i.Asked = true })
		w.desire(desired(i))
		w.faults("g1")
		i = proto.CloneOf(i)
		i.Asked = false // the server says so of what is in error
		w.desire(desired(i))
		w.eventually("another attempt", func() bool { return w.j.count("start g1") > 3 })
		w.sim.ClearFaults()
		w.powers("g1", powerRunning)
	})
	t.Run("a lost listing", func(t *testing.T) {
		w, _ := running(t, nil)
		w.sim.Inject(sim.Fault{Method: "List", Times: 3})
		if err := w.sim.PowerOff("g1"); err != nil {
			t.Fatal(err)
		}
		w.powers("g1", powerStopped)
	})
	t.Run("lost events", func(t *testing.T) {
		w, _ := running(t, nil)
		w.sim.CutEvents()
		if err := w.sim.PowerOff("g1"); err != nil {
			t.Fatal(err)
		}
		w.powers("g1", powerStopped)
	})
	t.Run("invalid", func(t *testing.T) {
		w := newWorld(t, nil)
		i := instance("g1")
		i.Vcpus = 0
		w.desire(desired(i))
		if o := w.faults("g1"); !strings.Contains(o.Fault, "cannot run such a guest") {
			t.Errorf("the fault is %+v", o)
		}
		w.desire(&hostapi.Desired{RemovedInstances: []string{"g1"}})
		w.idle()
	})
}

func TestNewRefusesDisksWithoutADirectory(t *testing.T) {
	w := &world{T: t, server: newServer(t), j: &journal{}, sim: sim.New(sim.Options{})}
	_, err := New(context.Background(), Options{Driver: driver{w.sim, w.j, true}, Server: w.dial(t), Clock: fastClock{}})
	if err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("New: %v", err)
	}
}

// TestNewWaitsForTheHypervisor: it may be starting; one that stays away is told.
func TestNewWaitsForTheHypervisor(t *testing.T) {
	for _, try := range []struct {
		fault sim.Fault
		want  error
		least time.Duration
	}{
		{sim.Fault{Times: 3}, nil, 100 * time.Millisecond},
		{sim.Fault{Times: -1}, hypervisor.ErrUnavailable, 50 * time.Second},
		{sim.Fault{Err: hypervisor.ErrInvalid}, hypervisor.ErrInvalid, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, began := sim.New(sim.Options{}), time.Now()
			defer d.Close()
			try.fault.Method = "Fingerprint"
			d.Inject(try.fault)
			_, err := New(t.Context(), Options{Driver: d, Clock: bubbleClock{}, Log: slog.New(slog.DiscardHandler)})
			if !errors.Is(err, try.want) {
				t.Errorf("New: %v, want %v", err, try.want)
			}
			if took := time.Since(began); took < try.least || took > try.least+startingTime {
				t.Errorf("New with %+v took %s", try.fault, took)
			}
		})
	}
}
