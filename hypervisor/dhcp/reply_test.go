package dhcp

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

var (
	mac   = net.HardwareAddr{0xfa, 0x16, 0x3e, 1, 2, 3}
	lease = Lease{
		IP: netip.MustParseAddr("10.5.0.7"), Subnet: netip.MustParsePrefix("10.5.0.0/22"),
		Gateway: netip.MustParseAddr("10.5.0.1"), MetadataVia: netip.MustParseAddr("10.5.0.1"),
		Routes: []Route{{netip.MustParsePrefix("192.168.7.0/24"), netip.MustParseAddr("10.5.0.9")}},
		DNS:    []netip.Addr{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("2620:fe::fe")},
		MTU:    1450, Hostname: "web-1", Domain: "example.org",
	}
)

func request(t *testing.T, mt dhcpv4.MessageType, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	r, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(mt)}, mods...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOfferTellsTheWholeLease(t *testing.T) {
	req := request(t, dhcpv4.MessageTypeDiscover,
		dhcpv4.WithOption(dhcpv4.OptClientIdentifier([]byte{1, 2, 3})),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, optionMSRoutes))
	sent, ok := Reply(req, lease)
	if !ok {
		t.Fatal("no answer")
	}
	r, err := dhcpv4.FromBytes(sent.ToBytes()) // as the guest reads it
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]any{
		"type":       {r.MessageType(), dhcpv4.MessageTypeOffer},
		"address":    {r.YourIPAddr.String(), "10.5.0.7"},
		"xid":        {r.TransactionID, req.TransactionID},
		"server":     {r.ServerIdentifier().String(), "169.254.169.254"},
		"mask":       {net.IP(r.SubnetMask()).String(), "255.255.252.0"},
		"broadcast":  {r.BroadcastAddress().String(), "10.5.3.255"},
		"router":     {r.Router()[0].String(), "10.5.0.1"},
		"dns count":  {len(r.DNS()), 1},
		"dns":        {r.DNS()[0].String(), "9.9.9.9"},
		"hostname":   {r.HostName(), "web-1"},
		"domain":     {r.DomainName(), "example.org"},
		"lease time": {r.IPAddressLeaseTime(0), 24 * time.Hour},
		"client id":  {string(r.Options.Get(dhcpv4.OptionClientIdentifier)), "\x01\x02\x03"},
		"mtu":        {string(r.Options.Get(dhcpv4.OptionInterfaceMTU)), "\x05\xaa"},
		"routes": {dhcpv4.Routes(r.ClasslessStaticRoute()).String(),
			"route to 169.254.169.254/32 via 10.5.0.1; route to 192.168.7.0/24 via 10.5.0.9; route to 0.0.0.0/0 via 10.5.0.1"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	if !bytes.Equal(r.Options.Get(optionMSRoutes), r.Options.Get(dhcpv4.OptionClasslessStaticRoute)) {
		t.Error("option 249 was asked for and is not option 121's")
	}
}

func TestMetadataIsOnLinkWithoutARouterForIt(t *testing.T) {
	l := lease
	l.MetadataVia, l.Gateway, l.Routes = netip.Addr{}, netip.Addr{}, nil
	r, _ := Reply(request(t, dhcpv4.MessageTypeDiscover), l)
	if got, want := dhcpv4.Routes(r.ClasslessStaticRoute()).String(), "route to 169.254.169.254/32 via 0.0.0.0"; got != want {
		t.Errorf("routes: got %q, want %q", got, want)
	}
	if len(r.Router()) != 0 {
		t.Errorf("router %v offered where there is none", r.Router())
	}
}

func TestRequestStates(t *testing.T) {
	ours, theirs := net.IP(ServerID.AsSlice()), net.IPv4(10, 5, 0, 2)
	mine, other := net.IPv4(10, 5, 0, 7), net.IPv4(10, 5, 0, 8)
	none := dhcpv4.MessageType(0)
	for _, c := range []struct {
		name string
		mt   dhcpv4.MessageType
		mods []dhcpv4.Modifier
		want dhcpv4.MessageType
	}{
		{"selecting ours", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptServerIdentifier(ours)), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(mine))}, dhcpv4.MessageTypeAck},
		{"selecting another server", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptServerIdentifier(theirs)), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(mine))}, none},
		{"selecting another address", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptServerIdentifier(ours)), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(other))}, dhcpv4.MessageTypeNak},
		{"rebooted", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(mine))}, dhcpv4.MessageTypeAck},
		{"rebooted elsewhere", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(other))}, dhcpv4.MessageTypeNak},
		{"renewing", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithClientIP(mine)}, dhcpv4.MessageTypeAck},
		{"renewing another's", dhcpv4.MessageTypeRequest, []dhcpv4.Modifier{dhcpv4.WithClientIP(other)}, dhcpv4.MessageTypeNak},
		{"asking for nothing", dhcpv4.MessageTypeRequest, nil, dhcpv4.MessageTypeNak},
		{"inform", dhcpv4.MessageTypeInform, []dhcpv4.Modifier{dhcpv4.WithClientIP(mine)}, dhcpv4.MessageTypeAck},
		{"release", dhcpv4.MessageTypeRelease, []dhcpv4.Modifier{dhcpv4.WithClientIP(mine)}, none},
		{"decline", dhcpv4.MessageTypeDecline, nil, none},
		{"bootp", none, nil, none},
		{"relayed", dhcpv4.MessageTypeDiscover, []dhcpv4.Modifier{dhcpv4.WithGatewayIP(theirs)}, none},
		{"an answer", dhcpv4.MessageTypeDiscover, []dhcpv4.Modifier{func(d *dhcpv4.DHCPv4) { d.OpCode = dhcpv4.OpcodeBootReply }}, none},
	} {
		r, ok := Reply(request(t, c.mt, c.mods...), lease)
		switch {
		case !ok && c.want != none:
			t.Errorf("%s: no answer, want %v", c.name, c.want)
		case ok && r.MessageType() != c.want:
			t.Errorf("%s: got %v, want %v", c.name, r.MessageType(), c.want)
		case ok && c.mt == dhcpv4.MessageTypeInform && (!r.YourIPAddr.IsUnspecified() || r.Options.Has(dhcpv4.OptionIPAddressLeaseTime)):
			t.Errorf("%s: an address or a lease time is told: %v", c.name, r)
		case ok && r.MessageType() == dhcpv4.MessageTypeNak && !r.YourIPAddr.IsUnspecified():
			t.Errorf("%s: a refusal offers %v", c.name, r.YourIPAddr)
		}
	}
}

