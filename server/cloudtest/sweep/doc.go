// Package sweep holds a test that speaks badly to every route of every service: it
// takes the routes from the rows, so that a new one is swept by itself.
//
// Its tests run on one cloud with one of each thing (world_test.go). Each trial
// (trials_test.go, bodies_test.go) is a way of being wrong, and says what may be
// answered to it. Whatever it is, an answer
//
//	I1  is no failure of the server's: no 5xx but 501,
//	I2  is in the service's own envelope, with a request id,
//	I3  leaves the state as it was,
//	I4  and is what a plan session answers.
//
// What answers otherwise for a reason stands in exempt_test.go with it; an entry that is
// not needed fails the test. testdata/uncovered.txt lists what could not be swept whole,
// for want of a thing to name or of a right body to spoil. Give samples_test.go one; the
// list may only become shorter.
package sweep
