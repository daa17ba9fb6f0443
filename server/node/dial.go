package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/cloudlet/cloudlet/hypervisor/agent"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// CheckServer reports what is wrong with a Remote.Server.
func CheckServer(server string) error {
	if strings.Contains(server, "/") {
		return nil
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		return fmt.Errorf("%q must be host:port, or the path of a server's %s", server, AgentSocket)
	}
	return nil
}

// HasJoined reports whether the host with the directory has a certificate, so that
// it needs no join token.
func HasJoined(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "host.crt"))
	return err == nil
}

// dial connects a host to its server, now and whenever the connection is lost. It
// blocks for one call if the host has to join.
func (r Remote) dial(ctx context.Context, id string, o HostOptions) (*grpc.ClientConn, error) {
	if err := CheckServer(r.Server); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	t := &trouble{log: o.Log.With("host", o.Name, "server", r.Server)}
	if strings.Contains(r.Server, "/") {
		return grpc.NewClient("passthrough:///agents", reconnecting(
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(t.dialer("unix", r.Server)))...)
	}
	creds, err := agent.Credentials(ctx, o.DataDir, r.Server, id, r.JoinToken)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient("dns:///"+r.Server, reconnecting(
		grpc.WithTransportCredentials(tracked{creds, t}), grpc.WithContextDialer(t.dialer("tcp", "")))...)
}

// reconnecting adds to options that a host finds its server again soon, and notices
// when it is gone.
func reconnecting(more ...grpc.DialOption) []grpc.DialOption {
	return append(more,
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}, MinConnectTimeout: 5 * time.Second}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}))
}

// trouble logs when a server is reached, and why it cannot be: each reason once,
// until it can.
type trouble struct {
	log  *slog.Logger
	mu   sync.Mutex
	last string
}

// note takes in the end of a try to connect.
func (t *trouble) note(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch text {
	case "":
		t.log.Info("connected to the server")
	case t.last:
	default:
		t.log.Warn("the server cannot be reached; trying on", "error", err)
	}
	t.last = text
}

// dialer dials the address, or, if that is empty, the one that gRPC asks for. A
// proxy of the environment has no part in it.
func (t *trouble) dialer(network, address string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, asked string) (net.Conn, error) {
		to := address
		if to == "" {
			to = asked
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, to)
		if err != nil || network == "unix" { // over TCP there is a handshake to come
			t.note(err)
		}
		return conn, err
	}
}

// tracked are credentials whose handshakes are noted.
type tracked struct {
	credentials.TransportCredentials
	trouble *trouble
}

func (c tracked) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	c.trouble.note(err)
	return conn, info, err
}

func (c tracked) Clone() credentials.TransportCredentials {
	return tracked{c.TransportCredentials.Clone(), c.trouble}
}

// DialAdmin connects to the operator's socket of a running server.
func DialAdmin(ctx context.Context, dataDir string) (hostapi.AdminClient, func(), error) {
	path, d := filepath.Join(dataDir, AdminSocket), net.Dialer{}
	first, err := d.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("the server's socket is for the user who runs the server: %w", err)
	case err != nil:
		if _, there := os.Stat(dataDir); there != nil {
			err = there
		}
		return nil, nil, fmt.Errorf("no server runs with the data directory %s: %w", dataDir, err)
	}
	first.Close()
	conn, err := grpc.NewClient("passthrough:///operator", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) }))
	if err != nil {
		return nil, nil, err
	}
	return hostapi.NewAdminClient(conn), func() { conn.Close() }, nil
}
