package dhcp

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/insomniacslk/dhcp/rfc1035label"
)

// ServerID is the server's address in every network: that of the host's leg,
// where metadata is answered too.
var ServerID = netip.MustParseAddr("169.254.169.254")

// DefaultLeaseTime is a Lease's when it does not say; Neutron's own default.
const DefaultLeaseTime = 24 * time.Hour

// Lease is what a guest's network card is told.
type Lease struct {
	IP     netip.Addr   // the port's IPv4 address
	Subnet netip.Prefix // it is in
	// Gateway becomes the default route; the zero Addr for none.
	Gateway netip.Addr
	// MetadataVia is the router for 169.254.169.254/32; the zero Addr: on-link,
	// written as 0.0.0.0 (RFC 3442). The gateway is the better choice where this
	// host answers for it, since a few clients know no on-link routes.
	MetadataVia netip.Addr
	// Routes of the subnet, besides those two.
	Routes   []Route
	DNS      []netip.Addr // IPv6 servers among them are left out
	MTU      int          // bytes; 0: not told
	Hostname string       // without domain; empty: not told
	Domain   string       // empty: not told
	// Time the lease lasts; 0 means DefaultLeaseTime.
	Time time.Duration
}

// Route is a host route of a subnet.
type Route struct {
	Dest netip.Prefix
	Via  netip.Addr
}

// Microsoft's private number for classless routes, which old clients ask for.
const optionMSRoutes = dhcpv4.GenericOptionCode(249)

// Reply returns the answer to a request of a guest with the lease, and whether
// there is one. It is pure and keeps nothing of req.
func Reply(req *dhcpv4.DHCPv4, l Lease) (*dhcpv4.DHCPv4, bool) {
	if req == nil || req.OpCode != dhcpv4.OpcodeBootRequest || !l.IP.Is4() || !l.Subnet.IsValid() ||
		req.HWType != iana.HWTypeEthernet || len(req.ClientHWAddr) != 6 || !zero(req.GatewayIPAddr) {
		return nil, false
	}
	switch req.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return build(req, l, dhcpv4.MessageTypeOffer), true
	case dhcpv4.MessageTypeRequest:
		return replyRequest(req, l)
	case dhcpv4.MessageTypeInform:
		r := build(req, l, dhcpv4.MessageTypeAck)
		// RFC 2131, 4.3.5: no address and no lease time; it has its own.
		r.YourIPAddr = net.IPv4zero
		for _, o := range []dhcpv4.OptionCode{dhcpv4.OptionIPAddressLeaseTime, dhcpv4.OptionRenewTimeValue, dhcpv4.OptionRebindingTimeValue} {
			r.Options.Del(o)
		}
		return r, true
	default: // DECLINE and RELEASE change nothing: the address is the port's
		return nil, false
	}
}

// replyRequest tells the states of RFC 2131, 4.3.2 apart.
func replyRequest(req *dhcpv4.DHCPv4, l Lease) (*dhcpv4.DHCPv4, bool) {
	server, wanted := req.ServerIdentifier(), req.RequestedIPAddress()
	switch {
	case server != nil: // SELECTING
		if !same(server, ServerID) {
			return nil, false
		}
	case zero(wanted): // RENEWING, REBINDING
		wanted = req.ClientIPAddr
	}
	if !same(wanted, l.IP) {
		return nak(req), true
	}
	return build(req, l, dhcpv4.MessageTypeAck), true
}

func nak(req *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	r := header(req, dhcpv4.MessageTypeNak)
	r.ClientIPAddr = net.IPv4zero
	r.UpdateOption(dhcpv4.OptMessage("not this port's address"))
	return r
}

// header is what every answer has. The client identifier is given back as
// RFC 6842 wants it.
func header(req *dhcpv4.DHCPv4, t dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: req.HWType, TransactionID: req.TransactionID, Flags: req.Flags,
		ClientHWAddr: append(net.HardwareAddr(nil), req.ClientHWAddr...),
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero, GatewayIPAddr: net.IPv4zero,
		Options: dhcpv4.Options{},
	}
	if req.ClientIPAddr != nil {
		r.ClientIPAddr = append(net.IP(nil), req.ClientIPAddr...)
	}
	r.UpdateOption(dhcpv4.OptMessageType(t))
	r.UpdateOption(dhcpv4.OptServerIdentifier(ServerID.AsSlice()))
	if id := req.Options.Get(dhcpv4.OptionClientIdentifier); len(id) > 0 {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientIdentifier, append([]byte(nil), id...)))
	}
	return r
}

