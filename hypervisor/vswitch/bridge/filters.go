package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// EnsureFilters implements vswitch.Switch.
func (s *Switch) EnsureFilters(ctx context.Context, networkID string, filters []vswitch.PortFilter) error {
	filters = slices.Clone(filters)
	slices.SortStableFunc(filters, func(a, b vswitch.PortFilter) int { return cmp.Compare(a.ID, b.ID) })
	var bad error
	for i, f := range filters {
		if bad = f.Check(networkID); bad != nil {
			break
		}
		if i > 0 && filters[i-1].ID == f.ID {
			bad = fmt.Errorf("port %s is named twice: %w", f.ID, vswitch.ErrInvalid)
			break
		}
	}
	end, err := s.begin(ctx, networkID, bad)
	if err != nil {
		return err
	}
	defer end()
	ns, err := s.openNetwork(networkID)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := ensureNeighbours(ns, filters); err != nil {
		return fmt.Errorf("network %s: %w", networkID, err)
	}
	if err := replaceFilters(ns, filters); err != nil {
		return fmt.Errorf("network %s: filters: %w", networkID, err)
	}
	if err := cutRefused(ns, filters); err != nil {
		return fmt.Errorf("network %s: cut connections: %w", networkID, err)
	}
	return nil
}

// portNumbers returns the numbers of the ports that the filters in force name,
// by tap.
func portNumbers(ns *netNS) (map[string]uint16, error) {
	b, err := newBatch(ns)
	if err != nil {
		return nil, err
	}
	elements, err := b.conn.GetSetElements(portsMap)
	if err != nil {
		if errors.Is(err, unix.ENOENT) {
			return nil, nil
		}
		return nil, fmt.Errorf("nftables: %w", err)
	}
	out := make(map[string]uint16, len(elements))
	for _, e := range elements {
		out[unix.ByteSliceToString(e.Key)] = uint16(binaryutil.NativeEndian.Uint32(e.Val))
	}
	return out, nil
}

// numbered gives each port a number from 1 on: its old one, or one that none
// has, nor had until now, so that a packet on its way is never taken for
// another's.
func numbered(filters []vswitch.PortFilter, old map[string]uint16) (map[string]uint16, error) {
	used := map[uint16]bool{0: true}
	for _, n := range old {
		used[n] = true
	}
	out := make(map[string]uint16, len(filters))
	next := uint16(1)
	for _, f := range filters {
		tap := tapName(f.ID)
		if n := old[tap]; n != 0 {
			out[tap] = n
			continue
		}
		if len(used) > 0xffff {
			return nil, fmt.Errorf("more than %d ports on one host: %w", 0xffff/2, vswitch.ErrUnsupported)
		}
		for used[next] {
			next++
		}
		used[next], out[tap] = true, next
	}
	return out, nil
}

// replaceFilters exchanges the chains of all ports, and the maps that lead to
// them, in one transaction.
func replaceFilters(ns *netNS, filters []vswitch.PortFilter) error {
	old, err := portNumbers(ns)
	if err != nil {
		return err
	}
	numbers, err := numbered(filters, old)
	if err != nil {
		return err
	}
	b, err := newBatch(ns)
	if err != nil {
		return err
	}
	chains, err := b.conn.ListChains()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	for _, m := range filterMaps {
		b.conn.FlushSet(m)
	}
	chains = slices.DeleteFunc(chains, func(c *nftables.Chain) bool { return !isPortChain(c) })
	for _, c := range chains { // all before any: some jump to others
		b.conn.FlushChain(c)
	}
	for _, c := range chains {
		b.conn.DelChain(c)
	}
	for _, f := range filters {
		if err := (&portRules{b: b, f: f, tap: tapName(f.ID), number: numbers[tapName(f.ID)]}).add(); err != nil {
			return err
		}
	}
	return b.commit()
}

// portChain names a chain of a port: what it does and the tap.
func portChain(what, tap string) string { return what + "@" + tap }

func isPortChain(c *nftables.Chain) bool {
	return c.Table.Name == bridgeTable.Name && slices.Contains([]byte(c.Name), '@')
}

// leads adds an element that leads from a key of a map to a chain.
func (b *batch) leads(m *nftables.Set, key []byte, kind expr.VerdictKind, chain string) {
	b.keep(b.conn.SetAddElements(m, []nftables.SetElement{{Key: key, VerdictData: &expr.Verdict{Kind: kind, Chain: chain}}}))
}
