// Package hosts is the server's end of the agents' streams: it lets hosts join,
// sends each host what is wanted of it, and writes what hosts saw into the state.
//
// The users' calls and the hosts meet in the store only: a handler writes a row,
// the session of the row's host wakes, and tells its agent. server/node makes one
// Server and serves it on the agents' listeners.
//
//	agent ── Hello ──▶ host row (up) ── Watch ──▶ Desired ──▶ agent
//	agent ── Report ─▶ InstanceObserve, PortObserve in one transaction
//	stream ends ── grace ──▶ host row (down)
//
// Invariants:
//
//	I1  One session per host: a newer stream ends the older one first.
//	I2  The first Desired of a session is whole, later ones hold what changed since.
//	I3  Reports of a session are applied in order, each in one transaction.
//	I4  A host that is away shorter than the grace is not marked down: restarts of
//	    server or agent disturb nobody.
//	I5  Over TCP a host speaks only for the id in its certificate. A Unix socket is
//	    trusted by its file mode.
//	I6  A join token is good for one host, once, until it expires; only its hash is kept.
//
// It imports no dialect and nothing of hypervisor/ but hostapi.
package hosts
