package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/metadata"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// unseenFailures is how often in a row an error that may pass by itself is kept
// from users.
const unseenFailures = 5

// errNotTold is why a guest waits: what it needs has not been told yet.
var errNotTold = errors.New("a network of the instance has not been told yet")

// job is one guest's reconciliation.
type job struct {
	agent *Agent
	id    string
	sit   situation
	guest hypervisor.Guest   // as wanted; NICs without taps
	ports []*portRef         // of the wanted NICs, in order
	waits bool               // a network of it has not been told yet
	drive *metadata.Instance // the config drive's content; nil for none
}

type portRef struct {
	network string
	port    vswitch.Port
	fault   bool // and it was reported
}

// reconcileGuest makes one guest be as wanted and has the outcome reported.
func (a *Agent) reconcileGuest(ctx context.Context, id string) error {
	j, act := a.begin(id)
	if !act {
		return nil
	}
	defer a.end(j)
	var err error
	gone := false
	for _, s := range plan(j.sit) {
		if err = j.do(ctx, s); err != nil {
			err = fmt.Errorf("%s: %w", s, err)
			break
		}
		gone = s == stepForget
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.report(err, gone)
	if errors.Is(err, errNotTold) {
		j.waits = true
		return nil // it is reconciled again when that comes
	}
	return err
}

// report has the outcome told to the server.
func (j *job) report(err error, gone bool) {
	a := j.agent
	o := observed(j.sit, gone)
	o.Id = j.id
	if err != nil {
		failed := a.queue.failures(guestKey + j.id)
		a.Log.Warn("instance is not as wanted", "instance", j.id, "error", err, "failed_before", failed)
		if !hidden(err, failed) && !j.rests() {
			o.Fault, o.FaultDetails = fault(err), err.Error()
		}
	}
	if !j.up() {
		for _, p := range j.ports {
			if !p.fault {
				a.out.port(&hostapi.ObservedPort{Id: p.port.ID})
			}
		}
	}
	if ran := j.ranAndWent(o); ran != nil {
		a.out.instance(ran, o)
		return
	}
	a.out.instance(o)
}

// up reports whether the guest's cards are in use.
func (j *job) up() bool {
	return j.sit.exists && (j.sit.found.Power == hypervisor.Running || j.sit.found.Power == hypervisor.Paused)
}

// rests reports whether the guest is off, as wanted: then nobody suffers from what
// could not be prepared for its next start.
func (j *job) rests() bool {
	return j.sit.want != nil && j.sit.want.Power == powerStopped && !j.up()
}

// ranAndWent returns the report that a guest ran, if it did as asked and went off
// by itself before the server knew: who waits for it to run has to hear of both.
// Nil otherwise.
func (j *job) ranAndWent(o *hostapi.ObservedInstance) *hostapi.ObservedInstance {
	w := j.sit.want
	if w == nil || !w.Asked || j.sit.asked || w.Power != powerRunning || o.Fault != "" || o.Power != powerStopped && o.Power != powerCrashed {
		return nil
	}
	return &hostapi.ObservedInstance{Id: o.Id, Power: powerRunning, RebootSerial: o.RebootSerial, Applied: o.Applied}
}

// fault is what the user is told of a step's failure.
func fault(err error) string {
	cause := errors.Unwrap(err)
	switch {
	case errors.Is(err, hypervisor.ErrInvalid):
		return "The host cannot run such a guest: " + cause.Error()
	case errors.Is(err, hypervisor.ErrUnavailable):
		return "The host's hypervisor does not answer."
	case errors.Is(err, errImage):
		return "The host could not fetch the " + cause.Error()
	}
	return "The host could not do it: " + err.Error()
}

// begin gathers what is known of a guest and marks it as being worked on. It
// reports false if nothing may be done.
func (a *Agent) begin(id string) (*job, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	want := a.instances[id]
	if !a.listed || want == nil && !a.told {
		return nil, false
	}
	g := a.guests[id]
	if g == nil {
		if want == nil {
			a.out.forget(id)
			return nil, false
		}
		g = &guest{}
		a.guests[id] = g
	}
	g.busy = true
	j := &job{agent: a, id: id, sit: situation{want: want, exists: g.exists, found: g.state}}
	if want != nil {
		if want.Asked {
			g.askedAt = want.Generation + 1 // nobody waits any more for one in error, but it still is to run
		}
		j.sit.asked = g.askedAt == want.Generation+1 && g.ranAt != want.Generation+1
		j.describe()
	}
	return j, true
}

// end takes in what was done.
func (a *Agent) end(j *job) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guests[j.id]
	a.seq++
	g.busy, g.waits, g.seq = false, j.waits, a.seq
	a.found(g, j.sit.exists, j.sit.found)
	if g.exists && g.state.Power == hypervisor.Running && j.sit.want != nil {
		g.ranAt = j.sit.want.Generation + 1
	}
	if g.stale {
		g.stale = false
		a.pokeRefresh()
	}
	if g.waits && a.allTold(a.instances[j.id]) {
		a.queue.add(guestKey + j.id) // it came meanwhile
	}
	if !g.exists && a.instances[j.id] == nil {
		delete(a.guests, j.id)
		a.out.forget(j.id)
	}
}

