package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// errServerAway is wrapped by errors of calls that the server did not answer.
var errServerAway = errors.New("the server does not answer")

// MaxMessage bounds one gRPC message, in bytes.
const MaxMessage = 256 << 20

const (
	reconnectFirst = 50 * time.Millisecond
	reconnectMost  = 5 * time.Second
)

// watchServer keeps a stream to the server open.
func (a *Agent) watchServer(ctx context.Context) {
	wait := reconnectFirst
	for ctx.Err() == nil {
		opened, err := a.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if opened {
			wait = reconnectFirst
		}
		level := a.Log.Warn
		if status.Code(err) == codes.Unauthenticated || status.Code(err) == codes.PermissionDenied || status.Code(err) == codes.FailedPrecondition {
			level = a.Log.Error
		}
		level("no stream to the server; trying again", "in", wait, "error", err)
		select {
		case <-a.Clock.After(wait):
		case <-ctx.Done():
			return
		}
		wait = min(wait*2, reconnectMost)
	}
}

// stream opens one stream and works on it until it breaks. opened tells that the
// server has answered on it.
func (a *Agent) stream(ctx context.Context) (opened bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := hostapi.NewHostsClient(a.Server).Connect(ctx, grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage))
	if err != nil {
		return false, err
	}
	if err := s.Send(&hostapi.FromHost{Message: &hostapi.FromHost_Hello{Hello: a.hello()}}); err != nil {
		_, err = s.Recv() // tells why
		return false, err
	}
	consoles := make(chan *hostapi.ConsoleReply)
	var sender, readers sync.WaitGroup
	defer readers.Wait()
	defer sender.Wait()
	defer cancel()
	a.out.restart()
	sender.Go(func() {
		a.send(ctx, s, consoles)
		cancel()
	})
	for {
		m, err := s.Recv()
		if err != nil {
			return opened, err
		}
		opened = true
		switch m := m.Message.(type) {
		case *hostapi.ToHost_Desired:
			a.apply(m.Desired)
		case *hostapi.ToHost_Console:
			readers.Go(func() {
				select {
				case consoles <- a.console(ctx, m.Console):
				case <-ctx.Done():
				}
			})
		}
	}
}

// send sends reports and answers until ctx ends or the stream breaks.
func (a *Agent) send(ctx context.Context, s hostapi.Hosts_ConnectClient, consoles <-chan *hostapi.ConsoleReply) {
	for {
		var m *hostapi.FromHost
		select {
		case <-a.out.ready:
			r := a.out.take()
			if r == nil {
				continue
			}
			m = &hostapi.FromHost{Message: &hostapi.FromHost_Report{Report: r}}
		case c := <-consoles:
			m = &hostapi.FromHost{Message: &hostapi.FromHost_Console{Console: c}}
		case <-ctx.Done():
			return
		}
		if s.Send(m) != nil {
			return // Recv tells why
		}
	}
}

func (a *Agent) hello() *hostapi.Hello {
	f := a.fingerprint
	h := &hostapi.Hello{HostId: a.ID, Name: a.Name, Zone: a.Zone, Address: a.Address, Version: a.Version, PhysicalNetworks: a.Physnets,
		Fingerprint: &hostapi.Fingerprint{Driver: f.Driver, DriverVersion: f.Version, Arch: f.Arch, CpuModel: f.CPUModel, VirtTypes: f.VirtTypes,
			Vcpus: int64(f.VCPUs), MemoryMib: int64(f.MemoryMiB), DiskGib: int64(f.DiskGiB), Capabilities: f.Capabilities}}
	if a.TunnelAddress.IsValid() {
		h.TunnelAddress = a.TunnelAddress.String()
	}
	return h
}

func (a *Agent) console(ctx context.Context, r *hostapi.ConsoleRequest) *hostapi.ConsoleReply {
	b, err := a.Driver.Console(ctx, r.InstanceId, r.MaxBytes)
	reply := &hostapi.ConsoleReply{Id: r.Id, Data: b}
	switch {
	case errors.Is(err, hypervisor.ErrNotFound):
		reply.NotFound = true
	case err != nil:
		reply.Fault = err.Error()
	}
	return reply
}
