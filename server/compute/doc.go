// Package compute is the domain of instances and what they are made of: flavors,
// keypairs, hosts, quotas, server groups.
//
// The Nova dialect (server/api/nova) calls it for its users; server/hosts tells
// it which hosts there are and what they observe, and reads what is wanted of
// them. An instance's life is in state.go: one table.
//
// How an instance comes to be, in one transaction (InstanceCreate): the flavor,
// image, keypair and networks are looked up as the caller sees them; the quota is
// checked; scheduler.Choose picks a host; the claim on host and quota, the ports
// and the row are written. The host hears of it from the row (InstancesOfHost),
// runs it, and reports (InstanceObserve).
//
// How it goes: InstanceDelete sets Desired to Gone; the host takes the guest
// away and reports that; then the row, its ports and its claim go in one
// transaction. In a plan session, or if no host has a part in it, at once.
//
// Invariants:
//
//	I1  Host.Used is the sum of the claims of the instances placed on it, and
//	    Usage the sum over a project's instances: at the end of every transaction.
//	I2  Outside of plan sessions no host is claimed beyond its capacity times the
//	    allocation ratios, and no project is beyond its quota by a create.
//	I3  State changes by the transition table only, and Desired follows State.
//	I4  A port the instance made lives exactly as long as its attachment; a port
//	    that was there before is only bound and unbound.
//	I5  What an instance was made with is copied (flavor, image, public key):
//	    deleting those changes no instance.
//	I6  Generation rises with each change of what the host must know.
//
// It knows nothing of HTTP and never reaches a host. It imports network, image,
// scheduler, cloud and statestore.
package compute
