package hosts

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net/netip"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// session is one agent's stream.
type session struct {
	server *Server
	hostID string
	stream hostapi.Hosts_ConnectServer
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when it has left

	sending sync.Mutex // a gRPC stream takes one sender at a time

	mu       sync.Mutex
	lastCall uint64
	calls    map[uint64]chan *hostapi.ConsoleReply
}

// Connect implements hostapi.HostsServer.
func (s *Server) Connect(stream hostapi.Hosts_ConnectServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	hello := first.GetHello()
	if hello == nil {
		return status.Error(codes.InvalidArgument, "the first message of a stream must be a Hello")
	}
	if err := allowed(stream.Context(), hello.HostId); err != nil {
		return err
	}
	n := &session{server: s, hostID: hello.HostId, stream: stream, done: make(chan struct{}), calls: map[uint64]chan *hostapi.ConsoleReply{}}
	n.ctx, n.cancel = context.WithCancel(stream.Context())
	defer n.cancel()
	stop := context.AfterFunc(s.ctx, n.cancel)
	defer stop()
	if err := s.enter(n); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	defer s.leave(n)
	if err := s.register(n.ctx, hello); err != nil {
		e := cloud.AsError(err)
		s.Log.Error("host cannot join", "host", hello.Name, "error", err)
		return status.Error(codes.FailedPrecondition, e.Msg)
	}
	s.Log.Info("host is up", "host", hello.Name, "id", hello.HostId, "driver", hello.Fingerprint.GetDriver())
	return n.run()
}

func (s *Server) register(ctx context.Context, h *hostapi.Hello) error {
	spec := compute.HostSpec{ID: h.HostId, Name: h.Name, Zone: h.Zone, Address: h.Address, Fingerprint: fingerprint(h.Fingerprint)}
	if h.TunnelAddress != "" {
		a, err := netip.ParseAddr(h.TunnelAddress)
		if err != nil {
			return cloud.Errorf(cloud.Invalid, "host", "The tunnel address %q of host %s is not an IP address.", h.TunnelAddress, h.Name)
		}
		spec.VTEP = a
	}
	return s.Store.Write(ctx, func(tx *statestore.Txn) error {
		if _, err := compute.HostRegister(tx, spec); err != nil {
			return err
		}
		network.PhysicalNetworksOfHost(tx, h.HostId, h.PhysicalNetworks)
		return nil
	})
}

func fingerprint(f *hostapi.Fingerprint) compute.Fingerprint {
	return compute.Fingerprint{Arch: f.GetArch(), VirtTypes: f.GetVirtTypes(), CPUModel: f.GetCpuModel(), DriverName: f.GetDriver(),
		DriverVersion: f.GetDriverVersion(), VCPUs: int(f.GetVcpus()), MemoryMiB: int(f.GetMemoryMib()), DiskGiB: int(f.GetDiskGib()),
		Capabilities: f.GetCapabilities()}
}

// run sends desired state and takes reports until the stream ends. Sender and
// receiver end with the stream, at the latest when Connect returns: a host that
// reads no more must not hold up its next session.
func (n *session) run() error {
	n.server.work.Go(func() {
		if err := n.sendDesired(); n.ctx.Err() == nil {
			n.server.Log.Error("desired state could not be sent", "host", n.hostID, "error", err)
		}
		n.cancel()
	})
	received := make(chan error, 1)
	n.server.work.Go(func() { received <- n.receive() })
	var err error
	select {
	case err = <-received:
	case <-n.ctx.Done():
		err = status.Error(codes.Unavailable, "the session ended: the server stops, or the host connected anew")
	}
	n.cancel()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (n *session) send(m *hostapi.ToHost) error {
	n.sending.Lock()
	defer n.sending.Unlock()
	return n.stream.Send(m)
}

// receive applies what the host says, in order.
func (n *session) receive() error {
	for {
		m, err := n.stream.Recv()
		if err != nil {
			return err
		}
		switch m := m.Message.(type) {
		case *hostapi.FromHost_Report:
			if err := n.observe(m.Report); err != nil {
				return status.Error(codes.Internal, "the report could not be kept")
			}
		case *hostapi.FromHost_Console:
			n.answer(m.Console)
		}
	}
}

func (n *session) observe(r *hostapi.Report) error {
	err := n.server.Store.Write(n.ctx, func(tx *statestore.Txn) error {
		for _, p := range r.Ports {
			if port, ok := network.Ports.Get(tx, p.Id); ok && port.HostID == n.hostID {
				network.PortObserve(tx, p.Id, p.Active, p.Fault)
			}
		}
		for _, i := range r.Instances {
			err := compute.InstanceObserve(tx, n.hostID, compute.Observed{InstanceID: i.Id, Gone: i.Gone, Power: compute.Power(i.Power),
				RebootSerial: i.RebootSerial, Fault: i.Fault, FaultDetails: i.FaultDetails, Applied: i.Applied})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && n.ctx.Err() == nil {
		n.server.Log.Error("report could not be kept", "host", n.hostID, "error", err)
	}
	return err
}

// sendDesired sends the whole desired state, then every change of it. It returns why it ended.
func (n *session) sendDesired() error {
	sent := sentState{seed: maphash.MakeSeed(), instances: map[string]uint64{}, networks: map[string]uint64{}}
	for first := true; ; first = false {
		snap, watch := n.server.Store.Watch()
		d := sent.changes(desiredOf(snap, n.hostID), first)
		if d != nil {
			if err := n.send(&hostapi.ToHost{Message: &hostapi.ToHost_Desired{Desired: d}}); err != nil {
				return err
			}
		}
		if err := watch.Wait(n.ctx); err != nil {
			return err
		}
	}
}

// sentState is what an agent was told, as hashes.
type sentState struct {
	seed                maphash.Seed
	instances, networks map[string]uint64
}

// changes returns what of d was not sent yet and takes it as sent; nil if that
// is nothing. The first is whole.
func (s *sentState) changes(d *hostapi.Desired, first bool) *hostapi.Desired {
	out := &hostapi.Desired{Whole: first}
	out.Instances, out.RemovedInstances = changed(s.seed, s.instances, d.Instances)
	out.Networks, out.RemovedNetworks = changed(s.seed, s.networks, d.Networks)
	if !first && len(out.Instances)+len(out.RemovedInstances)+len(out.Networks)+len(out.RemovedNetworks) == 0 {
		return nil
	}
	return out
}

type identified interface {
	proto.Message
	GetId() string
}

func changed[M identified](seed maphash.Seed, sent map[string]uint64, now []M) (news []M, removed []string) {
	there := make(map[string]bool, len(now))
	var buf []byte
	for _, m := range now {
		id := m.GetId()
		there[id] = true
		buf, _ = proto.MarshalOptions{Deterministic: true}.MarshalAppend(buf[:0], m)
		h := maphash.Bytes(seed, buf)
		if old, ok := sent[id]; !ok || old != h {
			sent[id] = h
			news = append(news, m)
		}
	}
	for id := range sent {
		if !there[id] {
			delete(sent, id)
			removed = append(removed, id)
		}
	}
	return news, removed
}
