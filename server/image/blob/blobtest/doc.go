// Package blobtest is for tests of what keeps blobs: the suite that holds every
// blob.Store to the contract, and a real object storage on loopback whose
// connections can be cut.
//
// The object storage is Versity's gateway on a directory. It is built from a module
// of its own, .ci/s3/go.mod, so that its requirements are not the project's.
package blobtest
