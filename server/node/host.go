package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/agent"
	"github.com/cloudlet/cloudlet/hypervisor/plugin"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/bridge"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
	"github.com/cloudlet/cloudlet/server/cloud"
)

// HostOptions say what a host is and what it works with.
type HostOptions struct {
	Name, Zone    string
	TunnelAddress netip.Addr        // where other hosts send VXLAN; the zero Addr: nowhere
	Physnets      map[string]string // physical network → bridge
	DataDir       string            // disks, images, what was desired last

	Driver     string // sim, libvirt
	Plugin     string // path of the libvirt driver's program
	LibvirtURI string
	VirtType   string // auto, kvm, qemu

	// Hypervisor and Switch, if set, are used instead of what Driver names: for
	// tests. They stay the caller's.
	Hypervisor hypervisor.Driver
	Switch     vswitch.Switch

	Version string
	Clock   cloud.Clock
	Log     *slog.Logger
}

// Copies returns the options of n hosts like this one, with names and directories
// of their own.
func (o HostOptions) Copies(n int) []HostOptions {
	o.DataDir = filepath.Join(o.DataDir, "host")
	if n == 1 {
		return []HostOptions{o}
	}
	all := make([]HostOptions, n)
	for i := range all {
		all[i] = o
		all[i].Name = fmt.Sprintf("%s-%d", o.Name, i+1)
		all[i].DataDir = filepath.Join(o.DataDir, all[i].Name)
	}
	return all
}

// Remote is how a host reaches a server of another process.
type Remote struct {
	Server    string // host:port, or the path of the server's agent.sock
	JoinToken string // needed once, over TCP
}

// RunHost runs a host until ctx ends and then returns nil. Guests run on. The
// host's directory is its own until then.
func RunHost(ctx context.Context, r Remote, o HostOptions) error {
	return o.run(ctx, func(id string) (*grpc.ClientConn, error) { return r.dial(ctx, id, o) })
}

// RunLocalHost runs a host of the server's own process, as RunHost.
func RunLocalHost(ctx context.Context, s *Server, o HostOptions) error {
	return o.run(ctx, func(string) (*grpc.ClientConn, error) { return s.localConn() })
}

func (o HostOptions) run(ctx context.Context, dial func(id string) (*grpc.ClientConn, error)) error {
	var err error
	if o.DataDir, err = filepath.Abs(o.DataDir); err != nil { // hypervisors know no working directory
		return err
	}
	unlock, err := ownDirectory(o.DataDir)
	if err != nil {
		return fmt.Errorf("host's directory: %w", err)
	}
	defer unlock()
	id, err := agent.HostID(o.DataDir)
	if err != nil {
		return fmt.Errorf("host's directory: %w", err)
	}
	conn, err := dial(id)
	if err != nil {
		return err
	}
	defer conn.Close()
	return o.work(ctx, conn, id)
}

// ownDirectory makes a host's directory, which hypervisors' users may pass, and
// locks it: two agents in one would take each other's guests away.
func ownDirectory(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("an agent works in %s already: give each a directory of its own", dir)
		}
		return nil, fmt.Errorf("lock of %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

func (o HostOptions) work(ctx context.Context, conn *grpc.ClientConn, id string) error {
	if o.Clock == nil {
		o.Clock = cloud.RealClock{}
	}
	driver, sw, closeAll, err := machinery(ctx, o)
	if err != nil {
		return err
	}
	defer closeAll()
	physnets := slices.Sorted(maps.Keys(o.Physnets))
	if o.Driver == "sim" && len(physnets) == 0 {
		physnets = []string{"public"} // the one that a seeded cloud has a network on
	}
	ao := agent.Options{ID: id, Name: o.Name, Zone: o.Zone, TunnelAddress: o.TunnelAddress, Address: address(o), Physnets: physnets, Version: o.Version,
		Driver: driver, Switch: sw, Server: conn, Dir: o.DataDir, Clock: o.Clock, Log: o.Log.With("host", o.Name)}
	if o.VirtType != "auto" {
		ao.VirtType = o.VirtType
	}
	if o.Driver == "sim" {
		ao.VirtType = ""
	}
	a, err := agent.New(ctx, ao)
	if err != nil {
		return err
	}
	if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// address is what users see as the host's address.
func address(o HostOptions) string {
	if o.TunnelAddress.IsValid() {
		return o.TunnelAddress.String()
	}
	return "127.0.0.1"
}

// machinery opens the driver and the switch.
func machinery(ctx context.Context, o HostOptions) (d hypervisor.Driver, sw vswitch.Switch, closeAll func(), err error) {
	if d, sw = o.Hypervisor, o.Switch; d != nil && sw != nil {
		return d, sw, func() {}, nil
	}
	if o.Driver == "sim" {
		d, sw = sim.New(sim.Options{Dir: filepath.Join(o.DataDir, "sim")}), fake.New()
		return d, sw, func() { d.Close(); sw.Close() }, nil
	}
	d, err = plugin.Open(ctx, plugin.Options{Path: o.Plugin, Log: o.Log,
		Args: []string{"-uri", o.LibvirtURI, "-virt-type", o.VirtType, "-dir", o.DataDir}})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("libvirt driver: %w", err)
	}
	sw, err = bridge.New(bridge.Options{Physnets: o.Physnets, TunnelAddress: o.TunnelAddress, Log: o.Log})
	if err != nil {
		d.Close()
		return nil, nil, nil, fmt.Errorf("host network: %w", err)
	}
	return d, sw, func() { d.Close(); sw.Close() }, nil
}
