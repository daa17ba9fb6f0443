package compute

import (
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/scheduler"
	"github.com/cloudlet/cloudlet/statestore"
)

// FlavorCopy is the flavor as it was when the instance was made with it.
type FlavorCopy struct {
	ID         string
	Name       string
	VCPUs      int
	MemoryMiB  int
	DiskGiB    int // 0: as big as the image
	Ephemeral  int // GiB
	SwapMiB    int
	ExtraSpecs map[string]string
}

// ImageCopy is what a host needs to know of the image, as it was at creation:
// the image row may go while its bytes are still in use.
type ImageCopy struct {
	ID          string
	SHA256      string // content address of the bytes
	Format      string // qcow2, raw, …
	VirtualSize int64  // bytes
	Properties  map[string]string
}

// NIC is a network attachment: the intent as asked for, and the port it became.
type NIC struct {
	PortID string
	// Made says that the instance's creation or an attach made the port, so that
	// it is deleted with the attachment. Other ports are only unbound.
	Made      bool
	NetworkID string // as asked for; empty if a port was named
	FixedIP   string // as asked for
	Tag       string
}

// Fault is why an instance is in error.
type Fault struct {
	Code    int
	Message string
	Details string // for admins
	At      time.Time
	ByHost  bool // the host reported it, and may report it gone
}

// Pending is the action that a host has yet to finish.
type Pending struct {
	RequestID string
	Action    string // as in the actions log: "create", "reboot"
	Event     string // "compute__do_build_and_run_instance"
}

// Power is whether a guest runs.
type Power string

// The powers. Desired is Running, Stopped or Gone; Observed any but Gone.
const (
	PowerUnknown Power = ""        // not seen yet, or not running for a reason of the host's (it restarted)
	Running      Power = "running" //
	Stopped      Power = "stopped" // observed: it was stopped as asked, or powered itself off
	Paused       Power = "paused"  // observed only
	Crashed      Power = "crashed" // observed only
	Gone         Power = "gone"    // desired only: nothing of it shall be left on the host
)

// Instance is one guest. What is wanted of the host is Desired, RebootSerial,
// NICs and the fixed parts; Generation counts their changes. State says where it
// is in its life (see state.go).
type Instance struct {
	ID            string
	Name          string
	Hostname      string // what the guest is told that it is called
	Description   string
	ProjectID     string
	UserID        string
	ReservationID string // shared by the instances of one multi-create
	LaunchIndex   int

	State         State
	Desired       Power
	ObservedPower Power
	Generation    uint64 // rises with each change of what the host must know
	RebootSerial  uint64 // rises with each reboot; the host reports the last it did
	RebootSoft    bool   // whether the last reboot was a soft one
	Applied       string // digest of the desired state that the host says it has applied
	Pending       *Pending
	Fault         *Fault

	HostID        string // where it is placed; "" only in a plan session without room
	Zone          string // of the host
	RequestedZone string
	Hints         map[string][]string // scheduler hints, as asked
	GroupID       string              // server group, "" for none

	Flavor      FlavorCopy
	Image       ImageCopy
	NICs        []NIC  // in the order of the guest's devices
	KeyName     string //
	PublicKey   string // a copy: the keypair may go
	KeyType     string
	UserData    string // base64, as given
	Metadata    map[string]string
	Tags        []string // sorted
	ConfigDrive bool
	AccessIPv4  string
	AccessIPv6  string
	DiskConfig  string // AUTO, MANUAL
	// SecurityGroups are those asked for at creation, by name or id: the intent
	// for ports made later.
	SecurityGroups []string

	Locked       bool
	LockedReason string

	CreatedAt    time.Time
	UpdatedAt    time.Time
	LaunchedAt   time.Time // zero until it ran for the first time
	TerminatedAt time.Time // when delete was asked for
}

// Claim is what the instance takes of its host. A flavor without a disk size
// claims the image's.
func (i Instance) Claim() scheduler.Resources {
	const gib = 1 << 30
	disk := i.Flavor.DiskGiB
	if disk == 0 {
		disk = int((i.Image.VirtualSize + gib - 1) / gib)
	}
	return scheduler.Resources{VCPUs: i.Flavor.VCPUs, MemoryMiB: i.Flavor.MemoryMiB, DiskGiB: disk + i.Flavor.Ephemeral + (i.Flavor.SwapMiB+1023)/1024}
}

// Ports returns the ids of the instance's ports, in the order of its devices.
func (i Instance) Ports() []string {
	ids := make([]string, len(i.NICs))
	for n, nic := range i.NICs {
		ids[n] = nic.PortID
	}
	return ids
}

// Instances is the table of instances.
//
//   - project: the owner
//   - host: where it is placed
//   - key: user and key name, to find who uses a keypair
//   - group: the server group
var Instances = statestore.NewTable(statestore.TableDef[Instance]{
	Name:    "instance",
	Version: 1,
	Key:     func(i *Instance) string { return i.ID },
	Indexes: []statestore.Index[Instance]{
		{Name: "project", Keys: func(i *Instance) []string { return []string{i.ProjectID} }},
		{Name: "host", Keys: func(i *Instance) []string { return some(i.HostID) }},
		{Name: "group", Keys: func(i *Instance) []string { return some(i.GroupID) }},
	},
})

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// InstanceGet returns the instance if the caller may see it: its project's, or
// any for an admin. NotFound otherwise.
func InstanceGet(r statestore.Reader, c cloud.Caller, id string) (Instance, error) {
	i, ok := Instances.Get(r, id)
	if !ok || !c.Admin() && !c.Owns(i.ProjectID) {
		return Instance{}, missingInstance("InstanceGet", id)
	}
	return i, nil
}

// InstancesOfHost returns the instances placed on a host, those that shall go
// (Desired Gone) included, by id. The rows' slices and maps belong to the store.
func InstancesOfHost(r statestore.Reader, hostID string) []Instance {
	return slices.Collect(Instances.By(r, "host", hostID))
}

// touch stores a changed instance; told says that the host must hear of it.
func touch(tx *statestore.Txn, i *Instance, told bool) {
	i.UpdatedAt = tx.Now()
	if told {
		i.Generation++
	}
	Instances.Put(tx, *i)
}
