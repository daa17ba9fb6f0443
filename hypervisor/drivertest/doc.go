// Package drivertest holds every hypervisor.Driver to its contract: one suite,
// run on sim, on sim behind the plugin, and on libvirt.
//
// A driver's test hands Run a function that makes a Rig: the driver, on a host of
// its own or shared with nothing but this suite, and what it takes to describe a
// guest there. What only some hosts can be made to do (crash a guest, restart the
// host) are optional functions; without one, its tests say so and are skipped.
//
// The suite waits for no time to pass: it waits for events and states, for at
// most Rig.Patience.
//
// It imports no driver.
package drivertest
