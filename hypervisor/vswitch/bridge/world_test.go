package bridge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/vswitchtest"
)

// needRoot skips a test that can't run here, unless it must.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		if _, err := os.Stat("/dev/net/tun"); err == nil {
			return
		}
	}
	if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
		t.Fatal("network namespaces need root and /dev/net/tun")
	}
	t.Skip("SKIPPED: network namespaces need root and /dev/net/tun")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lab is hosts in network namespaces without names, joined by a veth pair.
type lab struct{ hosts []vswitchtest.Host }

func (l *lab) Hosts() []vswitchtest.Host { return l.hosts }

func (l *lab) host(n int) *host { return l.hosts[n].(*host) }

// newLab makes two hosts; all of them is gone after the test.
func newLab(t *testing.T) *lab {
	t.Helper()
	needRoot(t)
	l := &lab{}
	for n := range 2 {
		h := &host{taps: map[string]*os.File{}, opts: Options{Prefix: fmt.Sprintf("cltest%d", os.Getpid()),
			TunnelAddress: netip.AddrFrom4([4]byte{192, 0, 2, byte(n + 1)}), Physnets: map[string]string{"physnet1": "brphys"}}}
		h.ns, h.nl = newNS(t)
		h.Restart(t)
		t.Cleanup(func() { h.clean(t) })
		l.hosts = append(l.hosts, h)
	}
	a, b := l.host(0), l.host(1)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "under0"
	must(t, a.nl.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "under0", PeerNamespace: netlink.NsFd(b.ns)}))
	for _, h := range []*host{a, b} {
		link, err := h.nl.LinkByName("under0")
		must(t, err)
		must(t, h.nl.AddrAdd(link, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(h.opts.TunnelAddress, 24))}))
		must(t, h.nl.LinkSetUp(link))
	}
	return l
}

func newNS(t *testing.T) (netns.NsHandle, *netlink.Handle) {
	t.Helper()
	var ns netns.NsHandle
	must(t, onThread(func() (err error) {
		if ns, err = netns.New(); err != nil {
			return err
		}
		return sysctl("ipv6/conf/default/disable_ipv6", "1") // no frames but the test's
	}))
	nl, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	must(t, err)
	t.Cleanup(func() { nl.Close(); ns.Close() })
	lo, err := nl.LinkByName("lo")
	must(t, err)
	must(t, nl.LinkSetUp(lo))
	return ns, nl
}

// host is a vswitchtest.Host in a namespace.
type host struct {
	*Switch
	opts Options
	ns   netns.NsHandle
	nl   *netlink.Handle
	taps map[string]*os.File // that guests have open, by port
}

func (h *host) Restart(t *testing.T) bool {
	t.Helper()
	if h.Switch != nil {
		must(t, h.Switch.Close())
	}
	runtime.LockOSThread()
	own, err := netns.Get()
	must(t, err)
	defer own.Close()
	must(t, netns.Set(h.ns))
	sw, err := New(h.opts)
	must(t, netns.Set(own))
	runtime.UnlockOSThread()
	must(t, err)
	h.Switch = sw
	return true
}

// clean removes the host's networks, and says what stayed.
func (h *host) clean(t *testing.T) {
	for _, f := range h.taps {
		f.Close()
	}
	ctx := context.WithoutCancel(t.Context())
	states, err := h.List(ctx)
	if err != nil {
		t.Errorf("clean: %v", err)
	}
	for _, s := range states {
		if err := h.RemoveNetwork(ctx, s.ID); err != nil {
			t.Errorf("clean: %v", err)
		}
	}
	left, err := namespaces(h.nsPrefix())
	if err != nil || len(left) > 0 {
		t.Errorf("clean: namespaces %v stayed, %v", left, err)
	}
	for _, name := range left {
		removeNS(name)
	}
	if err := h.Switch.Close(); err != nil {
		t.Errorf("clean: %v", err)
	}
}

func (h *host) Peer() netip.Addr { return h.opts.TunnelAddress }

func (h *host) Start(t *testing.T, p vswitch.Port, tap string) {
	t.Helper()
	if old := h.taps[p.ID]; old != nil {
		old.Close()
	}
	h.taps[p.ID] = openTap(t, h.ns, tap)
}

// openTap opens a tap of a namespace as a hypervisor does.
func openTap(t *testing.T, ns netns.NsHandle, name string) *os.File {
	t.Helper()
	fd := -1
	must(t, inside(ns, func() error {
		var err error
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		req, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}))
	must(t, unix.SetNonblock(fd, true)) // only now: the poller wants a tap that is attached
	return os.NewFile(uintptr(fd), name)
}

// waits for what must not come; the way through one kernel is synchronous.
const (
	quiet     = 20 * time.Millisecond
	quietFar  = 150 * time.Millisecond
	patiently = 5 * time.Second
)

// receive reads frames of a guest until one is wanted. It looks once more when
// the wait is over: on a busy machine it may be over before the first look.
func receive(t *testing.T, tap *os.File, wait time.Duration, wanted func([]byte) bool) bool {
	t.Helper()
	must(t, tap.SetReadDeadline(time.Now().Add(wait)))
	buf := make([]byte, 65536)
	for {
		n, err := tap.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatalf("read of a tap: %v", err)
		}
		if wanted(buf[:n]) {
			return true
		}
	}
	must(t, tap.SetReadDeadline(time.Time{}))
	raw, err := tap.SyscallConn()
	must(t, err)
	for {
		var n int
		var readErr error
		must(t, raw.Read(func(fd uintptr) bool {
			n, readErr = unix.Read(int(fd), buf)
			return true
		}))
		if readErr != nil {
			return false // EAGAIN: no more
		}
		if wanted(buf[:n]) {
			return true
		}
	}
}

