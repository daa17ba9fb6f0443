// Package s3 keeps blobs in a bucket of S3-compatible object storage: Amazon's,
// Ceph's, MinIO's and others'. A blob is the object PREFIX/NAME. It implements
// blob.Store with the invariants of that package; server/node opens it.
//
// A file above 16 MiB is sent in parts, four at a time, and becomes an object when
// the last one is there. Parts of an upload that did not end are the bucket's until
// Remove or Tidy aborts it. A download that is cut off goes on where it was.
//
// Invariants:
//
//	I1  Keys are never in an error, a log or an option, only in what signs requests.
//	I2  No call waits for longer than Idle for a peer that does not answer. After
//	    such a wait calls fail at once for a while: who needs another store gets on.
//
// It knows nothing of images.
package s3
