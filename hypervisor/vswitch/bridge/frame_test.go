package bridge

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/vswitchtest"
)

func mac(s string) net.HardwareAddr {
	m, err := net.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// arp renders an ARP frame.
func arp(dst, src net.HardwareAddr, op byte, sender net.HardwareAddr, senderIP string, target net.HardwareAddr, targetIP string) []byte {
	b := append([]byte{0, 1, 8, 0, 6, 4, 0, op}, sender...)
	b = append(append(b, ip(senderIP).AsSlice()...), target...)
	b = append(b, ip(targetIP).AsSlice()...)
	return vswitchtest.Ethernet(dst, src, etherARP, append(b, make([]byte, 18)...))
}

var nobody = make(net.HardwareAddr, 6)

// two runs ports 1 and 2 on the first host, everything allowed.
func two(t *testing.T) (*lab, vswitchtest.End, vswitchtest.End) {
	t.Helper()
	l := newLab(t)
	h := l.host(0)
	must(t, h.EnsureNetwork(t.Context(), testNetwork("a", 7)))
	h.run(t, 1)
	h.run(t, 2)
	must(t, h.EnsureFilters(t.Context(), "a", []vswitch.PortFilter{openFilter(1), openFilter(2)}))
	return l, vswitchtest.End{Host: h, Port: testPort(1)}, vswitchtest.End{Host: h, Port: testPort(2)}
}

func TestSpoofedFrames(t *testing.T) {
	t.Parallel()
	l, one, other := two(t)
	own, two, stranger := mac(testPort(1).MAC), mac(testPort(2).MAC), mac("fa:16:3e:00:00:99")
	icmp6 := func(src, dst string, typ byte, rest ...byte) []byte {
		return vswitchtest.Ethernet(two, own, etherIPv6, vswitchtest.IP(ip(src), ip(dst), vswitch.ProtoICMPv6, append([]byte{typ, 0, 0, 0}, rest...)))
	}
	target := func(a string) []byte { return append([]byte{0, 0, 0, 0}, ip(a).AsSlice()...) }
	tagged := vswitchtest.Ethernet(two, own, 0x8100, append([]byte{0, 5, 8, 0}, vswitchtest.IP(ip("10.0.0.11"), ip("10.0.0.12"), 17, []byte{0, 1, 0, 1, 0, 8, 0, 0})...))
	asking := func(src string, from, to uint16, dst string) []byte {
		udp := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)
		return vswitchtest.Ethernet(two, own, etherIPv6, vswitchtest.IP(ip(src), ip(dst), vswitch.ProtoUDP, append(udp, 0, 8, 0, 0)))
	}
	linkLocal := vswitch.LinkLocal(own).String()
	for _, c := range []struct {
		what  string
		frame []byte
		want  bool
	}{
		{"ARP request", arp(broadcast, own, 1, own, "10.0.0.11", nobody, "10.0.0.12"), true},
		{"ARP reply", arp(two, own, 2, own, "10.0.0.11", two, "10.0.0.12"), true},
		{"ARP probe", arp(broadcast, own, 1, own, "0.0.0.0", nobody, "10.0.0.11"), true},
		{"ARP reply without address", arp(two, own, 2, own, "0.0.0.0", two, "10.0.0.12"), false},
		{"ARP with another's address", arp(two, own, 2, own, "10.0.0.13", two, "10.0.0.12"), false},
		{"ARP with the gateway's", arp(two, own, 2, own, "10.0.0.1", two, "10.0.0.12"), false},
		{"ARP with another's MAC inside", arp(two, own, 2, stranger, "10.0.0.11", two, "10.0.0.12"), false},
		{"ARP from another's MAC", arp(two, stranger, 2, own, "10.0.0.11", two, "10.0.0.12"), false},
		{"neighbour's advertisement", icmp6("2001:db8::1:1", "2001:db8::2", neighbourAdvertisement, target("2001:db8::1")...), false},
		{"own advertisement", icmp6(linkLocal, "2001:db8::2", neighbourAdvertisement, target(linkLocal)...), true},
		{"own advertisement, fixed address", icmp6(linkLocal, "2001:db8::2", neighbourAdvertisement, target("2001:db8::1")...), false}, // is the gateway's
		{"advertisement of another's", icmp6(linkLocal, "2001:db8::2", neighbourAdvertisement, target("2001:db8::3")...), false},
		{"solicitation", icmp6(linkLocal, "2001:db8::2", neighbourSolicitation, target("2001:db8::2")...), true},
		{"solicitation without address", icmp6("::", "ff02::1:ff00:2", neighbourSolicitation, target("2001:db8::2")...), true},
		{"router's advertisement", icmp6(linkLocal, "ff02::1", routerAdvertisement, make([]byte, 12)...), false},
		{"redirect", icmp6(linkLocal, "2001:db8::2", redirect, make([]byte, 36)...), false},
		{"echo without address", icmp6("::", "2001:db8::2", echoRequest6, 0, 1, 0, 1), false},
		{"DHCPv6 request", asking(linkLocal, 546, 547, "2001:db8::2"), true},
		{"DHCPv6 answer", asking(linkLocal, 547, 546, "2001:db8::2"), false},
		{"VLAN tag", tagged, false},
		{"spanning tree", vswitchtest.Ethernet(net.HardwareAddr{1, 0x80, 0xc2, 0, 0, 0}, own, 38, make([]byte, 46)), false},
		{"another protocol", vswitchtest.Ethernet(two, own, 0x88cc, make([]byte, 46)), false},
		{"to nobody's MAC", vswitchtest.Packet{SrcMAC: own.String(), Flow: vswitch.Flow{Src: ip("10.0.0.11"), Dst: ip("10.0.0.12"), Protocol: 17, DstPort: 9}}.Frame(stranger), false},
	} {
		if got := l.frame(t, one, other, c.frame); got != c.want {
			t.Errorf("%s: arrived: %t", c.what, got)
		}
	}
}

