// Package bridge is a host's virtual switch made of what Linux has: network
// namespaces, bridges, VXLAN, taps, nftables and conntrack. It needs root.
//
// A network is one named network namespace. In it are the bridge (br0), which is
// also the host's leg with the same MAC on every host, the leg to other hosts
// (wire0: a VXLAN device whose underlay stays in the host's namespace, or one end
// of a veth pair whose other end is on the physical network's bridge), the taps
// of active ports, and the filters. The host's namespace is that of the thread
// that calls New.
//
// How a frame is judged. The bridge family of nftables has no conntrack, so the
// judgement has two halves. In the bridge family, prerouting holds a port to its
// own MACs and addresses and writes its number into the upper half of the
// packet's mark, forward writes the receiver's number into the lower half; both
// know ports by the names of their taps and drop what is not named. br_netfilter
// then hands IP to the inet family's forward chain, which has ct state, and finds
// the two ports' rules by the mark. What is for the host's leg is judged in the
// bridge's input chain alone: DHCP, metadata, echo requests.
//
// Invariants: those of package vswitch, and
//
//	B1  A namespace gets its name only when its bridge is marked and its base
//	    chains, which drop, are in force; a tap stays only when it is marked. What
//	    a crash interrupts is gone or found again.
//	B2  Base chains are never replaced, nor are the chains of a port and what
//	    leads to them while it is named: EnsureFilters exchanges their rules, in
//	    one transaction. A port keeps its number as long as it is named.
//	B3  The host's leg sends to and hears from taps only, never wire0, and nobody
//	    else uses its MAC or its addresses.
//	B4  A TCP connection that was cut can't be taken up again: only a SYN begins
//	    one.
//
// It must not import anything of server/.
package bridge
