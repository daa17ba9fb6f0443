package bridge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
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

// generation is to be changed with the rules that a description leads to: an
// agent of a newer version then replaces them.
const generation = "1"

// digestChain is an empty chain whose name tells which filters are in force.
func digestChain(filters []vswitch.PortFilter) (string, error) {
	b, err := json.Marshal(filters)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(generation), b...))
	return portChain("digest", hex.EncodeToString(sum[:16])), nil
}

// replaceFilters exchanges the rules of all ports in one transaction; if the
// filters are in force already, it does nothing. Chains and map elements of a
// port that stays named stay: a packet that is being judged while the
// transaction commits would find a new element, but not yet the rules of its
// chain.
func replaceFilters(ns *netNS, filters []vswitch.PortFilter) error {
	digest, err := digestChain(filters)
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
	b.old = map[string]*nftables.Chain{}
	for _, c := range chains {
		if isPortChain(c) {
			b.old[c.Name] = c
		}
	}
	if b.old[digest] != nil {
		return nil
	}
	old, err := portNumbers(ns)
	if err != nil {
		return err
	}
	numbers, err := numbered(filters, old)
	if err != nil {
		return err
	}
	b.portChain(bridgeTable, digest)
	for _, f := range filters {
		tap := tapName(f.ID)
		if old[tap] == 0 {
			b.keep(b.conn.SetAddElements(portsMap, []nftables.SetElement{{Key: ifname(tap), Val: native32(uint32(numbers[tap]))}}))
		}
		if err := (&portRules{b: b, f: f, tap: tap, number: numbers[tap]}).add(); err != nil {
			return err
		}
	}
	b.removeOld(old)
	for tap := range old {
		if numbers[tap] == 0 {
			b.keep(b.conn.SetDeleteElements(portsMap, []nftables.SetElement{{Key: ifname(tap)}}))
		}
	}
	return b.commit()
}

// portChain returns a port's chain, empty: the one that is there, or a new one.
func (b *batch) portChain(t *nftables.Table, name string) (c chain, isNew bool) {
	if c := b.old[name]; c != nil {
		delete(b.old, name)
		b.conn.FlushChain(c)
		return chain{b, c}, false
	}
	return b.chain(t, name), true
}

// removeOld removes the chains that are left in old, and what leads to them.
func (b *batch) removeOld(numbers map[string]uint16) {
	for name, c := range b.old { // all before any: some jump to others
		b.conn.FlushChain(c)
		what, tap, _ := strings.Cut(name, "@")
		for _, m := range filterMaps {
			if m.Name == what {
				b.keep(b.conn.SetDeleteElements(m, []nftables.SetElement{{Key: mapKey(m, tap, numbers[tap])}}))
			}
		}
	}
	for _, c := range b.old {
		b.conn.DelChain(c)
	}
}

// mapKey is a port's key in a map that leads to its chain of the map's name.
func mapKey(m *nftables.Set, tap string, number uint16) []byte {
	switch m {
	case egressMap:
		return native32(uint32(number) << 16)
	case ingressMap:
		return native32(uint32(number))
	}
	return ifname(tap)
}

// portChain names a chain of a port: what it does and the tap.
func portChain(what, tap string) string { return what + "@" + tap }

func isPortChain(c *nftables.Chain) bool {
	return c.Table.Name == bridgeTable.Name && slices.Contains([]byte(c.Name), '@')
}
