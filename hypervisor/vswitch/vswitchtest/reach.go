package vswitchtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// isolation: two networks with the same addresses, MACs and filters.
func isolation(f *fixture) {
	for i, id := range []string{"a", "b"} {
		f.must(f.h.EnsureNetwork(f.ctx, network(id, 7+i)))
		f.start(f.h, id, 1, 2)
		f.filters(id, filter(id, 1, anyOut()...), filter(id, 2, tcpIn(80)))
	}
	a1, a2, b2 := End{f.h, port("a", 1)}, End{f.h, port("a", 2)}, End{f.h, port("b", 2)}
	p := Packet{SrcMAC: port("a", 1).MAC, Flow: tcp(1, 2, 80)}
	if !f.w.Send(f.T, a1, a2, p) {
		f.Error("within a network: did not arrive")
	}
	if f.w.Send(f.T, a1, b2, p) {
		f.Error("a packet came from one network into another")
	}
	// What began in a is nothing in b.
	f.drops("an answer in b to what began in a", "b", 2, 1, answered(tcp(1, 2, 80)), Answers)
	f.passes("the answer in a", "a", 2, 1, answered(tcp(1, 2, 80)), Answers)
	f.must(f.h.RemoveNetwork(f.ctx, "a"))
	f.passes("in b, after a has gone", "b", 1, 2, tcp(1, 2, 80), Begins)
}

// twoHosts: one network over the underlay.
func twoHosts(f *fixture) {
	hosts := f.w.Hosts()
	if len(hosts) < 2 {
		return
	}
	for i, h := range hosts {
		for j, id := range []string{"a", "b"} {
			n := network(id, 7+j)
			for _, o := range hosts {
				n.Peers = append(n.Peers, o.Peer())
			}
			f.must(h.EnsureNetwork(f.ctx, n))
			f.start(h, id, i+2)
			f.must(h.EnsureFilters(f.ctx, id, []vswitch.PortFilter{filter(id, i+2, append(anyOut(), tcpIn(80))...)}))
		}
	}
	send := func(fromHost, toHost int, id, toID string, fl vswitch.Flow, step Step) bool {
		return f.w.Send(f.T, End{hosts[fromHost], port(id, fromHost+2)}, End{hosts[toHost], port(toID, toHost+2)},
			Packet{SrcMAC: port(id, fromHost+2).MAC, Flow: fl, Step: step})
	}
	there, back := tcp(2, 3, 80), answered(tcp(2, 3, 80))
	if !send(0, 1, "a", "a", there, Begins) || !send(1, 0, "a", "a", back, Answers) || !send(0, 1, "a", "a", there, Continues) {
		f.Error("a connection between hosts did not come about")
	}
	if send(0, 1, "a", "a", tcp(2, 3, 81), Begins) {
		f.Error("a port that no rule opens: arrived from another host")
	}
	if send(0, 1, "a", "b", there, Begins) {
		f.Error("a packet came from one network into another, between hosts")
	}
	f.must(hosts[1].EnsureFilters(f.ctx, "a", []vswitch.PortFilter{filter("a", 3, anyOut()...)}))
	if send(1, 0, "a", "a", back, AnswersOn) {
		f.Error("refused by the far host's newest filters: arrived")
	}
}

func dhcp(f *fixture) {
	f.pair()
	f.filters("a", filter("a", 1), filter("a", 2))
	conn, err := f.h.ListenDHCP(f.ctx, "a")
	f.must(err)
	if _, err := f.h.ListenDHCP(f.ctx, "a"); !errors.Is(err, vswitch.ErrConflict) {
		f.Errorf("a second DHCP socket: %v", err)
	}
	sources := make(chan string, 8)
	served := make(chan error, 1)
	dst := make(chan net.Addr, 8)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				served <- err
				return
			}
			sources <- from.String()
			if _, err := conn.WriteTo(append([]byte("answer to "), buf[:n]...), <-dst); err != nil {
				served <- err
				return
			}
		}
	}()
	none, all := netip.IPv4Unspecified(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}
	for _, c := range []struct {
		from netip.Addr
		to   *net.UDPAddr
	}{{none, all}, {none, &net.UDPAddr{IP: ip4(1).AsSlice(), Port: 68}}, {ip4(1), all}} {
		dst <- c.to
		ask := dhcpRequest(port("a", 1).MAC)
		got, ok := f.h.ExchangeDHCP(f.T, port("a", 1), c.from, ask)
		if !ok || !bytes.Equal(got, append([]byte("answer to "), ask...)) {
			f.Fatalf("asked from %s, answered to %s: %q, %t", c.from, c.to, got, ok)
		}
		if s := <-sources; s != netip.AddrPortFrom(c.from, 68).String() {
			f.Errorf("the server sees %s", s)
		}
	}
	f.filters("a", filter("a", 2))
	if _, ok := f.h.ExchangeDHCP(f.T, port("a", 1), none, dhcpRequest(port("a", 1).MAC)); ok {
		f.Error("a port that is not named was answered")
	}
	f.must(f.h.RemoveNetwork(f.ctx, "a"))
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		f.Errorf("after the network has gone, reading returns %v", err)
	}
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	conn, err = f.h.ListenDHCP(f.ctx, "a")
	f.must(err)
	f.must(conn.Close())
	conn, err = f.h.ListenDHCP(f.ctx, "a") // closed by its owner, it may be opened again
	f.must(err)
	f.must(conn.SetReadDeadline(time.Now().Add(-time.Second)))
	var late net.Error
	if _, _, err := conn.ReadFrom(make([]byte, 10)); !errors.As(err, &late) || !late.Timeout() {
		f.Errorf("after its deadline, reading returns %v", err)
	}
	f.must(conn.Close())
}

// dhcpRequest is the fixed part of a request (BOOTREQUEST), with the client's
// MAC.
func dhcpRequest(mac string) []byte {
	m, err := net.ParseMAC(mac)
	if err != nil {
		panic("vswitchtest: " + err.Error())
	}
	b := make([]byte, 300)
	b[0], b[1], b[2] = 1, 1, 6
	copy(b[28:], m)
	return b
}

func metadata(f *fixture) {
	f.pair()
	two := filter("a", 2) // without any rule; with everything as its source
	two.AllowedPairs = []vswitch.Pair{{Prefix: vswitch.AnyIPv4}}
	f.filters("a", filter("a", 1), two)
	l, err := f.h.ListenMetadata(f.ctx, "a")
	f.must(err)
	if _, err := f.h.ListenMetadata(f.ctx, "a"); !errors.Is(err, vswitch.ErrConflict) {
		f.Errorf("a second listener: %v", err)
	}
	served := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				served <- err
				return
			}
			_, _ = io.WriteString(c, "you are "+c.RemoteAddr().(*net.TCPAddr).IP.String()) // the guest sees whether it came
			c.Close()
		}
	}()
	for _, n := range []int{1, 2} {
		c, err := f.h.DialMetadata(f.T, port("a", n), ip4(n))
		f.must(err)
		got, err := io.ReadAll(c)
		f.must(err)
		f.must(c.Close())
		if string(got) != "you are "+ip4(n).String() {
			f.Errorf("port %d is told %q", n, got)
		}
	}
	if c, err := f.h.DialMetadata(f.T, port("a", 2), ip4(1)); err == nil {
		got, _ := io.ReadAll(c)
		c.Close()
		f.Errorf("with another's address, a guest is told %q", got)
	}
	f.must(f.h.RemoveNetwork(f.ctx, "a"))
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		f.Errorf("after the network has gone, accepting returns %v", err)
	}
}
