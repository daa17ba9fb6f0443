package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor/dhcp"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/metadata"
)

// netState is what is known of a network on the host. Work on it is serialized by
// its own mutex; ports and applied are guarded by Agent.mu.
type netState struct {
	mu      sync.Mutex
	ports   map[string]bool  // whose taps are there, or may be
	applied *hostapi.Network // what is in force; nil: not known

	cancel   context.CancelFunc // of the services
	services sync.WaitGroup
	stopped  chan struct{} // closed when a service ended by itself; nil if none runs
}

// net returns the state of a network. a.mu is held.
func (a *Agent) net(id string) *netState {
	n := a.nets[id]
	if n == nil {
		n = &netState{ports: map[string]bool{}}
		a.nets[id] = n
	}
	return n
}

// lock returns the state of a network with its mutex held.
func (a *Agent) lock(id string) *netState {
	for {
		a.mu.Lock()
		n := a.net(id)
		a.mu.Unlock()
		n.mu.Lock()
		a.mu.Lock()
		current := a.nets[id] == n
		a.mu.Unlock()
		if current {
			return n
		}
		n.mu.Unlock() // the network was removed meanwhile
	}
}

// findPorts learns from the switch which networks and taps there are, and has
// those networks reconciled.
func (a *Agent) findPorts(ctx context.Context) error {
	states, err := a.Switch.List(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range states {
		n := a.net(s.ID)
		for _, p := range s.Ports {
			n.ports[p.ID] = true
		}
		a.queue.add(networkKey + s.ID)
	}
	return nil
}

// preparePort makes a port's tap, if the port is still wanted.
func (a *Agent) preparePort(ctx context.Context, p *portRef) (tap string, err error) {
	n := a.lock(p.network)
	defer n.mu.Unlock()
	a.mu.Lock()
	wanted := portOf(a.networks[p.network], p.port.ID) != nil
	if wanted {
		n.ports[p.port.ID] = true
	}
	a.mu.Unlock()
	if !wanted {
		return "", errNotTold
	}
	return a.Switch.PreparePort(ctx, p.port)
}

// unplugged has the networks look again whether a port's tap can go. a.mu is held.
func (a *Agent) unplugged(portID string) {
	for id, n := range a.nets {
		if n.ports[portID] {
			a.queue.add(networkKey + id)
		}
	}
}

// reconcileNetwork makes a network and its filters be as wanted, or be gone, and
// removes taps that nobody wants.
func (a *Agent) reconcileNetwork(ctx context.Context, id string) error {
	a.mu.Lock()
	want := a.networks[id]
	a.mu.Unlock()
	if want == nil {
		return a.removeNetwork(ctx, id)
	}
	if err := a.ensureNetwork(ctx, id); err != nil {
		a.Log.Warn("network is not as wanted", "network", id, "error", err)
		return err
	}
	a.requeueWaiting(want)
	return a.removePorts(ctx, id)
}

// removePorts removes the taps of a network that nobody wants or uses.
func (a *Agent) removePorts(ctx context.Context, id string) error {
	n := a.lock(id) // nobody prepares one meanwhile
	defer n.mu.Unlock()
	for _, port := range a.surplusPorts(id, n) {
		if err := a.Switch.RemovePort(ctx, id, port); err != nil {
			return err
		}
		a.mu.Lock()
		delete(n.ports, port)
		a.mu.Unlock()
		a.out.forgetPort(port)
	}
	return nil
}

// requeueWaiting has guests of the network's ports look again if they are not as wanted yet.
func (a *Agent) requeueWaiting(want *hostapi.Network) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range want.Ports {
		g := a.guests[p.InstanceId]
		if i := a.instances[p.InstanceId]; i != nil && g != nil && (g.waits || !g.exists && i.Power == powerRunning) {
			a.queue.add(guestKey + p.InstanceId)
		}
	}
}

// surplusPorts are the ports with a tap that are neither wanted nor in use, by the
// newest desired state: a tap may have been prepared for it already.
func (a *Agent) surplusPorts(id string, n *netState) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.mayRemove() {
		return nil
	}
	var out []string
	for port := range n.ports {
		if portOf(a.networks[id], port) == nil && !a.plugged(port) {
			out = append(out, port)
		}
	}
	slices.Sort(out)
	return out
}

