// Package task is the engine of durable work of several steps in the server: an
// image import, later a migration or a snapshot. A domain package declares a
// Kind with its steps and writes a Task row in the transaction of the change
// that needs it; node runs one Engine over all kinds.
//
// A step does something that is safe to repeat and says what comes next: another
// step, the same one later, the end, or an error. What it changes in the state is
// handed back and committed together with that advance. Errors are tried again,
// ever more slowly, until the step has failed for its kind's Patience; then the
// task has failed, and the kind's Failed puts the fault on the resource in the
// same transaction. There is no undo: to destroy the resource is the undo.
//
// Invariants:
//
//	I1  A task that is open is run to its end however often the process dies: the
//	    row says which step is next, and nothing else is remembered.
//	I2  The changes of a step and its advance are one transaction. A step may run
//	    several times; what it hands back is committed at most once.
//	I3  A task runs in one goroutine at a time.
//	I4  Deleting the row ends the task: its step is told by its context, and what
//	    it hands back then is thrown away.
//	I5  An ended task stays readable for its kind's Keep, then its row is removed.
//
// It knows no kind by itself, and imports only cloud and statestore.
package task
