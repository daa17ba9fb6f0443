// Package identity is what the resources of the identity API v3 have in common:
// each thing is one JSON object at a path of its kind, made by POST, changed by
// PATCH, and told by its id.
//
// Invariants:
//
//	I1. What a plan shows was run by the cloud in the plan session, unless it refers
//	    to something that has no id yet and could be one of several.
//	I2. A create whose answer is lost is not made twice where names are unique: the
//	    thing of that name is taken, if there was none before.
//	I3. A write-only value is sent and kept nowhere.
package identity