func build(req *dhcpv4.DHCPv4, l Lease, t dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r := header(req, t)
	r.YourIPAddr = l.IP.AsSlice()
	if t == dhcpv4.MessageTypeOffer {
		r.ClientIPAddr = net.IPv4zero
	}
	r.ServerIPAddr = ServerID.AsSlice()
	lease := l.Time
	if lease <= 0 {
		lease = DefaultLeaseTime
	}
	r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(lease))
	r.UpdateOption(dhcpv4.OptRenewTimeValue(lease / 2))
	r.UpdateOption(dhcpv4.OptRebindingTimeValue(lease * 7 / 8))
	r.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(l.Subnet.Bits(), 32)))
	if l.Subnet.Bits() < 31 {
		r.UpdateOption(dhcpv4.OptBroadcastAddress(broadcast(l.Subnet)))
	}
	if l.Gateway.Is4() {
		r.UpdateOption(dhcpv4.OptRouter(l.Gateway.AsSlice()))
	}
	if dns := servers(l.DNS); len(dns) > 0 {
		r.UpdateOption(dhcpv4.OptDNS(dns...))
	}
	if l.MTU > 0 && l.MTU <= 65535 {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionInterfaceMTU, []byte{byte(l.MTU >> 8), byte(l.MTU)}))
	}
	if l.Hostname != "" {
		r.UpdateOption(dhcpv4.OptHostName(l.Hostname))
	}
	if l.Domain != "" {
		r.UpdateOption(dhcpv4.OptDomainName(l.Domain))
		r.UpdateOption(dhcpv4.OptDomainSearch(&rfc1035label.Labels{Labels: []string{l.Domain}}))
	}
	routes := l.routes()
	r.UpdateOption(dhcpv4.OptClasslessStaticRoute(routes...))
	if req.IsOptionRequested(optionMSRoutes) {
		r.UpdateOption(dhcpv4.OptGeneric(optionMSRoutes, dhcpv4.Routes(routes).ToBytes()))
	}
	return r
}

// routes for option 121. A client that takes it must ignore the router option
// (RFC 3442), so the default route is in it.
func (l Lease) routes() []*dhcpv4.Route {
	via := l.MetadataVia
	if !via.Is4() {
		via = netip.IPv4Unspecified()
	}
	out := []*dhcpv4.Route{route(netip.PrefixFrom(ServerID, 32), via)}
	for _, r := range l.Routes {
		if r.Dest.IsValid() && r.Dest.Addr().Is4() && r.Via.Is4() {
			out = append(out, route(r.Dest.Masked(), r.Via))
		}
	}
	if l.Gateway.Is4() {
		out = append(out, route(netip.PrefixFrom(netip.IPv4Unspecified(), 0), l.Gateway))
	}
	return out
}

func route(dest netip.Prefix, via netip.Addr) *dhcpv4.Route {
	return &dhcpv4.Route{
		Dest:   &net.IPNet{IP: dest.Addr().AsSlice(), Mask: net.CIDRMask(dest.Bits(), 32)},
		Router: via.AsSlice(),
	}
}

func servers(addrs []netip.Addr) []net.IP {
	var out []net.IP
	for _, a := range addrs {
		if a.Is4() {
			out = append(out, a.AsSlice())
		}
	}
	return out
}

func broadcast(p netip.Prefix) net.IP {
	b := p.Masked().Addr().As4()
	for i, m := range net.CIDRMask(p.Bits(), 32) {
		b[i] |= ^m
	}
	return b[:]
}

func zero(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }

func same(ip net.IP, a netip.Addr) bool {
	got, ok := netip.AddrFromSlice(ip)
	return ok && got.Unmap() == a
}
