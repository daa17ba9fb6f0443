// Package fake is a host's virtual switch in memory: the same contract as the
// real one, without root and without a kernel. `cloudlet dev -driver sim` and
// tests run on it.
//
// It behaves: networks, ports and filters are kept and told by List, DHCP and
// metadata sockets are in-memory connections that a simulated guest can speak
// to (ExchangeDHCP, DialMetadata), and Passes judges a packet between two guests by
// the same policy that the kernel's filters are held to. What it cannot have is
// memory over a restart of the process: that of a machine that was switched off.
//
// Invariants: those of package vswitch, and
//
//	F1  A simulated guest reaches nothing that a real one could not: metadata only
//	    from a fixed IP of an active, admin-up port, DHCP only with its own MAC.
//
// It must not import any other backend.
package fake