func (l *lab) Send(t *testing.T, from, to vswitchtest.End, p vswitchtest.Packet) bool {
	t.Helper()
	dst, err := net.ParseMAC(to.Port.MAC)
	must(t, err)
	return l.frame(t, from, to, p.Frame(dst))
}

// frame sends a frame and tells whether it arrives.
func (l *lab) frame(t *testing.T, from, to vswitchtest.End, frame []byte) bool {
	t.Helper()
	src, dst := from.Host.(*host).taps[from.Port.ID], to.Host.(*host).taps[to.Port.ID]
	if _, err := src.Write(frame); err != nil && !errors.Is(err, unix.EIO) { // a tap that is down
		t.Fatalf("write to a tap: %v", err)
	}
	wait := quiet
	if from.Host != to.Host {
		wait = quietFar
	}
	return receive(t, dst, wait, func(b []byte) bool { return bytes.Equal(b, frame) })
}

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func (h *host) ExchangeDHCP(t *testing.T, p vswitch.Port, from netip.Addr, payload []byte) ([]byte, bool) {
	t.Helper()
	mac, err := net.ParseMAC(p.MAC)
	must(t, err)
	udp := binary.BigEndian.AppendUint16([]byte{0, 68, 0, 67}, uint16(8+len(payload)))
	frame := vswitchtest.Ethernet(broadcast, mac, etherIPv4,
		vswitchtest.IP(from, netip.AddrFrom4([4]byte{255, 255, 255, 255}), unix.IPPROTO_UDP, append(append(udp, 0, 0), payload...)))
	tap := h.taps[p.ID]
	if _, err := tap.Write(frame); err != nil {
		t.Fatalf("write to a tap: %v", err)
	}
	var answer []byte
	ok := receive(t, tap, 500*time.Millisecond, func(b []byte) bool {
		if len(b) < 42 || b[12] != 8 || b[13] != 0 || b[23] != unix.IPPROTO_UDP || !bytes.Equal(b[34:38], []byte{0, 67, 0, 68}) {
			return false
		}
		if !bytes.Equal(b[6:12], legMAC) || !bytes.Equal(b[26:30], vswitch.MetadataAddr.AsSlice()) {
			t.Errorf("an answer comes from %x, %v", b[6:12], b[26:30])
		}
		if !bytes.Equal(b[:6], mac) && !bytes.Equal(b[:6], broadcast) {
			t.Errorf("an answer is sent to %x", b[:6])
		}
		answer = bytes.Clone(b[42 : 34+binary.BigEndian.Uint16(b[38:])])
		return true
	})
	return answer, ok
}

// DialMetadata gives the guest a network stack of its own: that of a namespace
// whose tap is wired to the guest's.
func (h *host) DialMetadata(t *testing.T, p vswitch.Port, from netip.Addr) (net.Conn, error) {
	t.Helper()
	g := h.stack(t, p, from)
	return g.dial("tcp4", netip.AddrPortFrom(vswitch.MetadataAddr, 80))
}

type stack struct {
	ns   netns.NsHandle
	from netip.Addr
}

// stack returns the port's guest as a network stack with an address in
// 10.0.0.0/24. From now on the port's frames are its.
func (h *host) stack(t *testing.T, p vswitch.Port, from netip.Addr) *stack {
	t.Helper()
	ns, nl := newNS(t)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth0"
	inner := openTap(t, ns, attrs.Name)
	link, err := nl.LinkByName(attrs.Name)
	must(t, err)
	mac, err := net.ParseMAC(p.MAC)
	must(t, err)
	must(t, nl.LinkSetHardwareAddr(link, mac))
	must(t, nl.LinkSetMTU(link, 1450))
	must(t, nl.AddrAdd(link, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(from, 24))}))
	must(t, nl.LinkSetUp(link))
	must(t, nl.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: ipNet(netip.PrefixFrom(vswitch.MetadataAddr, 32))}))
	outer := h.taps[p.ID]
	must(t, outer.SetReadDeadline(time.Time{}))
	done := make(chan struct{}, 2)
	pump := func(dst, src *os.File) {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 65536)
		for {
			n, err := src.Read(buf)
			if err != nil {
				return
			}
			_, _ = dst.Write(buf[:n])
		}
	}
	go pump(inner, outer)
	go pump(outer, inner)
	t.Cleanup(func() {
		inner.Close()
		_ = outer.SetReadDeadline(time.Now())
		<-done
		<-done
	})
	return &stack{ns, from}
}

func (s *stack) dial(network string, to netip.AddrPort) (c net.Conn, err error) {
	insideErr := inside(s.ns, func() error {
		d := net.Dialer{Timeout: time.Second}
		c, err = d.Dial(network, to.String())
		return nil
	})
	if insideErr != nil {
		return nil, insideErr
	}
	if err == nil {
		err = c.SetDeadline(time.Now().Add(patiently))
	}
	return c, err
}

func (s *stack) listen(t *testing.T, at netip.AddrPort) net.Listener {
	t.Helper()
	var l net.Listener
	must(t, inside(s.ns, func() (err error) {
		l, err = net.Listen("tcp4", at.String())
		return err
	}))
	t.Cleanup(func() { l.Close() })
	return l
}
