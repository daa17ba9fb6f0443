// Package managed is what the resources and data sources of the provider have in
// common: the calls of a kind of thing, made once in the plan session by a plan and
// once in earnest by an apply; and what finds the one thing that is as configured.
//
// A resource is a Kind with the four calls that it is made of, and a model. A data
// source is a Source with the call that looks for it. What differs in one it
// overrides: it embeds Resource or Source.
//
// Invariants:
//
//	I1  What apply calls is what the plan has run, but for what the plan could not
//	    know.
//	I2  The id is in the state as soon as the thing is made, also if the answer was
//	    lost and the cloud is away; a create that is refused leaves nothing.
//	I3  A call that changes something is not cut short by Ctrl-C; it has a deadline.
//	I4  A data source tells of one thing, or fails and says what was asked for.
//
// It knows no particular API, and imports the provider's client only.
package managed
