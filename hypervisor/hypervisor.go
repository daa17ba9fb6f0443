package hypervisor

import (
	"context"
	"errors"
	"time"
)

// A Driver runs guests on one host. Methods may be called from any goroutine.
// They block for the hypervisor's own work: milliseconds, save where said. ctx
// ends the waiting, not what has begun.
//
// Errors: those that wrap ErrNotFound, ErrInvalid, ErrUnsupported or ErrUnavailable
// can be told apart; others are the hypervisor's own words.
type Driver interface {
	// Fingerprint tells what the host and its hypervisor are. With a virt type
	// that has to be proven it may block for seconds, the first time.
	Fingerprint(ctx context.Context) (Fingerprint, error)

	// Ensure makes the guest be defined as g says, without starting or stopping
	// it. If there is no file at g.Root.Path it makes the root disk there, where the
	// driver has CapDisk. If the guest runs, NICs are plugged and unplugged at once,
	// where the driver has CapHotplugNIC; everything else counts from the next Start.
	// It wraps ErrInvalid if no guest can be so.
	Ensure(ctx context.Context, g Guest) error

	// Start starts a guest that is off. It returns when the guest's processors
	// run. Errors wrap ErrNotFound for a guest that is not defined.
	Start(ctx context.Context, id string) error

	// Stop has the guest shut down and returns when it is off. It blocks for at
	// most grace (and a little more): a guest that does not shut down in that time
	// is cut off. grace 0 cuts it off at once. A guest that is not defined is off.
	Stop(ctx context.Context, id string, grace time.Duration) error

	// Reset does the reboot with the serial: as if the reset button were pressed,
	// without leaving the hypervisor's process. A guest that is off is started.
	// List tells the serial from then on. Errors wrap ErrNotFound.
	Reset(ctx context.Context, id string, serial uint64) error

	// Destroy cuts the guest off and forgets its definition. Its files stay: they
	// are the caller's.
	Destroy(ctx context.Context, id string) error

	// List tells all guests that the driver defined, in order of ids.
	List(ctx context.Context) ([]GuestState, error)

	// Events calls fn, from one goroutine, for every change of a guest's power,
	// until ctx ends; it then returns ctx's error. It returns another error if the
	// connection was lost: call it again, and List, since events in between are
	// gone. fn is called once with an empty Event when events flow, so that a List
	// after it misses nothing. fn must not block for long.
	Events(ctx context.Context, fn func(Event)) error

	// Console returns the end of what the guest wrote to its serial console since
	// it was defined: at most max bytes (0: all that is kept). It wraps
	// ErrNotFound if the guest is not defined; no output yet is no error.
	Console(ctx context.Context, id string, max int64) ([]byte, error)

	// Stats tells what a running guest uses. It wraps ErrNotFound for one that
	// does not run.
	Stats(ctx context.Context, id string) (Stats, error)

	// Close gives back what the driver itself holds. Guests stay as they are.
	Close() error
}

// Errors that callers tell apart; drivers wrap them with what they know.
var (
	ErrNotFound    = errors.New("no such guest")
	ErrInvalid     = errors.New("invalid guest")
	ErrUnsupported = errors.New("not supported by this hypervisor")
	ErrUnavailable = errors.New("the hypervisor does not answer") // trying again may help
)

// Capabilities that a Fingerprint may hold.
const (
	// CapHotplugNIC: NICs come and go while the guest runs.
	CapHotplugNIC = "hotplug_nic"
	// CapDisk: guests have real disks, so that their image must be on the host
	// before Ensure. Without it Root is words only: no file of it is read or made.
	CapDisk = "disk"
	// CapTap: guests open the taps that their NICs name.
	CapTap = "tap"
)

// Fingerprint is what a host and its hypervisor are.
type Fingerprint struct {
	Driver        string // libvirt, sim
	Version       string // of the hypervisor
	Arch          string // x86_64, aarch64: libvirt's names
	CPUModel      string
	VirtTypes     []string // kvm, qemu: those that are proven to run a guest, best first
	VCPUs         int
	MemoryMiB     int
	DiskGiB       int // of the file system that holds Options.Dir of the driver; 0: not known
	Capabilities  map[string]bool
	HypervisorURI string // for people
}

// Guest is what one guest is. The caller keeps it; a driver keeps no reference.
type Guest struct {
	// ID is the instance's UUID: the domain's, and what SMBIOS tells the guest.
	ID string
	// Name is the instance's, for people; it need not be unique.
	Name      string
	ProjectID string // for people
	VCPUs     int
	MemoryMiB int
	// VirtType is kvm or qemu; empty: the best of the fingerprint.
	VirtType string
	Root     Disk
	// ConfigDrive is the path of an ISO 9660 image; empty for none.
	ConfigDrive string
	NICs        []NIC // in the order in which the guest sees them
	// ConsoleLog is the path of the file that keeps the serial console's output.
	ConsoleLog string
	// Properties are the image's: hw_disk_bus, hw_vif_model, hw_machine_type,
	// hw_firmware_type, … as Glance's "Useful image properties" has them.
	Properties map[string]string
	// ExtraSpecs are the flavor's.
	ExtraSpecs map[string]string
	// Digest names this description. List tells it for a guest whose definition,
	// and NICs if it runs, are so. Opaque to the driver.
	Digest string
}

// Disk is a guest's root disk.
type Disk struct {
	Path string // a qcow2 file, made by Ensure if it is not there
	// Base is what it is an overlay of: an image file in BaseFormat (raw or
	// qcow2) that nobody changes. Empty: the disk starts empty.
	Base, BaseFormat string
	SizeBytes        int64 // as the guest sees it; at least the base's
}

// NIC is a guest's network card.
type NIC struct {
	PortID string
	MAC    string // "fa:16:3e:…"
	Tap    string // the device in the host's namespace that the guest's frames come out of
	MTU    int    // bytes; 0: 1500
}

// Power is whether a guest runs.
type Power string

// The powers.
const (
	Off     Power = "off"
	Running Power = "running"
	Paused  Power = "paused"
	Crashed Power = "crashed"
)

// GuestState is a guest as the driver finds it.
type GuestState struct {
	ID    string
	Power Power
	// ByGuest tells that it is off because the guest shut itself down, rather than
	// by Stop, a restart of the host or never having been started.
	ByGuest bool
	// Digest is the last Ensured description's that is in force.
	Digest string
	// RebootSerial is the last that Reset did, 0 for none.
	RebootSerial uint64
	// NICs are the ports plugged in now: of a running guest those it has, else
	// those it will start with.
	NICs []NIC
	// StartedAt is when it last started running; the zero Time if that is not known.
	StartedAt time.Time
}

// Event says that a guest's power may have changed: List tells the rest. The
// empty Event says that events flow.
type Event struct {
	ID    string
	Power Power
	// ByGuest as in GuestState.
	ByGuest bool
}

// Stats is what a guest has used since it started.
type Stats struct {
	CPUTime      time.Duration
	MemoryKiB    uint64 // resident on the host
	DiskReadB    uint64
	DiskWrittenB uint64
}
