// Package pebble is the embedded engine of a statestore: one directory, one
// process, github.com/cockroachdb/pebble underneath. The same code runs on a
// file system in memory for tests.
//
// Invariants:
//
//	I1  Commit returns after an fsync of the write-ahead log.
//	I2  A directory is open in at most one process; a second one is told so.
//	I3  Memory stays small and fixed (8 MiB of cache, 4 MiB of memtable), since
//	    reads are served from the store's snapshot and hardly ever come here.
//	I4  A backup or restored copy has been opened and read to its end, with
//	    checksums, before it bears its final name.
//
// Keys that begin with a NUL byte are the engine's own.
package pebble
