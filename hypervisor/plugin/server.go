package plugin

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin/driverpb"
)

// server hands what comes over the wire to the driver.
type server struct {
	driverpb.UnimplementedDriverServer
	driver hypervisor.Driver
}

// Fingerprint implements driverpb.DriverServer.
func (s *server) Fingerprint(ctx context.Context, _ *driverpb.FingerprintRequest) (*driverpb.FingerprintReply, error) {
	f, err := s.driver.Fingerprint(ctx)
	return fingerprintToWire(f), toStatus(err)
}

// Ensure implements driverpb.DriverServer.
func (s *server) Ensure(ctx context.Context, r *driverpb.EnsureRequest) (*driverpb.EnsureReply, error) {
	err := s.driver.Ensure(ctx, guestFromWire(r.GetGuest()))
	return &driverpb.EnsureReply{}, toStatus(err)
}

// Start implements driverpb.DriverServer.
func (s *server) Start(ctx context.Context, r *driverpb.StartRequest) (*driverpb.StartReply, error) {
	err := s.driver.Start(ctx, r.GetId())
	return &driverpb.StartReply{}, toStatus(err)
}

// Stop implements driverpb.DriverServer.
func (s *server) Stop(ctx context.Context, r *driverpb.StopRequest) (*driverpb.StopReply, error) {
	err := s.driver.Stop(ctx, r.GetId(), time.Duration(r.GetGraceNs()))
	return &driverpb.StopReply{}, toStatus(err)
}

// Reset implements driverpb.DriverServer.
func (s *server) Reset(ctx context.Context, r *driverpb.ResetRequest) (*driverpb.ResetReply, error) {
	err := s.driver.Reset(ctx, r.GetId(), r.GetSerial())
	return &driverpb.ResetReply{}, toStatus(err)
}

// Destroy implements driverpb.DriverServer.
func (s *server) Destroy(ctx context.Context, r *driverpb.DestroyRequest) (*driverpb.DestroyReply, error) {
	err := s.driver.Destroy(ctx, r.GetId())
	return &driverpb.DestroyReply{}, toStatus(err)
}

// List implements driverpb.DriverServer.
func (s *server) List(ctx context.Context, _ *driverpb.ListRequest) (*driverpb.ListReply, error) {
	all, err := s.driver.List(ctx)
	reply := &driverpb.ListReply{}
	for _, g := range all {
		reply.Guests = append(reply.Guests, stateToWire(g))
	}
	return reply, toStatus(err)
}

// Events implements driverpb.DriverServer.
func (s *server) Events(_ *driverpb.EventsRequest, stream grpc.ServerStreamingServer[driverpb.Event]) error {
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	err := s.driver.Events(ctx, func(e hypervisor.Event) {
		if err := stream.Send(eventToWire(e)); err != nil {
			cancel(err) // the other end is gone, so that nobody hears why
		}
	})
	return toStatus(err)
}

// Console implements driverpb.DriverServer.
func (s *server) Console(ctx context.Context, r *driverpb.ConsoleRequest) (*driverpb.ConsoleReply, error) {
	text, err := s.driver.Console(ctx, r.GetId(), r.GetMax())
	return &driverpb.ConsoleReply{Text: text}, toStatus(err)
}

// Stats implements driverpb.DriverServer.
func (s *server) Stats(ctx context.Context, r *driverpb.StatsRequest) (*driverpb.StatsReply, error) {
	st, err := s.driver.Stats(ctx, r.GetId())
	return statsToWire(st), toStatus(err)
}