// The bridge takes frames to link-local groups past prerouting.
func TestSpoofedFramesTeachTheBridgeNothing(t *testing.T) {
	t.Parallel()
	l, one, other := two(t)
	h, stranger := l.host(0), mac("fa:16:3e:00:00:99")
	for _, dst := range []net.HardwareAddr{broadcast, {1, 0x80, 0xc2, 0, 0, 0x0e}, legMAC} {
		for _, src := range []net.HardwareAddr{stranger, mac(other.Port.MAC)} {
			if _, err := h.taps[one.Port.ID].Write(arp(dst, src, 1, src, "10.0.0.11", nobody, "10.0.0.1")); err != nil {
				t.Fatal(err)
			}
		}
	}
	ns, err := h.openNetwork("a")
	must(t, err)
	defer ns.Close()
	tap, err := ns.nl.LinkByName(tapName(one.Port.ID))
	must(t, err)
	fdb, err := ns.nl.NeighList(tap.Attrs().Index, unix.AF_BRIDGE)
	must(t, err)
	for _, e := range fdb {
		if e.State&netlink.NUD_PERMANENT == 0 {
			t.Errorf("learnt %s", e.HardwareAddr)
		}
	}
}

// What a guest may want of its host, and nothing else.
func TestTheHostsLeg(t *testing.T) {
	t.Parallel()
	l, one, _ := two(t)
	h, own := l.host(0), mac(testPort(1).MAC)
	tap := h.taps[one.Port.ID]
	ask := func(what string, frame []byte, want bool, answer func([]byte) bool) {
		t.Helper()
		if _, err := tap.Write(frame); err != nil {
			t.Fatal(err)
		}
		wait := patiently
		if !want {
			wait = 10 * quiet
		}
		if got := receive(t, tap, wait, func(b []byte) bool { return bytes.Equal(b[6:12], legMAC) && answer(b) }); got != want {
			t.Errorf("%s: answered: %t", what, got)
		}
	}
	isARP := func(b []byte) bool { return b[12] == 8 && b[13] == 6 && b[21] == 2 && bytes.Equal(b[22:28], legMAC) }
	for a, want := range map[string]bool{"10.0.0.1": true, "169.254.169.254": true, "10.0.0.2": false} {
		ask("who has "+a, arp(broadcast, own, 1, own, "10.0.0.11", nobody, a), want, isARP)
	}
	packet := func(dst string, proto uint8, payload ...byte) []byte {
		return vswitchtest.Ethernet(legMAC, own, etherIPv4, vswitchtest.IP(ip("10.0.0.11"), ip(dst), proto, payload))
	}
	echo := []byte{echoRequest, 0, 0, 0, 0, 1, 0, 1}
	isEcho := func(b []byte) bool { return b[12] == 8 && b[13] == 0 && b[23] == 1 && b[34] == 0 }
	any4 := func(b []byte) bool { return b[12] == 8 && b[13] == 0 }
	ask("echo of the gateway", packet("10.0.0.1", 1, echo...), true, isEcho)
	ask("echo of the metadata service", packet("169.254.169.254", 1, echo...), true, isEcho)
	ask("timestamp", packet("10.0.0.1", 1, 13, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), false, any4)
	syn := func(port uint16) []byte {
		b := binary.BigEndian.AppendUint16([]byte{0x90, 0}, port)
		return append(b, 0, 0, 3, 0xe8, 0, 0, 0, 0, 5<<4, 2, 0xff, 0xff, 0, 0, 0, 0)
	}
	ask("metadata, without a listener", packet("169.254.169.254", vswitch.ProtoTCP, syn(80)...), true, any4) // a reset
	ask("another port", packet("169.254.169.254", vswitch.ProtoTCP, syn(22)...), false, any4)
	ask("the gateway's port 80", packet("10.0.0.1", vswitch.ProtoTCP, syn(80)...), false, any4)
	ask("UDP", packet("10.0.0.1", vswitch.ProtoUDP, 0x90, 0, 0, 53, 0, 8, 0, 0), false, any4)
	ask("another address of the host", packet("192.0.2.1", 1, echo...), false, any4)
	v6 := append(vswitch.LinkLocal(own).AsSlice(), 0)
	solicit := append(append([]byte{neighbourSolicitation, 0, 0, 0, 0, 0, 0, 0}, ip("2001:db8::1").AsSlice()...), append([]byte{1, 1}, own...)...)
	ask("who has the IPv6 gateway", vswitchtest.Ethernet(net.HardwareAddr{0x33, 0x33, 0xff, 0, 0, 1}, own, etherIPv6,
		vswitchtest.IP(netip.AddrFrom16([16]byte(v6[:16])), ip("ff02::1:ff00:1"), vswitch.ProtoICMPv6, solicit)), true,
		func(b []byte) bool { return b[12] == 0x86 && b[54] == neighbourAdvertisement })
}

