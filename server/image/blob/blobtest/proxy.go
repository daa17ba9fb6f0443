package blobtest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes connections on to a server until it is told to break them.
type Proxy struct {
	listener         net.Listener
	network, address string
	work             sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	away     bool
	up, down int64         // bytes that still pass to and from the server; negative: no bound
	once     bool          // the bound ends with the connections that it cuts
	stalls   chan struct{} // if not nil, bounds do not cut: nothing passes until it is closed
	cuts     int
}

// NewProxy returns one that listens on loopback until the test ends.
func NewProxy(t testing.TB, network, address string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, network: network, address: address, conns: map[net.Conn]bool{}, up: -1, down: -1}
	p.work.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.Away(true)
		p.work.Wait()
	})
	return p
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Away has all connections broken, and those that come, until it is told otherwise.
func (p *Proxy) Away(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	p.release()
	if away {
		p.breakAll()
	}
}

// Cut breaks all connections once so many bytes have passed to the server, or from
// it; a negative number is no bound. With once, those that come later work again;
// otherwise all break until the next call.
func (p *Proxy) Cut(up, down int64, once bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
	p.up, p.down, p.once, p.cuts = up, down, once, 0
}

// Stall has the server be silent once so many bytes have passed to it, until the next
// call of Cut or Away.
func (p *Proxy) Stall(up int64) {
	p.Cut(up, -1, false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalls = make(chan struct{})
}

// release ends a Stall.
func (p *Proxy) release() {
	if p.stalls != nil {
		close(p.stalls)
		p.stalls = nil
	}
}

// Cuts is how often connections were broken, or fell silent, since the last Cut.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *Proxy) breakAll() {
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *Proxy) serve() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.pass(c) })
	}
}

func (p *Proxy) pass(c net.Conn) {
	defer c.Close()
	s, err := net.Dial(p.network, p.address)
	if err != nil {
		return
	}
	defer s.Close()
	p.mu.Lock()
	if p.away {
		p.mu.Unlock()
		return
	}
	p.conns[c], p.conns[s] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(limited{s, p, &p.up}, c); s.Close(); c.Close() })
	both.Go(func() { _, _ = io.Copy(limited{c, p, &p.down}, s); s.Close(); c.Close() })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	delete(p.conns, s)
}

// limited is the way to one end, as far as the proxy lets pass.
type limited struct {
	to   net.Conn
	p    *Proxy
	left *int64
}

var errCut = errors.New("cut")

func (l limited) Write(b []byte) (int, error) {
	l.p.mu.Lock()
	pass, cut := len(b), false
	if *l.left >= 0 {
		if cut = int64(len(b)) > *l.left; cut {
			pass = int(*l.left)
		}
		*l.left -= int64(pass)
	}
	l.p.mu.Unlock()
	n, err := l.to.Write(b[:pass])
	if !cut || err != nil {
		return n, err
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.cuts++
	if stalls := l.p.stalls; stalls != nil {
		l.p.mu.Unlock()
		<-stalls
		l.p.mu.Lock()
		return n, errCut
	}
	if l.p.once {
		l.p.up, l.p.down = -1, -1
	}
	l.p.breakAll()
	return n, errCut
}

func dialer(network, address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}
