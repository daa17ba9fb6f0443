// Package front is the one door through which every API call comes: the
// listener's handler, the route rows, tokens, policy, microversions, strict
// decoding, paging, faults, waits and plan sessions.
//
// A wire dialect (server/api/keystone, glance, neutron, nova) is a Service: its
// place in the URL, its error envelope and a list of Route rows. A row is one
// literal: method, path, policy rule, loader of the resource the rule is about,
// handler. A handler is a few lines: decode, call the domain inside Write or on
// Read, render. What concerns every call (who asks, may they, how long, what
// went wrong, who waits) is done here, from the row.
//
//	{Method: "DELETE", Path: "/os-keypairs/{name}", Rule: "compute:keypair:delete",
//	 Target: keypairTarget, Handle: keypairDelete},
//
// The path of a call:
//
//	ServeHTTP → route by path and method → microversion → token → Target
//	→ Visible rule (no: 404) → Rule (no: 403) → Handle → ETag, wait → JSON
//
// Invariants:
//
//	I1  A handler reads through Request.Read and writes through Request.Write
//	    only. In a plan session both are the session's fork, so the same
//	    handler serves a plan and an apply.
//	I2  What the caller may not see answers 404, what it may see but not do 403. A
//	    service without a Visible rule, Keystone's, says 403 to both.
//	I3  One Request reads one snapshot until it writes: an answer never mixes
//	    two states.
//	I4  Every answer bears X-Openstack-Request-Id, and an error of kind Internal
//	    is logged once, here, with that id.
//	I5  A GET whose answer has an ETag can be waited on (RFC 9110 If-None-Match
//	    with RFC 7240 Prefer: wait=seconds): it is run again whenever a row that
//	    it read changes, and answers as soon as its ETag differs.
//
// It knows no dialect, no domain package and no host.
package front