// allTold reports whether all ports of an instance have been told. a.mu is held.
func (a *Agent) allTold(i *hostapi.Instance) bool {
	for _, nic := range i.GetNics() {
		if portOf(a.networks[nic.NetworkId], nic.PortId) == nil {
			return false
		}
	}
	return i != nil
}

// describe sets what the guest is to be. a.mu is held.
func (j *job) describe() {
	w, dir := j.sit.want, j.agent.keep.guestDir(j.id)
	j.guest = hypervisor.Guest{ID: w.Id, Name: w.Name, ProjectID: w.ProjectId, VCPUs: int(w.Vcpus), MemoryMiB: int(w.MemoryMib), VirtType: j.agent.VirtType,
		Root:       hypervisor.Disk{Path: filepath.Join(dir, "disk.qcow2"), Base: j.agent.images.path(w.ImageSha256), BaseFormat: w.ImageFormat, SizeBytes: w.DiskBytes},
		ConsoleLog: filepath.Join(dir, "console.log"), Properties: w.ImageProperties, ExtraSpecs: w.ExtraSpecs}
	for _, nic := range w.Nics {
		n := j.agent.networks[nic.NetworkId]
		ref := &portRef{network: nic.NetworkId, port: vswitch.Port{ID: nic.PortId, NetworkID: nic.NetworkId}}
		if p := portOf(n, nic.PortId); p != nil {
			ref.port.MAC, ref.port.MTU = p.Mac, int(n.Mtu)
		}
		j.ports = append(j.ports, ref)
		j.guest.NICs = append(j.guest.NICs, hypervisor.NIC{PortID: nic.PortId, MAC: ref.port.MAC, MTU: ref.port.MTU})
	}
	if w.ConfigDrive {
		m := metadataOf(w, j.agent.networks)
		j.drive, j.guest.ConfigDrive = &m, filepath.Join(dir, "config.iso")
	}
	b, _ := json.Marshal(struct {
		Guest hypervisor.Guest
		Drive *metadata.Instance
	}{j.guest, j.drive})
	sum := sha256.Sum256(b)
	j.guest.Digest = hex.EncodeToString(sum[:16])
	j.sit.digest = j.guest.Digest
}

func portOf(n *hostapi.Network, id string) *hostapi.Port {
	for _, p := range n.GetPorts() {
		if p.Id == id {
			return p
		}
	}
	return nil
}

// do does one step and notes what is found after it.
func (j *job) do(ctx context.Context, s step) error {
	d, found := j.agent.Driver, &j.sit.found
	switch s {
	case stepNetworks:
		return j.ensureNetworks(ctx)
	case stepImage:
		if !j.agent.fingerprint.Capabilities[hypervisor.CapDisk] || j.sit.exists && fileExists(j.guest.Root.Path) {
			return nil
		}
		return j.agent.queue.aside(func() error { return j.agent.images.fetch(ctx, j.sit.want.ImageSha256) })
	case stepTaps:
		return j.prepareTaps(ctx)
	case stepEnsure:
		return j.ensure(ctx)
	case stepStart:
		return j.power(d.Start(ctx, j.id), hypervisor.Running)
	case stepReset:
		serial := j.sit.want.RebootSerial
		err := j.power(d.Reset(ctx, j.id, serial), hypervisor.Running)
		if err == nil {
			found.RebootSerial = serial
		}
		return err
	case stepStop:
		return j.power(j.agent.queue.aside(func() error { return d.Stop(ctx, j.id, j.agent.StopGrace) }), hypervisor.Off)
	case stepCut:
		return j.power(d.Stop(ctx, j.id, 0), hypervisor.Off)
	case stepActivate:
		return j.activate(ctx)
	case stepDestroy:
		if err := d.Destroy(ctx, j.id); err != nil && !errors.Is(err, hypervisor.ErrNotFound) {
			return err
		}
		j.sit.exists, found.Power = false, hypervisor.Off
		return nil
	case stepForget:
		return j.forget(ctx)
	}
	return fmt.Errorf("there is no such step")
}

