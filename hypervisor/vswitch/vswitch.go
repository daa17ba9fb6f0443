package vswitch

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// A Switch is one host's virtual switch. Its methods may be called at any time
// from any goroutine; calls that concern one network run one after another.
// They block for kernel work only (milliseconds), never for a peer. ctx is
// looked at before work begins: what has begun is finished.
//
// The caller keeps what it passes in; a Switch keeps no reference to slices of
// its arguments.
type Switch interface {
	// EnsureNetwork makes the network be there as described: its namespace, its
	// bridge, the leg to other hosts (VXLAN, or the physical network), the leg of
	// this host that answers DHCP and metadata, routes to its subnets. Called
	// again it updates MTU, peers and subnets of a network in use without
	// disturbing traffic. The VNI and Physnet of a network never change: if they
	// do, the error wraps ErrConflict.
	EnsureNetwork(ctx context.Context, n Network) error

	// PreparePort makes the port's tap be in the host's namespace, down, ready for
	// a hypervisor to open, and returns its name (at most 15 bytes). To be called
	// before each start of the guest and never while it runs: a tap that is on a
	// bridge is taken off it.
	PreparePort(ctx context.Context, p Port) (tap string, err error)

	// ActivatePort puts the port's tap on the network's bridge and brings it up.
	// To be called after each start of the guest. It wraps ErrNotFound if the
	// network or the tap is not there. No frame passes until EnsureFilters has
	// named the port, before or after.
	ActivatePort(ctx context.Context, p Port) error

	// EnsureFilters puts the filters of all ports of the network on this host in
	// force, replacing those before as a whole: a port that is not named passes
	// nothing. When it returns, connections that the filters no longer allow are
	// cut, and those they still allow have not been disturbed. Ports may be named
	// before they are prepared, but none twice. It wraps ErrNotFound if the network
	// is not there.
	EnsureFilters(ctx context.Context, networkID string, filters []PortFilter) error

	// RemovePort takes the port off the network and deletes its tap. It is no
	// error if it is gone already, or the network is.
	RemovePort(ctx context.Context, networkID, portID string) error

	// RemoveNetwork deletes the network with its ports on this host and closes
	// what is listening in it. It is no error if it is gone already.
	RemoveNetwork(ctx context.Context, networkID string) error

	// List tells what is there, read from the kernel, in order of ids. Prepared
	// ports of a network that is not there are listed under a NetworkState whose
	// Present is false.
	List(ctx context.Context) ([]NetworkState, error)

	// ListenDHCP opens the network's DHCP socket: UDP port 67 of the host's leg,
	// which hears broadcasts and can answer a guest that has no address yet.
	// ReadFrom tells the sender's UDP address; WriteTo a guest's address or
	// 255.255.255.255 reaches the guests of this host only. One may be open per
	// network. It is closed by its owner or by RemoveNetwork, after which reads
	// return net.ErrClosed.
	ListenDHCP(ctx context.Context, networkID string) (net.PacketConn, error)

	// ListenMetadata listens at 169.254.169.254, TCP port 80, for guests of this
	// host on this network. RemoteAddr of a connection is a fixed IP of the guest
	// that made it: a guest cannot borrow another's, whatever its port security
	// and its allowed address pairs. Closed as ListenDHCP's.
	ListenMetadata(ctx context.Context, networkID string) (net.Listener, error)

	// Close gives back what the Switch itself holds (sockets, handles). Networks
	// and ports stay.
	Close() error
}

// Errors that callers tell apart; a Switch wraps them with what it knows.
var (
	// ErrNotFound: the network or port is not on this host.
	ErrNotFound = errors.New("not on this host")
	// ErrConflict: something else has the name, or a network would have to
	// change what can't change.
	ErrConflict = errors.New("conflict")
	// ErrInvalid: an argument that no host could obey.
	ErrInvalid = errors.New("invalid")
	// ErrUnsupported: this host's kernel or configuration lacks what is needed.
	ErrUnsupported = errors.New("not supported by this host")
)

