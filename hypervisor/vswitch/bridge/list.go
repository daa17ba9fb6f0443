package bridge

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// List implements vswitch.Switch.
func (s *Switch) List(ctx context.Context) ([]vswitch.NetworkState, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	states := map[string]*vswitch.NetworkState{}
	at := func(id string) *vswitch.NetworkState {
		if states[id] == nil {
			states[id] = &vswitch.NetworkState{ID: id}
		}
		return states[id]
	}
	named := map[string]map[string]uint16{} // network → tap → number
	names, err := namespaces(s.nsPrefix())
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	for _, name := range names {
		ns, err := openNS(name)
		if err != nil {
			return nil, err
		}
		if ns == nil {
			continue
		}
		st := at(ns.mark.network)
		st.Present = true
		st.Ports, named[st.ID], err = activePorts(ns)
		ns.Close()
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", st.ID, err)
		}
	}
	err = s.preparedPorts(func(network, port, tap string) {
		_, filtered := named[network][tap]
		st := at(network)
		st.Ports = append(st.Ports, vswitch.PortState{ID: port, Tap: tap, Filtered: filtered})
	})
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	out := make([]vswitch.NetworkState, 0, len(states))
	for _, st := range states {
		slices.SortFunc(st.Ports, func(a, b vswitch.PortState) int { return cmp.Compare(a.ID, b.ID) })
		out = append(out, *st)
	}
	slices.SortFunc(out, func(a, b vswitch.NetworkState) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// preparedPorts tells of the ports whose taps are in the host's namespace.
func (s *Switch) preparedPorts(tell func(network, port, tap string)) error {
	links, err := dump(s.hostNL.LinkList)
	if err != nil {
		return err
	}
	for _, l := range links {
		if m, ours := parseMark(l.Attrs().Alias); ours && m.port != "" {
			tell(m.network, m.port, l.Attrs().Name)
		}
	}
	return nil
}

// activePorts returns the ports whose taps are in the namespace, and the numbers
// of those that the filters name.
func activePorts(ns *netNS) ([]vswitch.PortState, map[string]uint16, error) {
	named, err := portNumbers(ns)
	if err != nil {
		return nil, nil, fmt.Errorf("list filters: %w", err)
	}
	links, err := dump(ns.nl.LinkList)
	if err != nil {
		return nil, nil, fmt.Errorf("list devices: %w", err)
	}
	var out []vswitch.PortState
	for _, l := range links {
		if m, ours := parseMark(l.Attrs().Alias); ours && m.port != "" {
			_, filtered := named[l.Attrs().Name]
			out = append(out, vswitch.PortState{ID: m.port, Tap: l.Attrs().Name, Active: l.Attrs().MasterIndex == ns.bridge.Attrs().Index, Filtered: filtered})
		}
	}
	return out, named, nil
}
