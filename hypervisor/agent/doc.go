// Package agent is one host's part of a cloud: it makes the host be what the
// server wants of it, and tells the server what it sees.
//
// server/node runs one Agent per host, over a hypervisor.Driver and a
// vswitch.Switch. There is one mechanism: reconcile. For each guest and each
// network, a planner (plan.go, pure) compares what is desired with what is found
// and names the steps; an executor does them; what is found then is reported. It
// runs when desired state changes, when the driver tells of a change, and now and
// then.
//
//	server ─ Desired ─▶ desired ──┐
//	                              ├─▶ plan ─▶ steps on driver, switch, files ─▶ report ─▶ server
//	driver ─ List, Events ▶ found ┘
//
// Invariants:
//
//	I1  No memory is needed: an agent that restarts, on a host that rebooted, finds
//	    out from the driver and the switch what is there. What it keeps on disk is
//	    the last desired state, so that guests come back without the server.
//	I2  No guest is touched before the driver has told, in this process, which there
//	    are. Nothing is removed for not being desired before the server has told all
//	    that is.
//	I3  One guest is worked on by one goroutine at a time, and one network too.
//	I4  A guest's frames pass filters that name it before it runs.
//	I5  A guest that shut itself down is not started again, unless its user asks.
//	I6  A tap is made and removed under its network's mutex, by the newest desired
//	    state: nobody removes what somebody else has just prepared.
//	I7  A guest that ran as asked is told to have run, also if it is off again by then.
//	I8  Files of a guest are in its own directory; when it is gone, so is that.
//
// It imports nothing of server/ and no driver or switch.
package agent
