// Package scheduler chooses the host of an instance. It is pure: hosts and
// request in, a choice or a typed refusal out; the claim is the caller's
// (compute, inside its creating transaction).
//
// Every host runs through the filters in order; the first that refuses is
// counted. Among those left the one with the most free memory wins (instances
// spread), then the one with fewer instances, then by name: the same input always
// gives the same host. The filters are those that Nova's users know: compute
// status, availability zone, forced host, same and different host, server group,
// image properties, capabilities (extra specs), RAM, disk and vCPU with allocation
// ratios. An instance may never be larger than its host, whatever the ratio.
//
// Invariants:
//
//	I1  The choice passes every filter, so a claim of it never exceeds
//	    capacity times ratio.
//	I2  The counts of a Refusal sum to the number of hosts.
//	I3  Possible never refuses what some order and placement could make fit.
//
// It imports the standard library only.
package scheduler