func TestDHCPWithAnothersMACInside(t *testing.T) {
	t.Parallel()
	l, one, _ := two(t)
	h := l.host(0)
	conn, err := h.ListenDHCP(t.Context(), "a")
	must(t, err)
	defer conn.Close()
	request := func(m string) []byte {
		b := make([]byte, 300)
		b[0], b[1], b[2] = 1, 1, 6
		copy(b[28:], mac(m))
		return b
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(buf[:n], &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
		}
	})
	if _, ok := h.ExchangeDHCP(t, one.Port, netip.IPv4Unspecified(), request(testPort(2).MAC)); ok {
		t.Error("a guest got an answer meant for another")
	}
	if _, ok := h.ExchangeDHCP(t, one.Port, netip.IPv4Unspecified(), request(one.Port.MAC)); !ok {
		t.Error("a guest got no answer")
	}
}

// The leg of each host answers its own guests only: the overlay knows nothing
// of it.
func TestTheLegIsNotOnTheOverlay(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for n := range byte(2) {
		net := testNetwork("a", 7)
		net.Peers = []netip.Addr{l.host(0).Peer(), l.host(1).Peer()}
		must(t, l.host(int(n)).EnsureNetwork(t.Context(), net))
		l.host(int(n)).run(t, n+1)
		open := openFilter(n + 1)
		open.PortSecurity = n == 0 // the far guest sees all that there is
		must(t, l.host(int(n)).EnsureFilters(t.Context(), "a", []vswitch.PortFilter{open}))
	}
	own := mac(testPort(1).MAC)
	near, far := l.host(0).taps[testPort(1).ID], l.host(1).taps[testPort(2).ID]
	send := func(b []byte) {
		t.Helper()
		if _, err := near.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	request := arp(broadcast, own, 1, own, "10.0.0.11", nobody, "10.0.0.1")
	send(request)
	send(arp(broadcast, own, 1, own, "10.0.0.11", nobody, "169.254.169.254"))
	last := arp(broadcast, own, 1, own, "10.0.0.11", nobody, "10.0.0.12")
	send(last)
	answers := 0
	receive(t, near, quietFar, func(b []byte) bool {
		if b[12] == 8 && b[13] == 6 && b[21] == 2 {
			answers++
		}
		return false
	})
	if answers != 2 {
		t.Errorf("%d answers to questions for two addresses of the leg", answers)
	}
	if !receive(t, far, patiently, func(b []byte) bool {
		if bytes.Equal(b, request) || b[12] == 8 && b[13] == 6 && bytes.Equal(b[6:12], legMAC) {
			t.Errorf("on the far host: % x", b)
		}
		return bytes.Equal(b, last)
	}) {
		t.Error("a broadcast did not reach the far host")
	}
}

// A guest's own network stack, over the underlay: a connection carries data in
// full segments both ways.
func TestConnectionsBetweenHosts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var guests []*stack
	for n := range byte(2) {
		net := testNetwork("a", 7)
		net.Peers = []netip.Addr{l.host(0).Peer(), l.host(1).Peer()}
		must(t, l.host(int(n)).EnsureNetwork(t.Context(), net))
		l.host(int(n)).run(t, n+1)
		must(t, l.host(int(n)).EnsureFilters(t.Context(), "a", []vswitch.PortFilter{openFilter(n + 1)}))
		guests = append(guests, l.host(int(n)).stack(t, testPort(n+1), openFilter(n + 1).FixedIPs[0]))
	}
	at := netip.AddrPortFrom(guests[1].from, 8080)
	ln := guests[1].listen(t, at)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	c, err := guests[0].dial("tcp4", at)
	must(t, err)
	defer c.Close()
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<15) // 512 KiB
	go func() {
		_, _ = c.Write(data)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Errorf("sent %d bytes, got back %d", len(data), len(got))
	}
}

