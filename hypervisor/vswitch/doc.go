// Package vswitch is the contract of a host's virtual switch: what the agent
// asks of the host's network so that guests on a tenant or provider network
// reach each other, get an address and their metadata, and nothing else.
//
// The agent is its only caller. Backends are packages below it: bridge (Linux
// network namespaces, bridges, VXLAN and nftables) and fake (in memory, without
// root, for the sim driver). One suite, vswitchtest, holds them to this page.
// The package itself holds the vocabulary and the pure policy that every
// backend and its tests share: which flow a set of rules allows (Policy).
//
// A network exists on a host from EnsureNetwork to RemoveNetwork. A port passes
// three states there: prepared (its tap is in the host's namespace, where the
// hypervisor opens it), active (its tap is on the network's bridge) and removed.
// A stopped guest's port may stay active; PreparePort takes the tap back for the
// next start.
//
// Invariants, of every backend:
//
//	I1  Every call is idempotent and level-triggered: it makes the host be what
//	    the arguments say, whatever was there before, and changes nothing when it
//	    is so already. Nothing needs polling: what a call promises is so when it
//	    returns.
//	I2  No memory is needed. Everything made is marked as ours in the kernel and
//	    bears its full id, so that List after a restart tells what is there.
//	    Nothing that is not marked as ours is ever touched.
//	I3  A port passes no frame before filters that name it are in force, and none
//	    that the newest filters refuse, also of connections established earlier.
//	I4  Filters of a network change atomically: each packet sees all of the old
//	    or all of the new.
//	I5  Networks never meet: equal addresses in two networks are different
//	    addresses.
//	I6  After RemoveNetwork nothing of the network is left on the host.
//
// It must not import anything of server/, nor its own backends.
package vswitch
