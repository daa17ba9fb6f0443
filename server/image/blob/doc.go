// Package blob is the seam between images and the places where their bytes lie:
// what files and object storage both really do for them, and no more. Package
// image calls it; it decides what a name is, who needs a blob, and when one goes.
//
// Bytes come as a local file that is whole, durable and looked at, since a blob's
// name is the SHA-256 of all of it: nobody knows the name before the last byte.
// Files takes such a file over by a rename; object storage sends it, in parts that
// are tried again one by one. A store never sees bytes that are refused.
//
// Invariants, held by the suite in blobtest on every implementation:
//
//	I1  Under a name there is nothing or a whole blob. A Put that failed, or whose
//	    process died, leaves no part of one that can be opened.
//	I2  What it leaves beside that is not listed, and goes with Remove or Tidy.
//	I3  Put, Open, Remove and Tidy may run at once. One blob's Put and Remove are
//	    kept apart by the caller.
//	I4  Memory does not grow with the size of a blob.
//
// It imports only cloud. Implementations of other kinds are packages below it.
package blob
