package bridge

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/dhcp"
	"github.com/cloudlet/cloudlet/hypervisor/metadata"
	"github.com/cloudlet/cloudlet/hypervisor/testbed"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// A guest that boots in QEMU gets its address and its metadata, answers a guest
// of another host where its rules say so, and no more when they do not.
func TestQEMUGuest(t *testing.T) {
	t.Parallel()
	needRoot(t)
	testbed.Require(t)
	image := testbed.Image(t)
	l := newLab(t)
	h, far := l.host(0), l.host(1)
	for _, o := range []*host{h, far} {
		n := testNetwork("a", 7)
		n.Peers = []netip.Addr{h.Peer(), far.Peer()}
		must(t, o.EnsureNetwork(t.Context(), n))
	}
	web := vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoTCP, PortMin: 80, Remote: []netip.Prefix{vswitch.AnyIPv4}}
	server := openFilter(1)
	server.Rules = append(server.Rules[2:], web) // anything out
	must(t, h.EnsureFilters(t.Context(), "a", []vswitch.PortFilter{server}))
	far.run(t, 2)
	must(t, far.EnsureFilters(t.Context(), "a", []vswitch.PortFilter{openFilter(2)}))
	serveGuest(t, h, server)

	tap, err := h.PreparePort(t.Context(), server.Port)
	must(t, err)
	guest := boot(t, h, image, tap, server.MAC)
	guest.until(t, "") // it has opened its tap
	must(t, h.ActivatePort(t.Context(), server.Port))
	ready := guest.until(t, "TINY ready")
	for _, want := range []string{"host=web-1", "source=metadata", "ip=10.0.0.11/24", "keys=1"} {
		if !strings.Contains(ready, want) {
			t.Errorf("the guest says %q, not %s", ready, want)
		}
	}

	client := far.stack(t, testPort(2), openFilter(2).FixedIPs[0])
	c, err := client.dial("tcp4", netip.AddrPortFrom(server.FixedIPs[0], 80))
	must(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	must(t, err)
	page, err := io.ReadAll(c)
	must(t, err)
	if !strings.Contains(string(page), "web-1") {
		t.Errorf("the guest's page is %q", page)
	}
	if _, err := client.dial("tcp4", netip.AddrPortFrom(server.FixedIPs[0], 22)); err == nil {
		t.Error("a port that no rule opens answers")
	}
	server.Rules = server.Rules[:len(server.Rules)-1]
	must(t, h.EnsureFilters(t.Context(), "a", []vswitch.PortFilter{server}))
	if again, err := client.dial("tcp4", netip.AddrPortFrom(server.FixedIPs[0], 80)); err == nil {
		again.Close()
		t.Error("a port whose rule has gone answers")
	}
	server.Rules = append(server.Rules, web)
	must(t, h.EnsureFilters(t.Context(), "a", []vswitch.PortFilter{server}))
	again, err := client.dial("tcp4", netip.AddrPortFrom(server.FixedIPs[0], 80))
	must(t, err)
	must(t, again.Close())
}

// serveGuest answers the one port's DHCP and metadata.
func serveGuest(t *testing.T, h *host, f vswitch.PortFilter) {
	t.Helper()
	conn, err := h.ListenDHCP(t.Context(), "a")
	must(t, err)
	l, err := h.ListenMetadata(t.Context(), "a")
	must(t, err)
	subnet := netip.MustParsePrefix("10.0.0.0/24")
	lease := dhcp.Lease{IP: f.FixedIPs[0], Subnet: subnet, Gateway: ip("10.0.0.1"), MTU: 1450}
	who := metadata.Instance{ID: "0a1b2c3d-0000-4000-8000-000000000001", Name: "web-1", Keys: []metadata.Key{{Name: "k", Data: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA k"}}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() {
		done <- dhcp.Serve(ctx, conn, func(m net.HardwareAddr) (dhcp.Lease, bool) { return lease, m.String() == f.MAC }, nil)
	}()
	go func() {
		done <- metadata.Serve(ctx, l, metadata.Handler(func(a netip.Addr) (metadata.Instance, bool) { return who, a == lease.IP }))
	}()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	})
}

// booted is a guest's serial console.
type booted struct {
	out  *os.File
	said string
}

// boot starts QEMU in the host's namespace; it ends with the test.
func boot(t *testing.T, h *host, image, tap, mac string) *booted {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	defer w.Close()
	cmd := exec.Command("qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "qemu64", "-m", "128", "-nodefaults", "-no-user-config",
		"-display", "none", "-serial", "stdio", "-snapshot", "-drive", "if=virtio,file="+image,
		"-netdev", "tap,id=net0,script=no,downscript=no,ifname="+tap, "-device", "virtio-net-pci,netdev=net0,mac="+mac)
	cmd.Stdout, cmd.Stderr = w, w
	must(t, inside(h.ns, cmd.Start))
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		r.Close()
	})
	return &booted{out: r}
}

// until reads what the guest says until a line has the text, and returns it.
func (b *booted) until(t *testing.T, text string) string {
	t.Helper()
	must(t, b.out.SetReadDeadline(time.Now().Add(90*time.Second)))
	buf := make([]byte, 4096)
	for {
		n, err := b.out.Read(buf)
		if err != nil {
			t.Fatalf("the guest does not say %q: %v; it said\n%s", text, err, b.said)
		}
		b.said += string(buf[:n])
		for line := range strings.Lines(b.said) {
			if strings.Contains(line, text) && (text == "" || strings.HasSuffix(line, "\n")) {
				return line
			}
		}
	}
}
