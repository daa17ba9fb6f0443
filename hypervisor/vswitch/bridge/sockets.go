package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// ListenDHCP implements vswitch.Switch.
func (s *Switch) ListenDHCP(ctx context.Context, networkID string) (net.PacketConn, error) {
	var conn *dhcpConn
	err := s.listen(ctx, networkID, "DHCP", func(release func()) (io.Closer, error) {
		c, err := config.ListenPacket(context.WithoutCancel(ctx), "udp4", ":67")
		if err != nil {
			return nil, err
		}
		conn = &dhcpConn{UDPConn: c.(*net.UDPConn), release: sync.OnceFunc(release),
			source: unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: vswitch.MetadataAddr.As4()})}
		return conn.UDPConn, nil
	})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// ListenMetadata implements vswitch.Switch.
func (s *Switch) ListenMetadata(ctx context.Context, networkID string) (net.Listener, error) {
	var l *metadataListener
	err := s.listen(ctx, networkID, "metadata", func(release func()) (io.Closer, error) {
		t, err := config.Listen(context.WithoutCancel(ctx), "tcp4", netip.AddrPortFrom(vswitch.MetadataAddr, 80).String())
		if err != nil {
			return nil, err
		}
		l = &metadataListener{t, sync.OnceFunc(release)}
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// config binds sockets to the host's leg.
var config = net.ListenConfig{
	Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if ctlErr := c.Control(func(fd uintptr) {
			if err = unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, bridgeName); err == nil {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
			}
		}); ctlErr != nil {
			return ctlErr
		}
		return err
	},
	KeepAliveConfig: net.KeepAliveConfig{Enable: true},
}

// listen opens a socket of a kind in the network's namespace and keeps it for
// RemoveNetwork to close.
func (s *Switch) listen(ctx context.Context, networkID, kind string, open func(release func()) (io.Closer, error)) error {
	end, err := s.begin(ctx, networkID, nil)
	if err != nil {
		return err
	}
	defer end()
	ns, err := s.openNetwork(networkID)
	if err != nil {
		return err
	}
	defer ns.Close()
	s.mu.Lock()
	_, busy := s.open[networkID][kind]
	s.mu.Unlock()
	if busy {
		return fmt.Errorf("network %s: its %s socket is open already: %w", networkID, kind, vswitch.ErrConflict)
	}
	var c io.Closer
	release := func() { s.forget(networkID, kind, c) }
	err = inside(ns.fd, func() error {
		c, err = open(release)
		return err
	})
	if errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("network %s: somebody else has the %s socket: %w: %w", networkID, kind, err, vswitch.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("network %s: open %s socket: %w", networkID, kind, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[networkID] == nil {
		s.open[networkID] = map[string]io.Closer{}
	}
	s.open[networkID][kind] = c
	return nil
}

func (s *Switch) forget(networkID, kind string, c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[networkID][kind] == c {
		delete(s.open[networkID], kind)
	}
}

// closeSockets closes the network's sockets; the caller holds s.mu.
func (s *Switch) closeSockets(networkID string) {
	for _, c := range s.open[networkID] {
		c.Close()
	}
	delete(s.open, networkID)
}

// dhcpConn sends from the leg's address, also to broadcast.
type dhcpConn struct {
	*net.UDPConn
	release func()
	source  []byte // control message
}

func (c *dhcpConn) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, fmt.Errorf("%v is no UDP address: %w", to, vswitch.ErrInvalid)
	}
	n, _, err := c.WriteMsgUDP(b, c.source, u)
	return n, err
}

func (c *dhcpConn) Close() error {
	err := c.UDPConn.Close()
	c.release()
	return err
}

type metadataListener struct {
	net.Listener
	release func()
}

func (l *metadataListener) Close() error {
	err := l.Listener.Close()
	l.release()
	return err
}
