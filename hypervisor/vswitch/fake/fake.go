package fake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// Switch is a vswitch.Switch in memory. Make it with New.
type Switch struct {
	mu       sync.Mutex
	networks map[string]*network
	loose    map[string]port // prepared ports, by id
}

var _ vswitch.Switch = (*Switch)(nil)

type network struct {
	spec    vswitch.Network
	ports   map[string]port // active ports, by id
	filters map[string]vswitch.PortFilter
	flows   map[flowKey]vswitch.Flow // connections that began
	dhcp    *packetConn
	meta    *listener
}

type port struct {
	vswitch.Port
	tap string
}

// New returns an empty switch.
func New() *Switch {
	return &Switch{networks: map[string]*network{}, loose: map[string]port{}}
}

// EnsureNetwork implements vswitch.Switch.
func (s *Switch) EnsureNetwork(ctx context.Context, n vswitch.Network) error {
	if err := begin(ctx, n.Check()); err != nil {
		return err
	}
	n.Peers, n.Subnets = slices.Clone(n.Peers), slices.Clone(n.Subnets)
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.networks[n.ID]
	if !ok {
		s.networks[n.ID] = &network{spec: n, ports: map[string]port{},
			filters: map[string]vswitch.PortFilter{}, flows: map[flowKey]vswitch.Flow{}}
		return nil
	}
	if old.spec.Physnet != n.Physnet || n.Physnet == "" && old.spec.VNI != n.VNI {
		return fmt.Errorf("network %s: VNI %d, physical network %q can't become %d, %q: %w",
			n.ID, old.spec.VNI, old.spec.Physnet, n.VNI, n.Physnet, vswitch.ErrConflict)
	}
	old.spec = n
	return nil
}

// PreparePort implements vswitch.Switch.
func (s *Switch) PreparePort(ctx context.Context, p vswitch.Port) (string, error) {
	if err := begin(ctx, p.Check()); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.networks[p.NetworkID]; n != nil {
		delete(n.ports, p.ID)
	}
	if old, ok := s.loose[p.ID]; ok && old.NetworkID != p.NetworkID {
		return "", fmt.Errorf("port %s is of network %s, not %s: %w", p.ID, old.NetworkID, p.NetworkID, vswitch.ErrConflict)
	}
	sum := sha256.Sum256([]byte(p.ID))
	tap := "fkt" + hex.EncodeToString(sum[:])[:12]
	s.loose[p.ID] = port{p, tap}
	return tap, nil
}

// ActivatePort implements vswitch.Switch.
func (s *Switch) ActivatePort(ctx context.Context, p vswitch.Port) error {
	if err := begin(ctx, p.Check()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.networks[p.NetworkID]
	if n == nil {
		return missing(p.NetworkID)
	}
	if _, ok := n.ports[p.ID]; ok {
		return nil
	}
	l, ok := s.loose[p.ID]
	if !ok {
		return fmt.Errorf("port %s: no tap: %w", p.ID, vswitch.ErrNotFound)
	}
	delete(s.loose, p.ID)
	n.ports[p.ID] = l
	return nil
}

// EnsureFilters implements vswitch.Switch.
func (s *Switch) EnsureFilters(ctx context.Context, networkID string, filters []vswitch.PortFilter) error {
	if err := begin(ctx, nil); err != nil {
		return err
	}
	by := make(map[string]vswitch.PortFilter, len(filters))
	for _, f := range filters {
		if err := f.Check(networkID); err != nil {
			return err
		}
		if _, twice := by[f.ID]; twice {
			return fmt.Errorf("port %s is named twice: %w", f.ID, vswitch.ErrInvalid)
		}
		by[f.ID] = f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.networks[networkID]
	if n == nil {
		return missing(networkID)
	}
	n.filters = by
	n.cutRefused()
	return nil
}

// RemovePort implements vswitch.Switch.
func (s *Switch) RemovePort(ctx context.Context, networkID, portID string) error {
	if err := begin(ctx, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.networks[networkID]; n != nil {
		delete(n.ports, portID)
	}
	if s.loose[portID].NetworkID == networkID {
		delete(s.loose, portID)
	}
	return nil
}

// RemoveNetwork implements vswitch.Switch.
func (s *Switch) RemoveNetwork(ctx context.Context, networkID string) error {
	if err := begin(ctx, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.networks[networkID]; n != nil {
		n.close()
		delete(s.networks, networkID)
	}
	for id, p := range s.loose {
		if p.NetworkID == networkID {
			delete(s.loose, id)
		}
	}
	return nil
}

// List implements vswitch.Switch.
func (s *Switch) List(ctx context.Context) ([]vswitch.NetworkState, error) {
	if err := begin(ctx, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	states := map[string]*vswitch.NetworkState{}
	at := func(id string) *vswitch.NetworkState {
		if states[id] == nil {
			states[id] = &vswitch.NetworkState{ID: id, Present: s.networks[id] != nil}
		}
		return states[id]
	}
	add := func(p port, active bool) {
		st, filtered := at(p.NetworkID), false
		if n := s.networks[p.NetworkID]; n != nil {
			_, filtered = n.filters[p.ID]
		}
		st.Ports = append(st.Ports, vswitch.PortState{ID: p.ID, Tap: p.tap, Active: active, Filtered: filtered})
	}
	for id, n := range s.networks {
		at(id)
		for _, p := range n.ports {
			add(p, true)
		}
	}
	for _, p := range s.loose {
		add(p, false)
	}
	out := make([]vswitch.NetworkState, 0, len(states))
	for _, st := range states {
		slices.SortFunc(st.Ports, func(a, b vswitch.PortState) int { return cmp.Compare(a.ID, b.ID) })
		out = append(out, *st)
	}
	slices.SortFunc(out, func(a, b vswitch.NetworkState) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Close implements vswitch.Switch: it closes the sockets; networks and ports
// stay, as they do on a host whose agent ends.
func (s *Switch) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.networks {
		n.close()
	}
	return nil
}

func begin(ctx context.Context, checked error) error {
	if checked != nil {
		return checked
	}
	return ctx.Err()
}

func missing(networkID string) error {
	return fmt.Errorf("network %s: %w", networkID, vswitch.ErrNotFound)
}
