// Package metadata tells a guest who it is: OpenStack's tree and EC2's, over HTTP
// at 169.254.169.254 (Handler) and on a config drive (ConfigDrive), from one
// description (Instance). Both are the same tree of documents.
//
// The agent serves Handler on what vswitch.ListenMetadata opened in a network's
// namespace, with a look-up over that network's ports on this host, and writes a
// config drive beside a guest's disk when it asks for one.
//
// The trees are as complete as Nova's, because first-boot software probes them:
// a path that is missing makes some clients try again or look elsewhere.
//
// Invariants:
//
//	I1  Who asks is told by the connection's source address and nothing else: no
//	    header of a request changes it. An address that is nobody's gets 404.
//	I2  The same Instance makes the same bytes, of every document and of the whole
//	    config drive: no clock, no randomness.
//
// It must not import vswitch nor anything of server/.
package metadata
