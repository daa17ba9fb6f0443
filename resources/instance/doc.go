// Package instance is the Terraform resource and data source cloudlet_instance: a
// guest, a server of the compute API v2.1.
//
// Files: schema.go and validate.go say what may be configured; plan.go completes
// the plan (references by name, network cards that stay) and has the cloud check
// it; lookup.go finds what names mean; resource.go creates, reads and deletes;
// change.go changes in place; nic.go and model.go are the pure parts.
//
// Invariants:
//
//	I1  Network cards keep their order: a card is only ever added behind those
//	    that stay (plan of planNICs).
//	I2  A port that is named by the configuration is attached and detached, never
//	    changed or deleted: it is its own resource's.
//	I3  Write-only user data is never in the state.
//
// What the compute API would not give back (cards in order, hints, user data) is
// read by Cloudlet's extension "cloudlet:intent"; on a cloud without it the state
// keeps what was configured.
package instance
