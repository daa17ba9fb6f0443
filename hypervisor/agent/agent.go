package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// Options say what a host is and what it works with.
type Options struct {
	ID            string // of the host; stable over restarts
	Name          string
	Zone          string
	Address       string     // of the host, for people
	TunnelAddress netip.Addr // where other hosts send VXLAN; the zero Addr: nowhere
	Physnets      []string   // physical networks that the switch reaches
	Version       string

	Driver hypervisor.Driver // stays the caller's, to close after Run
	Switch vswitch.Switch    // likewise
	Server grpc.ClientConnInterface

	// Dir is where images, guests' files and the last desired state are kept. Empty:
	// nothing is kept, for drivers without CapDisk.
	Dir string
	// VirtType is what guests are told to run with; empty: the driver's best.
	VirtType string
	// StopGrace is how long a guest may take to shut down; 0: a minute.
	StopGrace time.Duration
	// Resync is how often everything is compared although nothing seems to have
	// changed; 0: a minute.
	Resync time.Duration
	Clock  Clock
	Log    *slog.Logger
}

// Agent is one host's reconcile loop. Make it with New, run it once.
type Agent struct {
	Options
	fingerprint hypervisor.Fingerprint
	keep        *keeper
	images      *imageCache
	queue       *queue
	out         *outbox
	refresh     chan struct{} // capacity 1: guests are to be listed

	mu        sync.Mutex
	instances map[string]*hostapi.Instance // desired
	networks  map[string]*hostapi.Network  // desired
	told      bool                         // the server has told all that is desired, in this process
	listed    bool                         // the driver has told which guests there are, in this process
	guests    map[string]*guest            // found
	nets      map[string]*netState
	seq       uint64 // rises with every change that a worker made
}

// guest is what is known of a guest on the host.
type guest struct {
	exists  bool
	state   hypervisor.GuestState
	busy    bool   // a worker is at it: what List says may be old
	stale   bool   // List said something while it was busy
	waits   bool   // for a network that has not been told yet
	seq     uint64 // Agent.seq when a worker last changed it
	askedAt uint64 // generation with which its user last waited for it to run, plus one; 0: not in this process
	ranAt   uint64 // generation that was wanted when it last ran, plus one; 0: not in this process
}

// startingTime is how long a hypervisor may be away when the agent starts.
const startingTime = time.Minute

// New returns an agent. It asks the driver what the host is, which may block for
// seconds, and reads what was desired last. A hypervisor that does not answer has
// a minute: both may be starting just now.
func New(ctx context.Context, o Options) (*Agent, error) {
	if o.StopGrace == 0 {
		o.StopGrace = time.Minute
	}
	if o.Resync == 0 {
		o.Resync = time.Minute
	}
	fp, err := o.askHost(ctx)
	if err != nil {
		return nil, fmt.Errorf("host %s: the driver does not tell what the host is: %w", o.Name, err)
	}
	a := &Agent{Options: o, fingerprint: fp, refresh: make(chan struct{}, 1), guests: map[string]*guest{}, nets: map[string]*netState{}}
	if fp.Capabilities[hypervisor.CapDisk] && o.Dir == "" {
		return nil, fmt.Errorf("host %s: a directory for disks is needed with driver %s", o.Name, fp.Driver)
	}
	if a.keep, err = openKeeper(o.Dir, o.Log); err != nil {
		return nil, err
	}
	a.instances, a.networks = a.keep.load()
	if a.images, err = openImages(o.Dir, hostapi.NewHostsClient(o.Server)); err != nil {
		return nil, err
	}
	return a, nil
}

// askHost has the driver tell what the host is.
func (o Options) askHost(ctx context.Context) (hypervisor.Fingerprint, error) {
	deadline := o.Clock.Now().Add(startingTime)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		fp, err := o.Driver.Fingerprint(ctx)
		if err == nil || !errors.Is(err, hypervisor.ErrUnavailable) || !o.Clock.Now().Add(wait).Before(deadline) {
			return fp, err
		}
		o.Log.Warn("the hypervisor does not answer; asking again", "in", wait, "error", err)
		select {
		case <-o.Clock.After(wait):
		case <-ctx.Done():
			return fp, ctx.Err()
		}
	}
}

