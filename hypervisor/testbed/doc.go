// Package testbed makes hosts on this machine: isolated ones, each with a
// libvirtd of its own, and the tiny image of guests to run on them. Tests of the
// real thing and the demo use it. It needs root and the packages of 'make deps'.
//
//	                     outside: one network namespace
//	   10.99.0.0/24 ┌─────────────┐      ┌────────────┐ 172.24.4.1/24
//	                │  underlay   │      │   public   │
//	                └─┬─────────┬─┘      └──┬───────┬─┘
//	┌─────────────────┴─────────│───────────┴──┐    │
//	│ host1     underlay0       │   public0    │    │
//	│           10.99.0.1       │   br-public  │    │
//	│ libvirtd, guests, agent   │              │    │
//	└───────────────────────────│──────────────┘    │
//	┌───────────────────────────┴───────────────────┴──┐
//	│ host2     underlay0  10.99.0.2   public0, br-public
//
// A host is a network, a mount and a UTS namespace: of the machine it shares
// files and processes, save for /run, /sys, /etc/hosts and what is libvirt's in /etc
// and /var. br-public is the physical network that provider networks are made
// of; who is outside reaches guests on it, as 172.24.4.1.
//
// Invariants:
//
//	I1  All there is of a testbed, namespaces included, hangs on its directory:
//	    Up and Down know it by nothing else, whoever made it, and any number of
//	    testbeds stand side by side. Nothing is made elsewhere.
//	I2  Up and Down are idempotent, and carry on from wherever an earlier call, or
//	    anything in a host, was killed. Up starts again what has died.
//	I3  After Down no process that was started in a host or outside is left.
//	I4  What is in a host's libvirt outlives its reboot, as on a real host.
package testbed
