// Package image is the domain of images: what a guest's disk starts from. It
// holds the image rows, their life (see state.go), who may see them, and the
// content-addressed store of their bytes.
//
// The Glance dialect (server/api/glance) calls it for its users; compute reads
// image rows in its own transactions; hosts fetch bytes by their SHA-256.
//
// Bytes live in stores (Content, and package blob below it), rows in the state
// store, and the row decides: a content that no row names is swept, a row never
// names bytes that are not durable. Images with equal bytes share a content in each
// store. What bytes are is told by package inspect. Imports are durable tasks (see
// importing.go); tasks clean up in stores beyond this machine, which may be away.
//
// Invariants:
//
//	I1  An image that is active has bytes, and its Size, VirtualSize and sums were
//	    computed from those bytes, never taken from a user.
//	I2  Bytes never change once an image is active; a new content is a new image.
//	I3  No image points at other files: a disk format whose header names a
//	    backing file, an external data file or an extent is refused.
//	I4  Uploads and downloads use constant memory.
//	I5  A process that dies at any point of an upload or a delete leaves nothing
//	    that Sweep does not undo, in a store that is away when that is back, and
//	    nothing undone that was acknowledged.
//	I6  A content is removed from a store only when no row names it there and no
//	    upload is about to; who is reading it reads on to its end.
//	I7  An image that has bytes in a store and the properties of a signed one has the
//	    bytes that were signed (see package signature); neither changes from then on.
//	I8  In a store beyond this machine that is another cloud's nothing is removed.
//	I9  Nobody waits for a store beyond this machine who does not use it.
//
// It knows nothing of HTTP and imports only cloud, task, statestore and its own
// blob, inspect and signature.
package image