// Run works until ctx ends and then returns its error. Guests and networks stay
// as they are.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.queue = newQueue(ctx, a.Clock, 32, a.work)
	a.out = newOutbox()
	var loops sync.WaitGroup
	loops.Go(func() { a.keep.run(ctx) })
	loops.Go(func() { a.watchDriver(ctx) })
	loops.Go(func() { a.watchServer(ctx) })
	loops.Go(func() { a.refreshLoop(ctx) })
	<-ctx.Done()
	loops.Wait()
	a.queue.wait()
	a.stopServices()
	return ctx.Err()
}

// Keys of the queue.
const (
	guestKey   = "guest/"
	networkKey = "network/"
)

func (a *Agent) work(ctx context.Context, key string) error {
	if id, ok := strings.CutPrefix(key, guestKey); ok {
		return a.reconcileGuest(ctx, id)
	}
	return a.reconcileNetwork(ctx, strings.TrimPrefix(key, networkKey))
}

// watchDriver has guests listed whenever the driver says that one changed.
func (a *Agent) watchDriver(ctx context.Context) {
	wait := reconnectFirst
	for ctx.Err() == nil {
		err := a.Driver.Events(ctx, func(hypervisor.Event) {
			wait = reconnectFirst
			a.pokeRefresh()
		})
		if ctx.Err() != nil {
			return
		}
		a.Log.Warn("the driver's events ended; listening again", "in", wait, "error", err)
		a.pokeRefresh()
		select {
		case <-a.Clock.After(wait):
		case <-ctx.Done():
		}
		wait = min(wait*2, reconnectMost)
	}
}

func (a *Agent) pokeRefresh() {
	select {
	case a.refresh <- struct{}{}:
	default: // it is to happen already
	}
}

