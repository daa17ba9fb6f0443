// Package identity is the domain of who there is and what they may be: domains,
// projects, users, groups, roles, assignments, the catalog of services with its limits,
// passwords and tokens; what users lend (application credentials, trusts, OAuth 1.0a)
// and the credentials that they keep. Of federation it keeps the records only.
//
// The Keystone dialect (server/api/keystone) calls it for its users; the front
// asks it, on every call, who a token speaks for (Authority.Authenticate).
//
// A password is kept as an argon2id hash (RFC 9106). A token is sealed
// (XChaCha20-Poly1305), not stored: it names the user, the scope and its times,
// and what it is worth is looked up when it is shown. So a role that is taken
// away, a user or project that is disabled, or a password that is changed
// counts from the next call on.
//
// Invariants:
//
//	I1  A token is valid only if it opens under one of the stored keys, has not
//	    expired, is not revoked, is of its user's present epoch (ValidAfter), and user,
//	    scope and their domains are enabled and the user still has a role there.
//	I2  Wrong user, wrong password, disabled and unknown scope look the same to
//	    who asks, and take the same time as far as hashing goes.
//	I3  Hashing is bounded in memory: a few at a time, others wait.
//	I4  The domain default and the roles that policy names cannot be deleted.
//	I5  Deleting a project, user, group, role or domain deletes its assignments and
//	    memberships with it.
//	I6  A group's roles are its members': what a user may do is looked up by
//	    membership now, so one that ends takes the roles with it.
//	I7  What is immutable changes in its options only, and is not deleted, but
//	    with the domain that it is in.
//	I8  What was lent, by an application credential, a trust or OAuth, is worth something
//	    only while who lent it has all of it, and never becomes more: its tokens
//	    keep their scope, and make nothing that outlives them unless they may.
//	I9  A passcode, a use of a trust that is counted, and a request that a consumer
//	    signed, is spent in the transaction before the token is given out.
//	I10 Credentials and OAuth's secrets are stored sealed under the token keys; a new
//	    key seals them again before an old one is forgotten, and no key is while a
//	    token that it sealed may be shown.
//	I11 The id of a project, domain or user that is no more is never another's.
//
// It knows nothing of HTTP and imports only cloud and statestore.
package identity
