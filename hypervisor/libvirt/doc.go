// Package libvirt is the hypervisor.Driver of libvirt with QEMU, by libvirt's
// own binding for Go (cgo; without it only what is pure here is built). It runs in
// a process of its own, cmd/cloudlet-libvirt, on the host of its libvirtd, so
// that a crash below the binding is no crash of the agent.
//
// A guest is a persistent domain whose name is "cloudlet-" and the guest's id. What
// the contract wants remembered is in the domain's own metadata (record): the
// digest of the description, the last reboot, how it came to be off.
//
// Invariants, besides the contract's:
//
//	I1  A domain is ours if it bears an element of our namespace in its metadata, and
//	    by nothing else. No other domain is listed or touched.
//	I2  A digest is written together with the definition it names, in one call, and
//	    told only while a running guest has the cards of that definition. So a
//	    change that was cut off anywhere shows as a digest that differs.
//	I3  libvirt forgets why a domain is off when libvirtd restarts. What the guest
//	    did by itself is therefore put down in the record, by whoever sees it
//	    first: the event, or List.
//	I4  A root disk appears under its name when it is whole and on disk, never before.
//	I5  KVM is used when a guest was seen to run in it, not because it is there.
//	I6  Nothing waits for libvirtd without end: a connection that does not answer is
//	    closed by keepalive, calls in flight fail with ErrUnavailable, and the next
//	    call connects anew.
package libvirt
