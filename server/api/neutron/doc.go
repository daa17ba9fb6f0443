// Package neutron is the wire dialect of OpenStack Neutron, API v2.0: JSON
// types, small handlers and route rows over the domain package network. The
// front mounts its Service; nobody else calls it.
//
// Neutron's resources are all alike: a flat object of attributes, listed,
// shown, created (also many at once), updated and deleted in the same way. So a
// resource is one literal here (resource[T]): its attribute rows, which say who
// may give and who is told each attribute, and three functions that call the
// domain. From the rows follow rendering, fields=, filters on any attribute,
// sorting, and the refusal of what is unknown or read-only.
//
// What is served is what GET /v2.0/extensions lists (see extensions.go); the
// attributes of other extensions are unknown here, and so refused.
//
// Where it differs from Neutron:
//
//   - What a caller may not see is 404, also in quotas.
//   - Every error about the body names the field at fault in the Cloudlet-Field
//     header, of a bulk request with the place: /ports/3/fixed_ips/0/ip_address.
//   - A bulk create is one transaction: all or none.
//   - GETs can be waited on, and everything can be tried in a plan session (see front).
//
// Invariants:
//
//	I1  A handler decides nothing that the domain should: it decodes, calls, renders.
//	I2  An attribute that only some may give needs its rule as soon as it is in
//	    the body with another value than the usual one.
//	I3  A filter never tells what rendering would not.
//	I4  The same state renders to the same bytes, so that ETags are stable.
//
// It imports front, network and cloud; never a host.
package neutron