// While filters are replaced over and over, what both old and new allow passes
// without loss, and what neither allows never does.
func TestFiltersAreReplacedAtomically(t *testing.T) {
	t.Parallel()
	l, one, other := two(t)
	h := l.host(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := uint16(0); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			in := openFilter(2)
			in.Rules = []vswitch.Rule{{Direction: vswitch.Ingress, Protocol: vswitch.ProtoUDP, PortMin: 100, PortMax: 100, Remote: []netip.Prefix{vswitch.AnyIPv4}},
				{Direction: vswitch.Ingress, Protocol: vswitch.ProtoTCP, PortMin: 1000 + n%2, Remote: []netip.Prefix{vswitch.AnyIPv4}}}
			filters := []vswitch.PortFilter{openFilter(1), in}
			if n%2 == 0 { // a third port changes nobody's number
				filters = append([]vswitch.PortFilter{openFilter(0)}, filters...)
			}
			if err := h.EnsureFilters(t.Context(), "a", filters); err != nil {
				t.Error(err)
				return
			}
		}
	})
	packet := func(i int, port uint16) vswitchtest.Packet {
		return vswitchtest.Packet{SrcMAC: testPort(1).MAC, Flow: vswitch.Flow{Src: ip("10.0.0.11"), Dst: ip("10.0.0.12"),
			Protocol: vswitch.ProtoUDP, SrcPort: uint16(2000 + i), DstPort: port}}
	}
	// The first rules are those of two, which allow all.
	for deadline := time.Now().Add(patiently); l.Send(t, one, other, packet(0, 101)); {
		if time.Now().After(deadline) {
			t.Fatal("the filters were not replaced")
		}
	}
	lost, leaked := 0, 0
	for i := range 300 {
		if i%30 == 0 && l.Send(t, one, other, packet(i, 101)) {
			leaked++
		}
		if !l.Send(t, one, other, packet(i, 100)) {
			lost++
		}
	}
	close(stop)
	wg.Wait()
	if lost > 0 || leaked > 0 {
		t.Errorf("%d lost, %d leaked", lost, leaked)
	}
}