// Network describes a network as one host needs to know it.
type Network struct {
	// ID is the network's id in the cloud (a UUID): letters, digits and dashes,
	// at most 64.
	ID string
	// VNI is the VXLAN network identifier of a tenant network, 1 to 2^24-1, unique
	// among a cloud's networks. Ignored when Physnet is set. 0 in a tenant network:
	// it lives on this host only.
	VNI int
	// MTU of the network as guests see it, in bytes; 0 means 1500 for a provider
	// network and 1450 for a tenant network.
	MTU int
	// Physnet names the physical network of a flat provider network, as the host's
	// configuration maps it to a bridge. Empty: a tenant network.
	Physnet string
	// Peers are the tunnel addresses (VTEPs) of the other hosts that have ports in
	// a tenant network. This host's own address among them is ignored.
	Peers []netip.Addr
	// Subnets of the network.
	Subnets []Subnet
}

// Subnet is a range of addresses of a network.
type Subnet struct {
	ID      string
	CIDR    netip.Prefix
	Gateway netip.Addr // the zero Addr if none
	// ServeGateway asks the host's leg to answer at the gateway's address (ARP,
	// ICMP echo, metadata for guests that know no route but the default one).
	// Right for a tenant network whose gateway address is no port's; the leg does
	// not route. Ignored in provider networks, whose gateway is out there.
	ServeGateway bool
	// DHCP tells that the agent answers DHCP for this subnet: guests' requests
	// then stay on the host, other servers' are not asked.
	DHCP bool
}

// Port names a port and what its tap needs.
type Port struct {
	ID        string // as Network.ID
	NetworkID string
	MAC       string // of the guest, "fa:16:3e:…"
	MTU       int    // bytes; 0: as the network's default
}

// PortFilter is what a port of this host may send and receive.
type PortFilter struct {
	Port
	// AdminUp false: nothing, in neither direction.
	AdminUp bool
	// PortSecurity false: anything, except another's metadata and the host's own
	// addresses. FixedIPs matter still, AllowedPairs and Rules do not.
	PortSecurity bool
	// FixedIPs are the port's own addresses: with MAC the only source it may use,
	// in IPv4, IPv6 and ARP. The link-local IPv6 address made of the MAC
	// (RFC 4291, EUI-64) is always its own too.
	FixedIPs []netip.Addr
	// AllowedPairs are more sources it may use.
	AllowedPairs []Pair
	// Rules allow; what none allows is refused in both directions, save for
	// answers to what was allowed and what a guest can't live without (ARP, IPv6
	// neighbour discovery, asking for an address).
	Rules []Rule
}

// Pair is an allowed address pair.
type Pair struct {
	MAC    string // empty: the port's
	Prefix netip.Prefix
}

// Direction is a rule's, seen from the guest.
type Direction uint8

// The directions. The zero Direction is none: such a rule is refused.
const (
	Ingress Direction = iota + 1
	Egress
)

// IP protocol numbers (IANA) that rules treat specially.
const (
	ProtoICMP    = 1
	ProtoTCP     = 6
	ProtoUDP     = 17
	ProtoDCCP    = 33
	ProtoICMPv6  = 58
	ProtoSCTP    = 132
	ProtoUDPLite = 136
)

// Rule allows flows that begin in its direction. The zero value matches
// nothing.
type Rule struct {
	Direction Direction
	IPv6      bool  // the ethertype: IPv6, or IPv4
	Protocol  uint8 // IANA number; 0 any. ProtoICMP with IPv6 means ProtoICMPv6
	// PortMin to PortMax are the destination's ports, inclusive, for the protocols
	// that have ports; both 0: any. PortMax 0 means PortMin.
	PortMin, PortMax uint16
	// ICMPType and ICMPCode, for ICMP and ICMPv6; nil: any.
	ICMPType, ICMPCode *uint8
	// Remote are the other side's addresses, with remote groups already resolved
	// to their members'. Any address is AnyIPv4 or AnyIPv6. An empty Remote
	// matches NOTHING: it is a group without members. Prefixes of the other
	// family are ignored.
	Remote []netip.Prefix
}

// The prefixes of all addresses.
var (
	AnyIPv4 = netip.MustParsePrefix("0.0.0.0/0")
	AnyIPv6 = netip.MustParsePrefix("::/0")
)

// MetadataAddr is where guests find their metadata, and the address of the
// host's leg in every network: it is the DHCP server's as well.
var MetadataAddr = netip.MustParseAddr("169.254.169.254")

// NetworkState is a network found on the host.
type NetworkState struct {
	ID      string
	Present bool        // false: only prepared ports of it are there
	Ports   []PortState // in order of ids
}

// PortState is a port found on the host.
type PortState struct {
	ID     string
	Tap    string
	Active bool // on the bridge; else prepared in the host's namespace
	// Filtered tells that the filters in force name the port.
	Filtered bool
}
