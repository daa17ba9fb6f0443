package compute

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// plug makes or finds a port for each NIC asked for and binds it to the
// instance and its host. groups are for ports that are made. at is where in the
// request the list is.
func plug(tx *statestore.Txn, c cloud.Caller, i *Instance, nics []NICSpec, groups []string, at string) ([]NIC, error) {
	host, _ := Hosts.Get(tx, i.HostID)
	var out []NIC
	for n, s := range nics {
		p, err := portFor(tx, c, *i, s, groups)
		if err == nil {
			_, err = network.PortBind(tx, p.ID, network.Binding{DeviceID: i.ID, DeviceOwner: "compute:" + cmp.Or(i.Zone, DefaultZone), HostID: i.HostID, HostName: host.Name})
		}
		if err != nil {
			return nil, nicFault(err, fmt.Sprintf("%s/%d", at, n), s)
		}
		out = append(out, NIC{PortID: p.ID, Made: s.PortID == "", NetworkID: s.NetworkID, FixedIP: s.FixedIP, Tag: s.Tag})
	}
	return out, nil
}

// portFor returns the port that is named, or makes one.
func portFor(tx *statestore.Txn, c cloud.Caller, i Instance, s NICSpec, groups []string) (network.Port, error) {
	if s.PortID != "" {
		p, err := network.PortGet(tx, c, s.PortID)
		if err == nil && p.ProjectID != i.ProjectID && !standsIn(p.ID) {
			return p, invalid("InstancePlug", "instance", "", "Port %s not usable for instance %s: it belongs to another project.", p.ID, i.ID)
		}
		return p, err
	}
	spec := network.PortSpec{ProjectID: i.ProjectID, NetworkID: s.NetworkID}
	if len(groups) > 0 {
		spec.SecurityGroups = &groups
	}
	if s.FixedIP != "" {
		a, err := netip.ParseAddr(s.FixedIP)
		if err != nil {
			return network.Port{}, invalid("InstancePlug", "instance", "/fixed_ips/0/ip_address", "Invalid fixed IP address (%s).", s.FixedIP)
		}
		spec.FixedIPs = &[]network.FixedIP{{Address: a}}
	}
	p, err := network.PortCreate(tx, c, spec)
	if err == nil && len(p.FixedIPs) == 0 && tx.Base() == nil {
		return p, invalid("InstancePlug", "instance", "/network_id", "Network %s requires a subnet in order to boot instances on.", s.NetworkID)
	}
	return p, err
}

// nicFault is a network error as one of a server request: what is not found
// makes the request wrong, and fields point into it.
func nicFault(err error, at string, s NICSpec) error {
	e := *cloud.AsError(err)
	if e.Kind == cloud.NotFound {
		e.Kind = cloud.Invalid
	}
	switch {
	case s.PortID != "":
		e.Field = at + "/port"
	case strings.HasPrefix(e.Field, "/fixed_ips"):
		e.Field = at + "/fixed_ip"
	default:
		e.Field = at + "/uuid"
	}
	return &e
}

