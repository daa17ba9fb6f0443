package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/hosts"
)

// The sockets in a server's data directory.
const (
	AgentSocket = "agent.sock" // agents of this machine
	AdminSocket = "admin.sock" // the operator's commands
)

// maxSocketPath is what a Unix socket's address holds (unix(7)), less its NUL.
const maxSocketPath = 107

// listen opens every listener. Nothing is answered yet.
func (s *Server) listen() (err error) {
	if s.api, err = net.Listen("tcp", s.o.Listen); err != nil {
		return fmt.Errorf("the APIs cannot listen: %w; choose another -listen, port 0 picks a free one", err)
	}
	if s.o.AgentListen != "" {
		if s.agents, err = net.Listen("tcp", s.o.AgentListen); err != nil {
			return fmt.Errorf("agents cannot be listened for: %w; choose another -agent-listen, port 0 picks a free one", err)
		}
	}
	if !s.o.Sockets {
		return nil
	}
	if s.agentSocket, err = listenUnix(s.o.DataDir, AgentSocket); err != nil {
		return err
	}
	s.adminSocket, err = listenUnix(s.o.DataDir, AdminSocket)
	return err
}

// checkSockets reports a data directory whose sockets could not be addressed.
func checkSockets(dataDir string) error {
	path := filepath.Join(dataDir, AdminSocket)
	if len(path) <= maxSocketPath {
		return nil
	}
	return fmt.Errorf("the socket %s would have a path of %d bytes, and a Unix socket's has at most %d: choose a data directory with a shorter path", path, len(path), maxSocketPath)
}

// mountGRPC puts the gRPC services on their listeners.
func (s *Server) mountGRPC() error {
	s.serveGRPC(s.local, s.hosts.GRPC())
	if s.agentSocket != nil {
		s.serveGRPC(s.agentSocket, s.hosts.GRPC())
	}
	if s.adminSocket != nil {
		g := grpc.NewServer()
		hostapi.RegisterAdminServer(g, hosts.Admin{Store: s.store, WriteBackup: s.backup, SetPassword: s.setPassword, NewKeys: s.newKeys, DeletedImages: s.deletedImages, Undelete: s.undelete, Caller: s.caller})
		s.serveGRPC(s.adminSocket, g)
	}
	if s.agents == nil {
		return nil
	}
	config, err := hosts.ListenerTLS(s.store.Snapshot())
	if err != nil {
		return err
	}
	s.serveGRPC(s.agents, s.hosts.GRPC(grpc.Creds(credentials.NewTLS(config))))
	return nil
}

func (s *Server) serveGRPC(l net.Listener, g *grpc.Server) {
	s.grpc = append(s.grpc, &grpcListener{l, g})
}

// AgentAddr is where agents of other machines dial; nil if nowhere.
func (s *Server) AgentAddr() net.Addr {
	if s.agents == nil {
		return nil
	}
	return s.agents.Addr()
}

// listenUnix listens on a socket that only this user may open. What a server that
// died has left at the path is replaced: the data directory is this process's alone.
// The socket gets its name when its mode is right.
func listenUnix(dir, name string) (net.Listener, error) {
	private := filepath.Join(dir, ".s")
	if err := errors.Join(os.RemoveAll(private), os.Mkdir(private, 0o700)); err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	bound, path := filepath.Join(private, "s"), filepath.Join(dir, name)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: bound, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // that name is gone
	if err := errors.Join(os.Chmod(bound, 0o600), os.Rename(bound, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return namedListener{l, path}, nil
}

// namedListener is a Unix socket that takes its name away when it is closed.
type namedListener struct {
	*net.UnixListener
	path string
}

func (l namedListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil { // the first time
		err = os.Remove(l.path)
	}
	return err
}

// localConn connects to the server within this process.
func (s *Server) localConn() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///local", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			c, err := s.local.DialContext(ctx)
			if errors.Is(err, net.ErrClosed) {
				return nil, errors.New("the server has stopped")
			}
			return c, err
		}))
}