// A flat provider network: guests and the physical network are one, but for the
// host's leg and what the host answers itself.
func TestProviderNetwork(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	h := l.host(0)
	br := addBridge(t, h)
	n := vswitch.Network{ID: "a", Physnet: "physnet1", Subnets: []vswitch.Subnet{
		{ID: "s", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: ip("10.0.0.1"), ServeGateway: true, DHCP: true}}}
	must(t, h.EnsureNetwork(t.Context(), n))
	must(t, h.EnsureNetwork(t.Context(), n))
	h.run(t, 1)
	must(t, h.EnsureFilters(t.Context(), "a", []vswitch.PortFilter{openFilter(1)}))
	// A tap on the physical bridge is the world outside.
	tap := outside(t, h, br)
	h.taps["outside"] = tap
	guest, world := vswitchtest.End{Host: h, Port: testPort(1)}, vswitchtest.End{Host: h, Port: vswitch.Port{ID: "outside"}}
	own, router := mac(testPort(1).MAC), mac("02:00:00:00:00:77")
	dhcp := func(src net.HardwareAddr, from, to uint16) []byte {
		udp := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)
		return vswitchtest.Ethernet(broadcast, src, etherIPv4, vswitchtest.IP(ip("0.0.0.0"), ip("255.255.255.255"), 17, append(udp, 0, 8, 0, 0)))
	}
	for _, c := range []struct {
		what     string
		from, to vswitchtest.End
		frame    []byte
		want     bool
	}{
		{"to the gateway out there", guest, world, arp(broadcast, own, 1, own, "10.0.0.11", nobody, "10.0.0.1"), true},
		{"from the gateway", world, guest, arp(own, router, 2, router, "10.0.0.1", own, "10.0.0.11"), true},
		{"metadata", guest, world, arp(broadcast, own, 1, own, "10.0.0.11", nobody, "169.254.169.254"), false},
		{"asking for an address", guest, world, dhcp(own, 68, 67), false},
		{"another's DHCP server", world, guest, dhcp(router, 67, 68), false},
		{"the host's leg, by somebody else", world, guest, arp(own, legMAC, 2, legMAC, "10.0.0.1", own, "10.0.0.11"), false},
		{"for somebody else", world, guest, arp(router, mac("02:00:00:00:00:78"), 2, router, "10.0.0.9", own, "10.0.0.11"), false},
	} {
		if got := l.frame(t, c.from, c.to, c.frame); got != c.want {
			t.Errorf("%s: arrived: %t", c.what, got)
		}
	}
	if _, err := tap.Write(arp(broadcast, router, 1, router, "10.0.0.5", nobody, "169.254.169.254")); err != nil {
		t.Fatal(err)
	}
	if receive(t, tap, 5*quiet, func(b []byte) bool { return bytes.Equal(b[6:12], legMAC) }) {
		t.Error("the host's leg speaks on the physical network")
	}
}

// outside puts a tap on a bridge of the host.
func outside(t *testing.T, h *host, br netlink.Link) *os.File {
	t.Helper()
	tap := openTap(t, h.ns, "outside0")
	link, err := h.nl.LinkByName("outside0")
	must(t, err)
	must(t, h.nl.LinkSetMaster(link, br))
	must(t, h.nl.LinkSetUp(link))
	return tap
}
