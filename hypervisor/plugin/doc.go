// Package plugin puts any hypervisor.Driver into a process of its own, over
// hashicorp/go-plugin and gRPC.
//
// The program's main calls Serve with its driver. The agent calls Open with the
// program's path and has a hypervisor.Driver: what the driver crashes, leaks or
// hangs in (cgo, a hypervisor's client library) costs the agent some calls and
// not its life.
//
//	agent ── Open ──▶ client ─ gRPC, mutual TLS, Unix socket ─▶ Serve ──▶ driver
//	                    │                                         ▲
//	                    └── lifeline: a pipe that only ends ───────┘
//
// Invariants, beside those of package hypervisor, which hold across the wire:
//
//	I1  The program may be killed at any moment. Calls under way, or made before
//	    its death is noticed, fail with ErrUnavailable; Events returns; the next
//	    call starts it anew.
//	I2  At most one program of a client is asked for anything at a time.
//	I3  No program outlives its client, however that ends: it exits when its
//	    lifeline ends. Not by the parent-death signal, which tells of the death of
//	    a thread.
//	I4  Errors keep their class and their text; deadlines and cancellation cross
//	    the wire.
//	I5  Nobody but the client that started the program can speak to it.
//	I6  Of a client that was killed no file is left once another one opens.
//
// It must not import a driver.
package plugin
