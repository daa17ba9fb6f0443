// Package cloud is the vocabulary of Cloudlet's server: the words every other
// package under server/ shares and nothing else. It imports the standard
// library only, so that it can be read aloud in one sitting and depended on by
// all.
//
// It holds:
//
//   - Error and Kind: the one error type that is told to a user, and the closed
//     list of what can be wrong. Domain packages return it; the API dialects
//     render it; nothing else decides a status code.
//   - Caller: who makes a request, as proven by a token.
//   - Clock: time, handed in, so that tests decide when it passes.
//   - UnknownID: the name of a thing that a Terraform plan will make but that
//     has no id yet.
//
// Invariants:
//
//	I1  Error.Msg is for the user: it says what was wrong and what would be
//	    right, and never holds a secret, a path of the server or a Go type.
//	I2  Error.Err is for the log only and is never rendered to a user.
//	I3  The list of kinds is closed: adding one means deciding its status in
//	    Kind.Status.
package cloud
