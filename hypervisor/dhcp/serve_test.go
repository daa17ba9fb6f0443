package dhcp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/cloudlet/cloudlet/hypervisor/dhcp"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
)

func TestServeOnTheSwitchInMemory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sw := fake.New()
	p := vswitch.Port{ID: "p1", NetworkID: "n1", MAC: "fa:16:3e:01:02:03"}
	known, err := net.ParseMAC(p.MAC)
	must(t, err)
	must(t, sw.EnsureNetwork(ctx, vswitch.Network{ID: "n1"}))
	_, err = sw.PreparePort(ctx, p)
	must(t, err)
	must(t, sw.ActivatePort(ctx, p))
	must(t, sw.EnsureFilters(ctx, "n1", []vswitch.PortFilter{{Port: p, AdminUp: true, PortSecurity: true}}))
	conn, err := sw.ListenDHCP(ctx, "n1")
	must(t, err)
	serveCtx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- dhcp.Serve(serveCtx, conn, func(m net.HardwareAddr) (dhcp.Lease, bool) {
			return dhcp.Lease{IP: netip.MustParseAddr("10.0.0.5"), Subnet: netip.MustParsePrefix("10.0.0.0/24")}, m.String() == p.MAC
		}, nil)
	}()

	discover, err := dhcpv4.NewDiscovery(known)
	must(t, err)
	from := netip.MustParseAddrPort("0.0.0.0:68")
	quick, done := context.WithTimeout(ctx, 50*time.Millisecond)
	defer done()
	for _, bad := range [][]byte{nil, {1, 1, 6}, stranger(t)} {
		if b, err := sw.ExchangeDHCP(quick, "n1", "p1", from, bad); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("% x was answered: % x, %v", bad, b, err)
		}
	}
	b, err := sw.ExchangeDHCP(ctx, "n1", "p1", from, discover.ToBytes())
	must(t, err)
	offer, err := dhcpv4.FromBytes(b)
	must(t, err)
	if offer.MessageType() != dhcpv4.MessageTypeOffer || offer.YourIPAddr.String() != "10.0.0.5" {
		t.Errorf("got %v", offer)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func stranger(t *testing.T) []byte {
	d, err := dhcpv4.NewDiscovery(net.HardwareAddr{0xfa, 0x16, 0x3e, 9, 9, 9})
	must(t, err)
	return d.ToBytes()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