// releasePorts deletes the ports that the instance made and unbinds the others.
func releasePorts(tx *statestore.Txn, i Instance) error {
	for _, nic := range i.NICs {
		if nic.Made {
			network.PortRemove(tx, nic.PortID)
		}
	}
	for _, p := range network.PortsOfDevice(tx, i.ID) {
		if _, err := network.PortUnbind(tx, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// pluggable reports whether NICs can be attached and detached now. In a plan
// session an instance that the session made counts as if it ran.
func pluggable(tx *statestore.Txn, i Instance) bool {
	return i.State == Active || i.State == Off || i.State == Building && tx.Base() != nil
}

// InstanceAttach plugs a port, or a new one on a network, into an instance that
// runs or is off, as its last NIC. Without either it takes the project's only
// network. Error kinds: NotFound, Invalid, Conflict, Quota.
func InstanceAttach(tx *statestore.Txn, c cloud.Caller, id string, s NICSpec) (network.Port, error) {
	const op = "InstanceAttach"
	var none network.Port
	i, err := instanceToChange(tx, c, op, id)
	if err != nil {
		return none, err
	}
	if !pluggable(tx, i) {
		return none, i.refusal(op, "attach_interface")
	}
	if s.PortID == "" && s.NetworkID == "" {
		n, err := network.NetworkDefaultFor(tx, c)
		if err != nil {
			return none, err
		}
		s.NetworkID = n.ID
	}
	if !standsIn(s.PortID) && slices.ContainsFunc(i.NICs, func(n NIC) bool { return n.PortID == s.PortID }) {
		return none, conflict(op, id, "Port %s is still in use: it is attached to this instance already.", s.PortID)
	}
	made, err := plug(tx, c, &i, []NICSpec{s}, nil, "/interfaceAttachment")
	if err != nil {
		e := *cloud.AsError(err)
		e.Field = strings.NewReplacer("/0/uuid", "/net_id", "/0/port", "/port_id", "/0/fixed_ip", "/fixed_ips/0/ip_address").Replace(e.Field)
		return none, &e
	}
	begin(tx, c, &i, "attach_interface", "")
	i.NICs = append(slices.Clone(i.NICs), made...)
	touch(tx, &i, true)
	p, _ := network.Ports.Get(tx, made[0].PortID)
	return p, nil
}

// InstanceDetach unplugs a port from an instance that runs or is off. A port that
// the instance made is deleted. Error kinds: NotFound also if the port is not
// the instance's, Conflict.
func InstanceDetach(tx *statestore.Txn, c cloud.Caller, id, portID string) error {
	const op = "InstanceDetach"
	i, err := instanceToChange(tx, c, op, id)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(i.NICs, func(n NIC) bool { return n.PortID == portID })
	if at < 0 {
		return &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: "instance", ID: id, Msg: fmt.Sprintf("Port %s is not attached to instance %s.", portID, id)}
	}
	if !pluggable(tx, i) {
		return i.refusal(op, "detach_interface")
	}
	if i.NICs[at].Made {
		network.PortRemove(tx, portID)
	} else if p, ok := network.Ports.Get(tx, portID); ok && p.DeviceID == i.ID {
		if _, err := network.PortUnbind(tx, portID); err != nil {
			return err
		}
	}
	begin(tx, c, &i, "detach_interface", "")
	i.NICs = slices.Delete(slices.Clone(i.NICs), at, at+1)
	touch(tx, &i, true)
	return nil
}

// PortsOf returns the instance's ports in the order of its NICs. One that was
// deleted by its owner is left out.
func PortsOf(r statestore.Reader, i Instance) []network.Port {
	out := make([]network.Port, 0, len(i.NICs))
	for _, nic := range i.NICs {
		if p, ok := network.Ports.Get(r, nic.PortID); ok {
			out = append(out, p)
		}
	}
	return out
}

// InstanceGroupAdd puts a security group, by name or id, on all of the
// instance's ports that have port security. Error kinds: NotFound, Conflict.
func InstanceGroupAdd(tx *statestore.Txn, c cloud.Caller, id, group string) error {
	return changeGroups(tx, c, "InstanceGroupAdd", id, group, true)
}

// InstanceGroupRemove takes a security group off all of the instance's ports.
// Error kinds: NotFound; Invalid if no port has it; Conflict.
func InstanceGroupRemove(tx *statestore.Txn, c cloud.Caller, id, group string) error {
	return changeGroups(tx, c, "InstanceGroupRemove", id, group, false)
}

func changeGroups(tx *statestore.Txn, c cloud.Caller, op, id, name string, add bool) error {
	i, err := instanceToEdit(tx, c, op, id, "change security groups")
	if err != nil {
		return err
	}
	c.ProjectID = i.ProjectID // names are those of the instance's project
	if name == "default" {
		network.SecurityGroupEnsureDefault(tx, i.ProjectID)
	}
	g, err := network.SecurityGroupByNameOrID(tx, c, name)
	if err != nil {
		return err
	}
	had := false
	for _, p := range PortsOf(tx, i) {
		has := slices.Contains(p.SecurityGroups, g.ID)
		had = had || has
		if !p.PortSecurity || has == add || standsIn(p.ID) {
			continue
		}
		next := slices.DeleteFunc(slices.Clone(p.SecurityGroups), func(o string) bool { return o == g.ID })
		if add {
			next = append(next, g.ID)
		}
		if _, err := network.PortUpdate(tx, c, p.ID, network.PortChange{SecurityGroups: &next}); err != nil {
			return err
		}
	}
	if !add && !had {
		return invalid(op, "instance", "", "Security group %s not associated with the instance %s", name, id)
	}
	i.SecurityGroups = slices.DeleteFunc(slices.Clone(i.SecurityGroups), func(s string) bool { return s == g.ID || s == g.Name })
	if add {
		i.SecurityGroups = append(i.SecurityGroups, name)
	}
	touch(tx, &i, false)
	return nil
}

// GroupsOf returns the security groups of the instance's ports, each once, by name.
func GroupsOf(r statestore.Reader, i Instance) []network.SecurityGroup {
	var out []network.SecurityGroup
	seen := map[string]bool{}
	for _, p := range PortsOf(r, i) {
		for _, id := range p.SecurityGroups {
			if g, ok := network.SecurityGroups.Get(r, id); ok && !seen[id] {
				seen[id] = true
				out = append(out, g)
			}
		}
	}
	slices.SortFunc(out, func(a, b network.SecurityGroup) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out
}
