// Package e2e tests the real thing: the programs as users start them, on the hosts
// of a testbed, with libvirt and guests that boot, get an address, read their
// metadata and answer. It holds tests only.
//
//	this machine                       a host (hypervisor/testbed), one of two
//	┌──────────────────────┐  socket  ┌────────────────────────────────────────┐
//	│ test ─▶ cloudlet server ◀──────── cloudlet agent ─▶ cloudlet-libvirt     │
//	│   │                  │          │                     ▼                  │
//	│   │                  │          │                  libvirtd ─▶ guests    │
//	└───│──────────────────┘          └───────────────────────────────────│────┘
//	    └── from outside: SSH and HTTP over the public network ◀──────────┘
//
// The tests need root and the packages of 'make deps'. Without them they are
// skipped, loudly; with CLOUDLET_TEST_NOSKIP=1 they fail. CLOUDLET_TEST_SEED replays
// the kills of an earlier run.
//
// Invariants:
//
//	I1  Nothing outlives a test: processes, namespaces, files.
//	I2  The cloud's own state is waited for through the API, which wakes whoever
//	    waits. Guests and hosts are looked at again and again, up to a deadline.
//	I3  A test that fails shows the ends of all logs and of the guests' consoles.
package e2e
