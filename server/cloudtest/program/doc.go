// Package program runs cloudlet as its users start it, in a process of its own, and
// speaks to it as the administrator. Its callers are the commands that measure and try
// a cloud from outside, bench and conformance.
//
// Invariants:
//
//	I1  The process ends with Stop, and with the context that it was started on.
//	I2  It listens on a free port of loopback.
//
// It imports nothing of the server.
package program
