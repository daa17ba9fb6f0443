// Package vswitchtest is the contract of package vswitch as tests: Run holds any
// backend to it. A backend brings a World: hosts whose guests send what the
// suite asks for, as frames where there are frames.
//
// Invariants:
//
//	V1  A test asks only for what package vswitch promises. What only one backend
//	    has is tested beside it.
//	V2  Every test can fail: what must not arrive is sent again, in the same
//	    world, where it must.
package vswitchtest
