// Package cloudtest runs a whole cloud in the test's process: server, agents and
// simulated hosts, over a disk in memory, spoken to over HTTP as by any client.
//
// Tests of everything above a domain package use it: the dialects with gophercloud,
// Terraform's acceptance tests, crash tests. A Cloud can be stopped, killed at a
// chosen commit, and started again on what its disk and hosts kept.
//
//	c := cloudtest.Start(t, cloudtest.Options{Hosts: 2})
//	compute := c.Client(t, "demo").Compute
//
// Invariants:
//
//	I1  Nothing outlives the test: processes, listeners, goroutines, files.
//	I2  No fixed port, no sleep: waits end when the state changes (Eventually).
//	I3  Leaks returns what is left on hosts that no row accounts for; Start checks
//	    it at the end of a test that asks for it (Options.CheckLeaks).
package cloudtest