func TestDestination(t *testing.T) {
	b := dhcpv4.WithBroadcast(true)
	for _, c := range []struct {
		name string
		req  *dhcpv4.DHCPv4
		want string
	}{
		{"new client", request(t, dhcpv4.MessageTypeDiscover), "10.5.0.7:68"},
		{"new client that wants broadcast", request(t, dhcpv4.MessageTypeDiscover, b), "255.255.255.255:68"},
		{"renewing", request(t, dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(net.IPv4(10, 5, 0, 7))), "10.5.0.7:68"},
		{"refused", request(t, dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(net.IPv4(10, 5, 0, 8))), "255.255.255.255:68"},
	} {
		r, ok := Reply(c.req, lease)
		if !ok {
			t.Fatalf("%s: no answer", c.name)
		}
		if got := destination(c.req, r).String(); got != c.want {
			t.Errorf("%s: to %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, mt := range []dhcpv4.MessageType{dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeInform} {
		r, err := dhcpv4.New(dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(mt), dhcpv4.WithRequestedOptions(optionMSRoutes))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.ToBytes())
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		req, resp := answer(b, func(net.HardwareAddr) (Lease, bool) { return lease, true })
		if resp == nil {
			return
		}
		got, err := dhcpv4.FromBytes(resp.ToBytes())
		if err != nil {
			t.Fatalf("the answer does not parse: %v", err)
		}
		if got.TransactionID != req.TransactionID || !bytes.Equal(got.ClientHWAddr, req.ClientHWAddr) {
			t.Fatal("the answer is to another request")
		}
		if !got.YourIPAddr.IsUnspecified() && !got.YourIPAddr.Equal(lease.IP.AsSlice()) {
			t.Fatalf("offered %v", got.YourIPAddr)
		}
		if destination(req, resp) == nil {
			t.Fatal("no destination")
		}
	})
}
