// Package nova is the wire dialect of OpenStack Nova, API v2.1 with
// microversions: JSON types, small handlers and route rows over the domain
// package compute. The front mounts its Service; nobody else calls it.
//
// It serves microversions 2.1 to 2.90. What depends on one is written where it
// is rendered or decoded, with the number beside it; the source is Nova's REST API
// Version History and API reference.
//
// Where it says more than Nova does, for clients that ask:
//
//   - A server's user data is told to its owner, not only to admins (from 2.3).
//   - PUT /servers/{id} takes user_data; the guest reads it at its next boot.
//   - With the request header "Cloudlet-Intent: true" a server has the member
//     "cloudlet:intent": what its creation asked for and Nova would forget
//     (networks in order, scheduler hints, security groups, availability zone), and
//     what the ports of its networks are.
//   - A cloud without room answers the create call itself, with 409 and the
//     counts of the scheduler's filters; Nova accepts it and fails later.
//   - GETs can be waited on, and everything can be tried in a plan session (see front).
//
// Invariants:
//
//	I1  A handler decides nothing that compute should: it decodes, calls, renders.
//	I2  What a caller may not see is 404; extended attributes are left out.
//	I3  The same state renders to the same bytes, so that ETags are stable.
//
// It imports front, compute, network, image and cloud; never a host.
package nova
