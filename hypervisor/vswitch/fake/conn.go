package fake

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// ListenDHCP implements vswitch.Switch.
func (s *Switch) ListenDHCP(ctx context.Context, networkID string) (net.PacketConn, error) {
	if err := begin(ctx, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.networks[networkID]
	if n == nil {
		return nil, missing(networkID)
	}
	if n.dhcp != nil && !n.dhcp.isClosed() {
		return nil, fmt.Errorf("network %s: DHCP socket is open already: %w", networkID, vswitch.ErrConflict)
	}
	n.dhcp = newPacketConn(netip.AddrPortFrom(vswitch.MetadataAddr, 67))
	return n.dhcp, nil
}

// ListenMetadata implements vswitch.Switch.
func (s *Switch) ListenMetadata(ctx context.Context, networkID string) (net.Listener, error) {
	if err := begin(ctx, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.networks[networkID]
	if n == nil {
		return nil, missing(networkID)
	}
	if n.meta != nil && !n.meta.isClosed() {
		return nil, fmt.Errorf("network %s: metadata listener is open already: %w", networkID, vswitch.ErrConflict)
	}
	n.meta = &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	return n.meta, nil
}

func (n *network) close() {
	if n.dhcp != nil {
		n.dhcp.Close()
	}
	if n.meta != nil {
		n.meta.Close()
	}
}

// DialMetadata connects a simulated guest, at one of its addresses, to the
// network's metadata service. The error wraps net.ErrClosed when nobody listens
// and vswitch.ErrNotFound when no active port of the network owns the address.
func (s *Switch) DialMetadata(ctx context.Context, networkID string, from netip.Addr) (net.Conn, error) {
	s.mu.Lock()
	n := s.networks[networkID]
	var l *listener
	found := false
	if n != nil {
		l = n.meta
		for id, f := range n.filters {
			if _, active := n.ports[id]; active && f.AdminUp && slices.Contains(f.FixedIPs, from) {
				found = true
			}
		}
	}
	s.mu.Unlock()
	if !found {
		return nil, fmt.Errorf("no port of network %s has the address %s: %w", networkID, from, vswitch.ErrNotFound)
	}
	if l == nil {
		return nil, fmt.Errorf("network %s: nobody listens for metadata: %w", networkID, net.ErrClosed)
	}
	guest, host := net.Pipe()
	c := &conn{Conn: host, local: tcpAddr(vswitch.MetadataAddr, 80), remote: tcpAddr(from, 49152)}
	select {
	case l.conns <- c:
		return guest, nil
	case <-l.done:
		guest.Close()
		return nil, fmt.Errorf("network %s: nobody listens for metadata: %w", networkID, net.ErrClosed)
	case <-ctx.Done():
		guest.Close()
		return nil, ctx.Err()
	}
}

// ExchangeDHCP sends a simulated guest's DHCP datagram (the UDP payload) from an
// active port and returns the first answer. It waits until ctx ends when the
// network's server answers nothing. The server sees the source address from,
// 0.0.0.0:68 for a guest that has none.
func (s *Switch) ExchangeDHCP(ctx context.Context, networkID, portID string, from netip.AddrPort, payload []byte) ([]byte, error) {
	s.mu.Lock()
	n := s.networks[networkID]
	var pc *packetConn
	if n != nil {
		_, active := n.ports[portID]
		if f, ok := n.filters[portID]; ok && active && f.AdminUp {
			pc = n.dhcp
		}
	}
	s.mu.Unlock()
	if pc == nil {
		return nil, fmt.Errorf("port %s of network %s reaches no DHCP server: %w", portID, networkID, vswitch.ErrNotFound)
	}
	return pc.exchange(ctx, from, payload)
}

// packetConn is the server's end of a DHCP socket. Answers go to the one guest
// whose request was read last: simulated guests take turns.
type packetConn struct {
	local net.Addr
	turn  chan struct{} // held by the exchange under way
	in    chan datagram
	out   chan []byte
	done  chan struct{}
	once  sync.Once

	mu       sync.Mutex
	deadline time.Time
	changed  chan struct{} // closed and replaced when deadline changes
}

type datagram struct {
	from    *net.UDPAddr
	payload []byte
}

func newPacketConn(at netip.AddrPort) *packetConn {
	return &packetConn{local: net.UDPAddrFromAddrPort(at), turn: make(chan struct{}, 1), in: make(chan datagram),
		out: make(chan []byte, 1), done: make(chan struct{}), changed: make(chan struct{})}
}

func (c *packetConn) exchange(ctx context.Context, from netip.AddrPort, payload []byte) ([]byte, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-c.out: // a late answer to an exchange that gave up
	default:
	}
	select {
	case c.in <- datagram{net.UDPAddrFromAddrPort(from), slices.Clone(payload)}:
	case <-c.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case b := <-c.out:
		return b, nil
	case <-c.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		c.mu.Lock()
		deadline, changed := c.deadline, c.changed
		c.mu.Unlock()
		var expired <-chan time.Time
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			defer t.Stop()
			expired = t.C
		}
		select {
		case d := <-c.in:
			return copy(b, d.payload), d.from, nil
		case <-c.done:
			return 0, nil, net.ErrClosed
		case <-expired:
			return 0, nil, os.ErrDeadlineExceeded
		case <-changed:
		}
	}
}

func (c *packetConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	select {
	case c.out <- slices.Clone(b):
	default: // nobody waits: lost, as on a wire
	}
	return len(b), nil
}

func (c *packetConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() { close(c.done); err = nil })
	return err
}

func (c *packetConn) isClosed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *packetConn) LocalAddr() net.Addr { return c.local }

func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

func (c *packetConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *packetConn) SetWriteDeadline(t time.Time) error { return nil }

type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() { close(l.done); err = nil })
	return err
}

func (l *listener) isClosed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *listener) Addr() net.Addr { return tcpAddr(vswitch.MetadataAddr, 80) }

// conn is a pipe that knows whose it is.
type conn struct {
	net.Conn
	local, remote net.Addr
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func tcpAddr(a netip.Addr, port uint16) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, port))
}
