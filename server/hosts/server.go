package hosts

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

// DefaultGrace is how long a host may be away before it is marked down.
const DefaultGrace = 10 * time.Second

// MaxMessage bounds one gRPC message, in bytes: a whole Desired of a large host.
const MaxMessage = 256 << 20

// Images gives out image bytes by their content address.
type Images interface {
	// Open returns the bytes and how many there are, which can be read as long as the
	// context holds. NotFound if there are none.
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, int64, error)
}

// Options is what a Server needs.
type Options struct {
	Store  *statestore.Store
	Images Images
	Clock  cloud.Clock
	Log    *slog.Logger
	Grace  time.Duration // 0: DefaultGrace
}

// Server implements hostapi.HostsServer and compute.ConsoleReader.
type Server struct {
	hostapi.UnimplementedHostsServer
	Options

	mu       sync.Mutex
	sessions map[string]*session // by host id
	away     map[string]uint64   // hosts without a session: how often that began
	closed   bool

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// New returns a server and gives the hosts that were up the grace to come back.
// Close it after the gRPC servers that it is registered with.
func New(o Options) *Server {
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	s := &Server{Options: o, sessions: map[string]*session{}, away: map[string]uint64{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for h := range compute.Hosts.All(o.Store.Snapshot()) {
		if h.Up {
			s.left(h.ID)
		}
	}
	return s
}

// GRPC returns a gRPC server with the options that agents expect and s on it.
func (s *Server) GRPC(opts ...grpc.ServerOption) *grpc.Server {
	opts = append(opts, grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}))
	g := grpc.NewServer(opts...)
	hostapi.RegisterHostsServer(g, s)
	return g
}

// Close ends all sessions and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
}

// enter makes a session the one of its host, after the one before has ended.
func (s *Server) enter(n *session) error {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return errors.New("the server is stopping")
		}
		old := s.sessions[n.hostID]
		if old == nil {
			s.sessions[n.hostID] = n
			s.away[n.hostID]++
			s.work.Add(1)
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		old.cancel()
		select {
		case <-old.done:
		case <-n.ctx.Done():
			return n.ctx.Err()
		}
	}
}

// leave ends a session that entered; the host is marked down unless it comes
// back within the grace.
func (s *Server) leave(n *session) {
	s.mu.Lock()
	delete(s.sessions, n.hostID)
	s.mu.Unlock()
	s.left(n.hostID)
	close(n.done)
	s.work.Done()
}

// left has the host marked down after the grace.
func (s *Server) left(hostID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.away[hostID]++
	since := s.away[hostID]
	s.work.Go(func() {
		select {
		case <-s.Clock.After(s.Grace):
		case <-s.ctx.Done():
			return
		}
		s.mu.Lock()
		back := s.away[hostID] != since
		s.mu.Unlock()
		if back {
			return
		}
		err := s.Store.Write(s.ctx, func(tx *statestore.Txn) error { return compute.HostDown(tx, hostID) })
		switch {
		case err == nil:
			s.Log.Warn("host is down: its agent is gone", "host", hostID)
		case s.ctx.Err() == nil && cloud.KindOf(err) != cloud.NotFound: // one that could not register is not known
			s.Log.Error("host could not be marked down", "host", hostID, "error", err)
		}
	})
}

func (s *Server) session(hostID string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[hostID]
}

// Connected reports whether the host's agent has a session.
func (s *Server) Connected(hostID string) bool { return s.session(hostID) != nil }
