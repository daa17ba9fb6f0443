// Package keystone is the Keystone v3 dialect: the JSON of domains, projects,
// users, roles, assignments, the catalog and tokens, and the rows that join it
// to server/identity. The front serves it at /identity/v3.
//
// It decides nothing. What is allowed is in the policy (identity.hcl), what is
// possible in server/identity. A handler decodes, calls, renders.
//
//	POST /v3/auth/tokens → authBody → identity.Authority.Issue → tokenWire
//
// Invariants:
//
//	I1  A password is read into the type secret, which no message, log line or
//	    answer renders.
//	I2  A user, project or domain that the caller may not see answers like one
//	    that does not exist: 403 to whoever could not see either, as in Keystone.
//	I3  A list holds what the caller could get one by one, no more.
//	I4  A token's body is rendered from the state now, not from what was true
//	    when it was issued.
//
// Keystone keeps members that it does not know with domains, projects, users,
// groups, roles and the catalog, and so do we: only there a body may have them.
// Everywhere else decoding is strict, as in all of Cloudlet.
package keystone
