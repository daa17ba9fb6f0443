package dhcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// LookupByMAC finds the lease of the port with the MAC on the network that the
// socket is in. It must not block: requests are answered one after another.
type LookupByMAC func(mac net.HardwareAddr) (Lease, bool)

const (
	clientPort  = 68
	maxDatagram = 4096 // more than any client sends; longer ones are cut and refused
)

// Serve answers requests that come in on conn until ctx ends or conn is closed,
// and then returns nil; any other failure of conn is returned. It closes conn.
// log may be nil.
func Serve(ctx context.Context, conn net.PacketConn, lookup LookupByMAC, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	buf := make([]byte, maxDatagram)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("dhcp: read: %w", err)
		}
		req, resp := answer(buf[:n], lookup)
		if resp == nil {
			continue
		}
		if _, err := conn.WriteTo(resp.ToBytes(), destination(req, resp)); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			// The guest asks again; other guests must not suffer.
			log.Warn("dhcp answer not sent", "mac", req.ClientHWAddr, "type", resp.MessageType(), "error", err)
			continue
		}
		log.Debug("dhcp", "mac", req.ClientHWAddr, "asked", req.MessageType(), "answered", resp.MessageType(), "ip", resp.YourIPAddr)
	}
}

// answer returns the request and its answer, nil if there is none.
func answer(datagram []byte, lookup LookupByMAC) (req, resp *dhcpv4.DHCPv4) {
	req, err := dhcpv4.FromBytes(datagram)
	if err != nil || len(req.ClientHWAddr) != 6 {
		return nil, nil
	}
	l, ok := lookup(req.ClientHWAddr)
	if !ok {
		return nil, nil
	}
	resp, _ = Reply(req, l)
	return req, resp
}

// destination follows RFC 2131, 4.1: a NAK and whoever asks for it by broadcast,
// a client with an address there, a new client at the address it is given (the
// host's leg knows the MAC of each of its ports, so nobody has to be asked).
func destination(req, resp *dhcpv4.DHCPv4) *net.UDPAddr {
	switch {
	case resp.MessageType() == dhcpv4.MessageTypeNak:
	case !zero(req.ClientIPAddr):
		return &net.UDPAddr{IP: req.ClientIPAddr, Port: clientPort}
	case !req.IsBroadcast() && !zero(resp.YourIPAddr):
		return &net.UDPAddr{IP: resp.YourIPAddr, Port: clientPort}
	}
	return &net.UDPAddr{IP: net.IPv4bcast, Port: clientPort}
}
