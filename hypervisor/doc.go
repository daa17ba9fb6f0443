// Package hypervisor is the contract of what runs guests on a host.
//
// A Driver is told what a guest is (Ensure) and made to start, stop and remove
// it; it tells what there is (List) and what changes by itself (Events). The
// agent (hypervisor/agent) is its only caller: it decides what is to be done,
// prepares files and taps, and reports. Drivers are hypervisor/libvirt (behind
// hypervisor/plugin, a process of its own) and hypervisor/sim. One suite,
// hypervisor/drivertest, holds all of them to this page.
//
//	          Ensure            Start
//	(none) ──────────▶ off ───────────────▶ running
//	   ▲                │ ▲                   │ │
//	   └────────────────┘ └───────────────────┘ └─▶ off, ByGuest (it shut itself down)
//	        Destroy          Stop, host restart   └─▶ crashed
//
// Invariants, of every driver:
//
//	I1  Every method is idempotent: asked for what is so already, it changes
//	    nothing and returns nil.
//	I2  A driver needs no memory: what List tells survives a restart of the driver
//	    and of the daemon behind it, for as long as the guest itself does. What
//	    was Ensured survives a restart of the host.
//	I3  Guests that the driver did not define are never listed nor touched.
//	I4  A method that returns an error has left the guest as it was, or in a state
//	    that List tells and that the same call, repeated, carries on from.
//	I5  Calls for different guests may run at once; calls for one guest run one
//	    after another.
//
// The package imports nothing of server/ and no driver.
package hypervisor
