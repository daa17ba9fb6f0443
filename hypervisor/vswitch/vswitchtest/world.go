package vswitchtest

import (
	"net"
	"net/netip"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// A World is some hosts on one underlay. It is gone after the test.
type World interface {
	// Hosts returns the hosts; two if the backend has tenant networks that reach
	// from one to another.
	Hosts() []Host
	// Send sends one packet from a port of a host to another port's MAC and tells
	// whether it arrived there. Both ports' taps have been opened by Start.
	Send(t *testing.T, from, to End, p Packet) bool
}

// An End is a port on a host.
type End struct {
	Host Host
	Port vswitch.Port
}

// Host is one host of a World.
type Host interface {
	vswitch.Switch
	// Restart puts a new Switch in the place of the Host's, as an agent that
	// starts again has one. False if the backend does not outlive it.
	Restart(t *testing.T) bool
	// Peer is the host's tunnel address; the zero Addr if it has none.
	Peer() netip.Addr
	// Start does what a hypervisor does when it starts the port's guest: opens the
	// tap.
	Start(t *testing.T, p vswitch.Port, tap string)
	// ExchangeDHCP sends a datagram from port 68 of from to port 67 of everybody,
	// from the port's guest, and returns the answer; false if there is none for a
	// while.
	ExchangeDHCP(t *testing.T, p vswitch.Port, from netip.Addr, payload []byte) ([]byte, bool)
	// DialMetadata connects the port's guest, at one of its addresses, to
	// 169.254.169.254, port 80.
	DialMetadata(t *testing.T, p vswitch.Port, from netip.Addr) (net.Conn, error)
}

// Step is a packet's place in a connection.
type Step int

// The steps: the first packet; the other side's answer; what follows, from the
// one that began and from the other.
const (
	Begins Step = iota
	Answers
	Continues
	AnswersOn
)

// Packet is one packet of a connection, sent from SrcMAC. Flow is its own, so an
// answer's has the ends exchanged.
type Packet struct {
	SrcMAC string
	Flow   vswitch.Flow
	Step   Step
}
