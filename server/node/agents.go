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

// listenForAgents opens the listeners of the gRPC services.
func (s *Server) listenForAgents() error {
	s.serveGRPC(s.local, s.hosts.GRPC())
	if s.o.Sockets {
		agents, err := listenUnix(filepath.Join(s.o.DataDir, AgentSocket))
		if err != nil {
			return err
		}
		s.serveGRPC(agents, s.hosts.GRPC())
		operator, err := listenUnix(filepath.Join(s.o.DataDir, AdminSocket))
		if err != nil {
			return err
		}
		g := grpc.NewServer()
		hostapi.RegisterAdminServer(g, hosts.Admin{Store: s.store, WriteBackup: s.backup})
		s.serveGRPC(operator, g)
	}
	if s.o.AgentListen == "" {
		return nil
	}
	config, err := hosts.ListenerTLS(s.store.Snapshot())
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.o.AgentListen)
	if err != nil {
		return fmt.Errorf("agents cannot be listened for: %w", err)
	}
	s.o.Log.Info("listening for agents", "address", l.Addr())
	s.serveGRPC(l, s.hosts.GRPC(grpc.Creds(credentials.NewTLS(config))))
	return nil
}

func (s *Server) serveGRPC(l net.Listener, g *grpc.Server) {
	s.grpc = append(s.grpc, &grpcListener{l, g})
}

// AgentAddr is where agents of other machines dial; nil if nowhere.
func (s *Server) AgentAddr() net.Addr {
	for _, g := range s.grpc {
		if a, ok := g.listener.Addr().(*net.TCPAddr); ok {
			return a
		}
	}
	return nil
}

// listenUnix listens on a socket that only this user may open. What a server that
// died has left at the path is replaced: the data directory is this process's alone.
func listenUnix(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the socket %s has a path of %d bytes, and a Unix socket's has at most %d: choose a data directory with a shorter path", path, len(path), maxSocketPath)
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, 0o600)
}

// DialAdmin connects to the operator's socket of a running server.
func DialAdmin(dataDir string) (hostapi.AdminClient, func(), error) {
	path := filepath.Join(dataDir, AdminSocket)
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("no server runs on %s: %w", dataDir, err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	conn, err := grpc.NewClient("unix://"+abs, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	return hostapi.NewAdminClient(conn), func() { conn.Close() }, nil
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
