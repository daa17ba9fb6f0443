// Package node wires the parts of Cloudlet into processes: a server (state, APIs,
// the agents' end) and a host (driver, switch, agent), in one process or apart.
//
// Commands (server/cmd/cloudlet) and tests (server/cloudtest) are its callers. It
// is the only package that knows the storage engine, every dialect and every
// driver.
//
// Invariants:
//
//	I1  What cannot work fails in OpenServer or before RunHost connects, with a
//	    reason that says what to change; nothing is left open then.
//	I2  A server is ready (Ready, GET /healthz) only when the API answers and the
//	    hosts of its own process are up.
//	I3  The first administrator's password is handed to ServerOptions.BeforeSeed
//	    before the cloud that needs it exists.
//	I4  A data directory is one server's, a host's directory one agent's: both are
//	    locked. They may be one in the other (DIR and DIR/host), never the same.
//	I5  A backup has its name only when it is whole: its state holds no image whose
//	    bytes are not in it. Restore checks all of it before it changes anything.
package node
