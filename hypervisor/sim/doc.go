// Package sim is a simulated host: a hypervisor.Driver whose guests are records.
//
// It serves three callers: `cloudlet dev -driver sim`, where it is the host of a
// throw-away cloud; tests of everything above the driver, which make it fail
// when and how they like; and benchmarks, where one process holds a thousand of
// it. A guest costs about a kilobyte and no goroutine.
//
// Nothing is left to chance: a guest runs as soon as it is started, unless
// Options.Latency and a Clock say otherwise, and goes down by itself, crashes or
// refuses only when a test tells it to (PowerOff, Crash, Deafen, Inject).
//
// It has neither disks nor taps: paths and devices that a Guest names are
// neither read nor made. With Options.Dir its guests are files, so that they
// "run" on while the process that simulates them is killed and started again.
//
// Invariants: those of package hypervisor, and
//
//	S1  A change is in its file before any caller sees it, and a file is never
//	    half-written. Files are not synced: a loss of power is a loss of the host.
//	S2  An injected fault without After leaves everything as it was.
//	S3  Events come in the order in which the powers changed.
//
// It must not import any other driver.
package sim