// refreshLoop compares what is there with what was known of it.
func (a *Agent) refreshLoop(ctx context.Context) {
	a.pokeRefresh()
	resync := a.Clock.After(a.Resync)
	var again <-chan time.Time
	wait := reconnectFirst
	for {
		select {
		case <-again:
			a.pokeRefresh()
		case <-a.refresh:
			if a.listGuests(ctx) {
				again, wait = nil, reconnectFirst
				continue
			}
			again, wait = a.Clock.After(wait), min(wait*2, reconnectMost)
		case <-resync:
			resync = a.Clock.After(a.Resync)
			if a.listGuests(ctx) {
				a.resync(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

// listGuests brings what is known of guests up to date and has those that changed
// reconciled; the first time in a process, everything. It reports false if the
// driver did not tell.
func (a *Agent) listGuests(ctx context.Context) bool {
	a.mu.Lock()
	since, first := a.seq, !a.listed
	a.mu.Unlock()
	list, err := a.Driver.List(ctx)
	if err == nil && first {
		err = a.findPorts(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			a.Log.Warn("what is on the host could not be listed", "error", err)
		}
		return false
	}
	a.noteAll(list, since)
	if first {
		a.reconcileAll()
		a.sweep()
	}
	return true
}

// noteAll takes in a list of all guests; since is Agent.seq from before it was made.
func (a *Agent) noteAll(list []hypervisor.GuestState, since uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = true
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		seen[s.ID] = true
		a.note(s.ID, s, true, since)
	}
	for id, g := range a.guests {
		if !seen[id] && g.exists {
			a.note(id, hypervisor.GuestState{ID: id}, false, since)
		}
	}
}

// note takes in what List said of one guest. a.mu is held.
func (a *Agent) note(id string, s hypervisor.GuestState, exists bool, since uint64) {
	g := a.guests[id]
	if g == nil {
		g = &guest{}
		a.guests[id] = g
	}
	if g.busy {
		g.stale = true
		return
	}
	if g.seq > since {
		a.pokeRefresh() // the list may be older than what the worker did, or newer
		return
	}
	changed := g.exists != exists || g.state.Power != s.Power || g.state.ByGuest != s.ByGuest ||
		g.state.RebootSerial != s.RebootSerial || g.state.Digest != s.Digest
	a.found(g, exists, s)
	if changed {
		a.queue.add(guestKey + id)
	}
}

// found takes in what a guest is now, and has the networks of cards that it has no
// more looked at. a.mu is held.
func (a *Agent) found(g *guest, exists bool, s hypervisor.GuestState) {
	before := g.state.NICs
	g.exists, g.state = exists, s
	for _, nic := range before {
		if !exists || !hasPort(s, nic.PortID) {
			a.unplugged(nic.PortID)
		}
	}
}

func hasPort(s hypervisor.GuestState, port string) bool {
	return slices.ContainsFunc(s.NICs, func(n hypervisor.NIC) bool { return n.PortID == port })
}

// resync has everything reconciled, and removes what nobody wants.
func (a *Agent) resync(ctx context.Context) {
	a.reconcileAll()
	if err := a.findPorts(ctx); err != nil {
		if ctx.Err() == nil {
			a.Log.Warn("networks could not be listed", "error", err)
		}
		return
	}
	a.sweep()
}

// reconcileAll has all that is desired or found reconciled.
func (a *Agent) reconcileAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.instances {
		a.queue.add(guestKey + id)
	}
	for id := range a.guests {
		a.queue.add(guestKey + id)
	}
	for id := range a.networks {
		a.net(id).applied = nil // look at the host, not at what was done before
		a.queue.add(networkKey + id)
	}
}

// mayRemove reports whether it is known what nobody wants: the server has told
// all that is desired, and the driver all that is there. a.mu is held.
func (a *Agent) mayRemove() bool { return a.told && a.listed }

// sweep removes guests' directories, kept state and images that are there but not
// desired.
func (a *Agent) sweep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.mayRemove() {
		return
	}
	instances, networks, images := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for id, i := range a.instances {
		instances[id], images[i.ImageSha256] = true, true
	}
	for id := range a.networks {
		networks[id] = true
	}
	a.keep.sweepDesired(instances, networks)
	for id, g := range a.guests {
		if g.exists && !instances[id] {
			return // its files are still in use
		}
	}
	a.keep.sweepGuests(instances)
	a.images.sweep(images)
}

// apply takes in what the server wants.
func (a *Agent) apply(d *hostapi.Desired) {
	a.mu.Lock()
	if d.Whole {
		a.dropUnnamed(d)
		a.told = true
		for id := range a.guests {
			a.queue.add(guestKey + id) // what was reported before may not have arrived
		}
	}
	for _, n := range d.Networks {
		a.networks[n.Id] = n
		a.queue.add(networkKey + n.Id)
	}
	for _, id := range d.RemovedNetworks {
		delete(a.networks, id)
		a.queue.add(networkKey + id)
	}
	for _, i := range d.Instances {
		a.instances[i.Id] = i
		a.queue.add(guestKey + i.Id)
	}
	for _, id := range d.RemovedInstances {
		delete(a.instances, id)
		a.queue.add(guestKey + id)
	}
	a.mu.Unlock()
	a.keep.put(d)
	if d.Whole {
		a.queueFound()
		a.sweep()
	}
}

// queueFound has networks that are on the host looked at: nobody may want them.
func (a *Agent) queueFound() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.nets {
		a.queue.add(networkKey + id)
	}
}

// dropUnnamed forgets desired state that a whole Desired does not name. a.mu is held.
func (a *Agent) dropUnnamed(d *hostapi.Desired) {
	named := map[string]bool{}
	for _, i := range d.Instances {
		named[i.Id] = true
	}
	for id := range a.instances {
		if !named[id] {
			d.RemovedInstances = append(d.RemovedInstances, id)
		}
	}
	clear(named)
	for _, n := range d.Networks {
		named[n.Id] = true
	}
	for id := range a.networks {
		if !named[id] {
			d.RemovedNetworks = append(d.RemovedNetworks, id)
		}
	}
}

// hidden reports whether users need not see an error after so many failures
// before it: it passes by itself.
func hidden(err error, failed int) bool {
	switch {
	case errors.Is(err, errServerAway), errors.Is(err, errNotTold), errors.Is(err, context.Canceled):
		return true // whoever could be told is what is missing
	case errors.Is(err, hypervisor.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return failed < unseenFailures
	}
	return false
}
