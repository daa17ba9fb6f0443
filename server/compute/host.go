package compute

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/scheduler"
	"github.com/cloudlet/cloudlet/statestore"
)

// DefaultZone is the availability zone of a host that names none.
const DefaultZone = "nova"

// Fingerprint is what a host found out about itself.
type Fingerprint struct {
	Arch          string   // x86_64, aarch64
	VirtTypes     []string // kvm, qemu; those proven to run a guest
	CPUModel      string
	DriverName    string // libvirt, sim
	DriverVersion string
	VCPUs         int
	MemoryMiB     int
	DiskGiB       int
	Capabilities  map[string]bool // "hotplug_nic", …
}

// Host is a machine that runs an agent. Used is what placed instances claim: it
// changes with each claim, in the claim's own transaction, and never otherwise.
type Host struct {
	ID             string // the agent's own, stable over restarts
	Name           string // unique
	Zone           string
	VTEP           netip.Addr // where other hosts send VXLAN; the zero Addr if there is none
	Address        string     // of the host, as its agent tells it; shown as host_ip
	Fingerprint    Fingerprint
	Up             bool // its agent is connected
	ForcedDown     bool // an admin says that it is down
	Disabled       bool // an admin wants no more instances on it
	DisabledReason string
	Used           scheduler.Resources
	Instances      int // how many claim something
	RegisteredAt   time.Time
	SeenAt         time.Time
	ChangedAt      time.Time // when Up, Disabled or ForcedDown last changed
}

// Alive reports whether the host can be asked to do something now.
func (h Host) Alive() bool { return h.Up && !h.ForcedDown }

// Hosts is the table of hosts. Indexes: name (unique), zone.
var Hosts = statestore.NewTable(statestore.TableDef[Host]{
	Name:    "host",
	Version: 1,
	Key:     func(h *Host) string { return h.ID },
	Indexes: []statestore.Index[Host]{
		{Name: "name", Unique: true, Keys: func(h *Host) []string { return []string{h.Name} }},
		{Name: "zone", Keys: func(h *Host) []string { return []string{h.Zone} }},
	},
})

// HostSpec is what an agent says when it connects.
type HostSpec struct {
	ID, Name    string
	Zone        string // empty: DefaultZone
	VTEP        netip.Addr
	Address     string
	Fingerprint Fingerprint
}

// HostRegister adds a host, or brings a known one up to date, and marks it up.
// What an admin set (disabled, forced down) and what is claimed stays. Error
// kinds: Invalid, Conflict if another host has the name.
func HostRegister(tx *statestore.Txn, s HostSpec) (Host, error) {
	const op = "HostRegister"
	if s.ID == "" || trim(s.Name) == "" {
		return Host{}, invalid(op, "host", "", "A host needs an id and a name.")
	}
	if s.Zone == "" {
		s.Zone = DefaultZone
	}
	if other, ok := Hosts.First(tx, "name", s.Name); ok && other.ID != s.ID {
		return Host{}, &cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "host", ID: s.ID,
			Msg: "Another host, " + other.ID + ", is called " + s.Name + " already; give each host a name of its own."}
	}
	h, known := Hosts.Get(tx, s.ID)
	if !known {
		h = Host{ID: s.ID, RegisteredAt: tx.Now(), ChangedAt: tx.Now()}
	}
	if !h.Up {
		h.ChangedAt = tx.Now()
	}
	h.Name, h.Zone, h.VTEP, h.Address, h.Up, h.SeenAt = s.Name, s.Zone, s.VTEP, s.Address, true, tx.Now()
	h.Fingerprint = s.Fingerprint
	h.Fingerprint.VirtTypes = slices.Clone(s.Fingerprint.VirtTypes)
	h.Fingerprint.Capabilities = maps.Clone(s.Fingerprint.Capabilities)
	Hosts.Put(tx, h)
	return h, nil
}

// HostSeen notes that the host's agent is there, and marks it up. NotFound for
// an unknown host.
func HostSeen(tx *statestore.Txn, id string) error {
	return hostUp(tx, "HostSeen", id, true)
}

// HostDown marks a host whose agent is gone: nothing is placed on it until it is
// seen again. Its guests may well run on. Instances that were being deleted go at
// once, as in InstanceDelete. NotFound for an unknown host.
func HostDown(tx *statestore.Txn, id string) error {
	if err := hostUp(tx, "HostDown", id, false); err != nil {
		return err
	}
	return removeDeleting(tx, id)
}

// removeDeleting removes the instances that wait for a host to take them away,
// when nobody can ask it to. What is left there is removed when it comes back and
// is not told of them any more.
func removeDeleting(tx *statestore.Txn, hostID string) error {
	for _, i := range InstancesOfHost(tx, hostID) {
		if i.State != Deleting {
			continue
		}
		if err := remove(tx, i); err != nil {
			return err
		}
	}
	return nil
}

func hostUp(tx *statestore.Txn, op, id string, up bool) error {
	h, ok := Hosts.Get(tx, id)
	if !ok {
		return cloud.Missing("host", id)
	}
	if h.Up != up {
		h.Up, h.ChangedAt = up, tx.Now()
	}
	if up {
		h.SeenAt = tx.Now()
	}
	Hosts.Put(tx, h)
	return nil
}

// HostChange is what an admin may change of a host; nil leaves a thing as it is.
type HostChange struct {
	Disabled       *bool
	DisabledReason *string
	ForcedDown     *bool
}

// HostUpdate applies an admin's change. NotFound for an unknown host.
func HostUpdate(tx *statestore.Txn, id string, c HostChange) (Host, error) {
	h, ok := Hosts.Get(tx, id)
	if !ok {
		return Host{}, cloud.Missing("host", id)
	}
	if c.Disabled != nil {
		h.Disabled, h.DisabledReason = *c.Disabled, ""
	}
	if c.DisabledReason != nil {
		h.DisabledReason = *c.DisabledReason
	}
	if c.ForcedDown != nil {
		h.ForcedDown = *c.ForcedDown
	}
	h.ChangedAt = tx.Now()
	Hosts.Put(tx, h)
	if !h.Alive() {
		if err := removeDeleting(tx, id); err != nil {
			return Host{}, err
		}
		h, _ = Hosts.Get(tx, id)
	}
	return h, nil
}

// Zones returns the names of the availability zones, sorted: those of the hosts
// and DefaultZone.
func Zones(r statestore.Reader) []string {
	names := map[string]bool{DefaultZone: true}
	for h := range Hosts.All(r) {
		names[h.Zone] = true
	}
	return slices.Sorted(maps.Keys(names))
}
