// Package identity is what the resources and data sources of the identity API v3
// have in common: each thing is one JSON object at a path of its kind, made by
// POST, changed by PATCH, and told by its id; or a link, made by PUT at a path that
// names what it ties.
//
// Invariants:
//
//	I1  What a plan shows was run by the cloud in the plan session, unless it refers
//	    to something that has no id yet and could be one of several.
//	I2  A write-only value is sent and kept nowhere.
//
// It rests on provider/managed, and imports no resource.
package identity
