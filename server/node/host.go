package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

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

// RunHost runs a host until ctx ends and then returns nil. Guests run on.
func RunHost(ctx context.Context, r Remote, o HostOptions) error {
	id, err := agent.HostID(o.DataDir)
	if err != nil {
		return fmt.Errorf("host's directory: %w", err)
	}
	target, creds := "unix://"+r.Server, insecure.NewCredentials()
	if strings.Contains(r.Server, "/") {
		abs, err := filepath.Abs(r.Server)
		if err != nil {
			return err
		}
		target = "unix://" + abs
	} else {
		if _, _, err := net.SplitHostPort(r.Server); err != nil {
			return fmt.Errorf("-server %q: must be host:port, or the path of a server's %s", r.Server, AgentSocket)
		}
		target = "dns:///" + r.Server
		if creds, err = agent.Credentials(ctx, o.DataDir, r.Server, id, r.JoinToken); err != nil {
			return err
		}
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(creds),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}, MinConnectTimeout: 5 * time.Second}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}))
	if err != nil {
		return err
	}
	defer conn.Close()
	return runHost(ctx, conn, id, o)
}

// RunLocalHost runs a host of the server's own process, as RunHost.
func RunLocalHost(ctx context.Context, s *Server, o HostOptions) error {
	id, err := agent.HostID(o.DataDir)
	if err != nil {
		return fmt.Errorf("host's directory: %w", err)
	}
	conn, err := s.localConn()
	if err != nil {
		return err
	}
	defer conn.Close()
	return runHost(ctx, conn, id, o)
}

func runHost(ctx context.Context, conn *grpc.ClientConn, id string, o HostOptions) error {
	if o.Clock == nil {
		o.Clock = cloud.RealClock{}
	}
	var err error
	if o.DataDir, err = filepath.Abs(o.DataDir); err != nil { // hypervisors know no working directory
		return err
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