// plugged reports whether a guest on the host has the port. a.mu is held.
func (a *Agent) plugged(port string) bool {
	for _, g := range a.guests {
		if g.exists && hasPort(g.state, port) {
			return true
		}
	}
	return false
}

// surplus reports whether a network is neither wanted nor in use.
func (a *Agent) surplus(id string, n *netState) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.mayRemove() || a.networks[id] != nil {
		return false
	}
	for port := range n.ports {
		if a.plugged(port) {
			return false
		}
	}
	return true
}

// removeNetwork removes a network that is surplus.
func (a *Agent) removeNetwork(ctx context.Context, id string) error {
	n := a.lock(id) // nobody prepares a port of it meanwhile
	defer n.mu.Unlock()
	if !a.surplus(id, n) {
		return nil
	}
	n.stopServices()
	if err := a.Switch.RemoveNetwork(ctx, id); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n.applied = nil
	if a.networks[id] == nil {
		for port := range n.ports {
			a.out.forgetPort(port)
		}
		delete(a.nets, id)
	}
	return nil
}

// ensureNetwork makes a network be as the newest desired state says. It does
// nothing if that is so.
func (a *Agent) ensureNetwork(ctx context.Context, id string) error {
	n := a.lock(id)
	defer n.mu.Unlock()
	a.mu.Lock()
	want := a.networks[id]
	current := n.applied == want || n.applied != nil && want != nil && proto.Equal(n.applied, want)
	a.mu.Unlock()
	if want == nil {
		return errNotTold
	}
	if current && n.serving() {
		return nil
	}
	spec, filters, err := switchNetwork(want)
	if err != nil {
		return err
	}
	if err := a.Switch.EnsureNetwork(ctx, spec); err != nil {
		return err
	}
	if err := a.Switch.EnsureFilters(ctx, id, filters); err != nil {
		return err
	}
	if err := a.serve(ctx, id, n); err != nil {
		return err
	}
	a.mu.Lock()
	n.applied = want
	a.mu.Unlock()
	return nil
}

func (n *netState) serving() bool {
	if n.stopped == nil {
		return false
	}
	select {
	case <-n.stopped:
		return false
	default:
		return true
	}
}

// serve answers DHCP and metadata in a network. n.mu is held.
func (a *Agent) serve(ctx context.Context, id string, n *netState) error {
	if n.serving() {
		return nil
	}
	n.stopServices()
	conn, err := a.Switch.ListenDHCP(ctx, id)
	if err != nil {
		return err
	}
	listener, err := a.Switch.ListenMetadata(ctx, id)
	if err != nil {
		conn.Close()
		return err
	}
	sctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.cancel, n.stopped = cancel, make(chan struct{})
	stopped := sync.OnceFunc(func() { close(n.stopped) })
	ended := func() {
		stopped()
		select {
		case <-a.Clock.After(time.Second): // not at once: it may end each time
			a.queue.add(networkKey + id)
		case <-sctx.Done():
		}
	}
	n.services.Go(func() {
		if err := dhcp.Serve(sctx, conn, func(mac net.HardwareAddr) (dhcp.Lease, bool) { return a.lease(id, mac) }, a.Log); err != nil {
			a.Log.Warn("DHCP ended", "network", id, "error", err)
		}
		ended()
	})
	n.services.Go(func() {
		h := metadata.Handler(func(ip netip.Addr) (metadata.Instance, bool) { return a.metadataAt(id, ip) })
		if err := metadata.Serve(sctx, listener, h); err != nil && !errors.Is(err, net.ErrClosed) {
			a.Log.Warn("metadata ended", "network", id, "error", err)
		}
		ended()
	})
	return nil
}

func (n *netState) stopServices() {
	if n.cancel != nil {
		n.cancel()
		n.services.Wait()
		n.cancel, n.stopped = nil, nil
	}
}

func (a *Agent) stopServices() {
	a.mu.Lock()
	all := make([]*netState, 0, len(a.nets))
	for _, n := range a.nets {
		all = append(all, n)
	}
	a.mu.Unlock()
	for _, n := range all {
		n.mu.Lock()
		n.stopServices()
		n.mu.Unlock()
	}
}
