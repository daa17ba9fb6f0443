package network

import (
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// ComputeOwner is the device owner of an instance's ports in availability zone nova.
const ComputeOwner = "compute:nova"

// Binding is what a port is plugged into, and where.
type Binding struct {
	DeviceID    string
	DeviceOwner string // empty: ComputeOwner
	HostID      string // empty: not placed yet
	HostName    string // shown as binding:host_id; empty: HostID
}

// PortBind plugs a port into a device, or tells a device's port its host. It
// may be called again with the same device. Error kinds: NotFound, Conflict
// (PortInUse) if the port is plugged into another device.
func PortBind(tx *statestore.Txn, portID string, b Binding) (Port, error) {
	const op = "PortBind"
	p, ok := Ports.Get(tx, portID)
	if !ok {
		return Port{}, missing(op, "port", portID, "Port %s could not be found.")
	}
	if standsIn(portID) {
		return p, nil // each use is another port
	}
	if p.DeviceID != "" && p.DeviceID != b.DeviceID {
		e := conflict(PortInUse, op, "port", portID, "", "Port %s is still in use: it is plugged into %s.", portID, p.DeviceID)
		heldBefore := func(r statestore.Reader) bool {
			q, ok := Ports.Get(r, portID)
			return ok && q.DeviceID == p.DeviceID
		}
		if err := contest(tx, heldBefore, e); err != nil {
			return p, err
		}
	}
	if p.HostID != b.HostID {
		p.Status, p.StatusMessage = Down, ""
	}
	p.DeviceID, p.DeviceOwner, p.HostID, p.BindingHost = b.DeviceID, b.DeviceOwner, b.HostID, b.HostName
	if p.DeviceOwner == "" {
		p.DeviceOwner = ComputeOwner
	}
	if p.BindingHost == "" {
		p.BindingHost = b.HostID
	}
	return portTouch(tx, p), nil
}

// PortUnbind unplugs a port, which stays. Error kinds: NotFound.
func PortUnbind(tx *statestore.Txn, portID string) (Port, error) {
	p, ok := Ports.Get(tx, portID)
	if !ok {
		return Port{}, missing("PortUnbind", "port", portID, "Port %s could not be found.")
	}
	if standsIn(portID) {
		return p, nil
	}
	p.DeviceID, p.DeviceOwner, p.HostID, p.BindingHost = "", "", "", ""
	p.Status, p.StatusMessage = Down, ""
	return portTouch(tx, p), nil
}

// PortObserve notes what a host saw of a port: in force, not in force, or not
// possible, with the reason in msg. It changes nothing if that is known already;
// a port that is gone is no error.
func PortObserve(tx *statestore.Txn, portID string, active bool, msg string) {
	p, ok := Ports.Get(tx, portID)
	if !ok || standsIn(portID) {
		return
	}
	s := Down
	switch {
	case active:
		s, msg = Active, ""
	case msg != "":
		s = Failed
	}
	if p.Status == s && p.StatusMessage == msg {
		return
	}
	p.Status, p.StatusMessage = s, msg
	portTouch(tx, p)
}

// PortRemove removes a port of whoever it is: what compute does with the ports
// that it made. It reports whether there was one.
func PortRemove(tx *statestore.Txn, portID string) bool {
	return !standsIn(portID) && PortDelete(tx, cloud.Caller{Service: true}, portID) == nil
}