// power notes what a call that changes it brought. After a failure nothing is
// sure: the guests are listed again.
func (j *job) power(err error, p hypervisor.Power) error {
	if err != nil {
		j.agent.markStale(j.id)
		return err
	}
	j.sit.found.Power, j.sit.found.ByGuest = p, false
	return nil
}

func (a *Agent) markStale(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g := a.guests[id]; g != nil {
		g.stale = true
	}
}

func (j *job) ensureNetworks(ctx context.Context) error {
	for _, p := range j.ports {
		if p.port.MAC == "" {
			return errNotTold
		}
		if err := j.agent.ensureNetwork(ctx, p.network); err != nil {
			return err
		}
	}
	return nil
}

// prepareTaps makes the taps of cards that are not plugged in now, and learns the
// names of the others.
func (j *job) prepareTaps(ctx context.Context) error {
	plugged := map[string]string{}
	if j.sit.exists && j.sit.found.Power != hypervisor.Off && j.sit.found.Power != hypervisor.Crashed {
		for _, nic := range j.sit.found.NICs {
			plugged[nic.PortID] = nic.Tap
		}
	}
	for n, p := range j.ports {
		tap, ok := plugged[p.port.ID]
		if !ok {
			var err error
			if tap, err = j.agent.preparePort(ctx, p); err != nil {
				p.report(j.agent, err)
				return err
			}
		}
		j.guest.NICs[n].Tap = tap
	}
	return nil
}

// ensure defines the guest, with its directory and config drive.
func (j *job) ensure(ctx context.Context) error {
	if j.agent.fingerprint.Capabilities[hypervisor.CapDisk] {
		if err := j.files(); err != nil {
			return err
		}
	}
	if err := j.agent.Driver.Ensure(ctx, j.guest); err != nil {
		j.agent.markStale(j.id)
		return err
	}
	if !j.sit.exists {
		j.sit.exists, j.sit.found = true, hypervisor.GuestState{ID: j.id, Power: hypervisor.Off}
	}
	j.sit.found.Digest, j.sit.found.NICs = j.guest.Digest, j.guest.NICs
	return nil
}

func (j *job) files() error {
	dir := j.agent.keep.guestDir(j.id)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	if j.drive == nil {
		return nil
	}
	var b bytes.Buffer
	if err := metadata.ConfigDrive(&b, *j.drive); err != nil {
		return err
	}
	return writeFile(j.guest.ConfigDrive, b.Bytes())
}

// activate puts the running guest's cards on their networks.
func (j *job) activate(ctx context.Context) error {
	for _, p := range j.ports {
		err := j.agent.Switch.ActivatePort(ctx, p.port)
		if errors.Is(err, vswitch.ErrNotFound) && !j.agent.fingerprint.Capabilities[hypervisor.CapTap] {
			// A guest that has opened no tap gets a new one while it runs: the switch
			// of simulated guests forgets what they outlive.
			if _, err = j.agent.preparePort(ctx, p); err == nil {
				err = j.agent.Switch.ActivatePort(ctx, p.port)
			}
		}
		p.report(j.agent, err)
		if err != nil {
			return err
		}
	}
	return nil
}

// report has the port's state told to the server: active, or why it is not.
func (p *portRef) report(a *Agent, err error) {
	o := &hostapi.ObservedPort{Id: p.port.ID, Active: err == nil}
	if p.fault = err != nil && !hidden(err, 0); p.fault {
		o.Fault = err.Error()
	}
	a.out.port(o)
}

// forget removes what is left of a guest that is not defined any more.
func (j *job) forget(ctx context.Context) error {
	for _, p := range j.ports {
		if err := j.agent.Switch.RemovePort(ctx, p.network, p.port.ID); err != nil {
			return err
		}
	}
	j.sit.found = hypervisor.GuestState{ID: j.id}
	return j.agent.keep.removeGuest(j.id)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
