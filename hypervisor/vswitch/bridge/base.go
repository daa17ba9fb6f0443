package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// The chains that a network has for life. Those of ports come and go.
const (
	notLegChain  = "not-leg"
	wireInChain  = "wire-in"
	wireOutChain = "wire-out"
)

// br_netfilter hands frames to the inet family at priority 0; the mark has to be
// there before.
const beforeNetfilter nftables.ChainPriority = -10

// baseFilters makes the tables, and in them the chains on the hooks, which drop
// all that no map names.
func baseFilters(ns *netNS) error {
	b, err := newBatch(ns)
	if err != nil {
		return err
	}
	b.conn.AddTable(bridgeTable)
	b.conn.AddTable(inetTable)
	for _, s := range append(filterMaps[:len(filterMaps):len(filterMaps)], leg4Set, leg6Set) {
		b.set(s)
	}
	notLeg := b.chain(bridgeTable, notLegChain)
	b.chain(bridgeTable, wireInChain)
	b.chain(bridgeTable, wireOutChain)

	c := b.base(bridgeTable, "prerouting", nftables.ChainHookPrerouting, beforeNetfilter)
	c.rule(isDevice(expr.MetaKeyIIFNAME, wireName), goTo(wireInChain))
	c.rule(nameLookup(expr.MetaKeyIIFNAME, fromMap))
	c = b.base(bridgeTable, "forward", nftables.ChainHookForward, beforeNetfilter)
	c.rule(isDevice(expr.MetaKeyOIFNAME, wireName), goTo(wireOutChain))
	c.rule(nameLookup(expr.MetaKeyOIFNAME, toMap))
	c = b.base(bridgeTable, "input", nftables.ChainHookInput, beforeNetfilter)
	c.rule(nameLookup(expr.MetaKeyIIFNAME, toLegMap))
	c = b.base(bridgeTable, "output", nftables.ChainHookOutput, beforeNetfilter)
	c.rule(nameLookup(expr.MetaKeyOIFNAME, fromLegMap))

	c = b.base(inetTable, "forward", nftables.ChainHookForward, *nftables.ChainPriorityFilter)
	c.rule(markLookup(0xffff0000, egressMap))
	c.rule(markLookup(0x0000ffff, ingressMap))
	c.rule(accept)

	// Nobody else is the host's leg.
	notLeg.rule(etherFrom(legMAC), drop)
	notLeg.rule(etherType(etherARP), arpSender.inSet(leg4Set), drop)
	notLeg.rule(etherType(etherIPv4), src4.inSet(leg4Set), drop)
	notLeg.rule(etherType(etherIPv6), src6.inSet(leg6Set), drop)
	notLeg.rule(etherType(etherIPv6), icmp6(neighbourAdvertisement), neighbourTarget(nil, leg6Set), drop)
	return b.commit()
}

// networkFilters puts in force what depends on the network's description: the
// leg's addresses, and what stays on the host.
func networkFilters(ns *netNS, n vswitch.Network, leg []netip.Addr) error {
	b, err := newBatch(ns)
	if err != nil {
		return err
	}
	dhcp4 := false
	for _, s := range n.Subnets {
		dhcp4 = dhcp4 || s.DHCP && s.CIDR.Addr().Is4()
	}
	if there, err := b.describe(fmt.Sprint(leg, dhcp4)); err != nil || there {
		return err
	}
	var v4, v6 []nftables.SetElement
	seen := map[netip.Addr]bool{}
	for _, a := range leg {
		switch e := (nftables.SetElement{Key: a.AsSlice()}); {
		case seen[a]:
		case a.Is4():
			v4 = append(v4, e)
		default:
			v6 = append(v6, e)
		}
		seen[a] = true
	}
	b.fill(leg4Set, v4)
	b.fill(leg6Set, v6)
	in := chain{b, &nftables.Chain{Table: bridgeTable, Name: wireInChain}}
	b.conn.FlushChain(in.c)
	in.rule(jump(notLegChain))
	if dhcp4 {
		in.rule(etherType(etherIPv4), udpPorts(67, 68), drop)
		in.rule(etherType(etherIPv4), udpPorts(68, 67), drop)
	}
	in.rule(setMark(0), accept)
	out := chain{b, &nftables.Chain{Table: bridgeTable, Name: wireOutChain}}
	b.conn.FlushChain(out.c)
	if dhcp4 {
		out.rule(etherType(etherIPv4), udpPorts(68, 67), drop)
	}
	out.rule(etherType(etherARP), arpTarget.inSet(leg4Set), drop)
	out.rule(etherType(etherIPv4), dst4.inSet(leg4Set), drop)
	out.rule(etherType(etherIPv6), dst6.inSet(leg6Set), drop)
	out.rule(accept)
	return b.commit()
}

// describe tells whether rules made from the same description are in force
// already; if not, they will be with the batch. An empty chain's name says so.
func (b *batch) describe(what string) (there bool, err error) {
	const prefix = "described-"
	sum := sha256.Sum256([]byte(generation + what))
	name := prefix + hex.EncodeToString(sum[:16])
	chains, err := b.conn.ListChains()
	if err != nil {
		return false, fmt.Errorf("nftables: %w", err)
	}
	for _, c := range chains {
		if c.Name == name {
			return true, nil
		}
		if strings.HasPrefix(c.Name, prefix) {
			b.conn.DelChain(c)
		}
	}
	b.chain(bridgeTable, name)
	return false, nil
}
