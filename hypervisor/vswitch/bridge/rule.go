package bridge

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A part is a piece of a rule: a match, a statement or a verdict. Parts use
// register 1 only.
type part []expr.Any

// Ethernet's types.
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
)

func verdict(k expr.VerdictKind, chain string) part {
	return part{&expr.Verdict{Kind: k, Chain: chain}}
}

var (
	accept = verdict(expr.VerdictAccept, "")
	drop   = verdict(expr.VerdictDrop, "")
	back   = verdict(expr.VerdictReturn, "")
)

func jump(chain string) part { return verdict(expr.VerdictJump, chain) }
func goTo(chain string) part { return verdict(expr.VerdictGoto, chain) }

func equal(b []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b} }

func be16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

func load(base expr.PayloadBase, offset, n uint32) expr.Any {
	return &expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: n}
}

// Frames. The type is read from the frame, where a VLAN's tag shows, and not
// from what the kernel took it for.
func etherType(t uint16) part { return part{load(expr.PayloadBaseLLHeader, 12, 2), equal(be16(t))} }

func etherFrom(m net.HardwareAddr) part {
	return part{load(expr.PayloadBaseLLHeader, 6, 6), equal(m)}
}

func etherTo(m net.HardwareAddr) part { return part{load(expr.PayloadBaseLLHeader, 0, 6), equal(m)} }

// etherMulticast matches broadcast too.
func etherMulticast() part {
	return part{load(expr.PayloadBaseLLHeader, 0, 1),
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{1}, Xor: []byte{0}}, equal([]byte{1})}
}

// Addresses of the network header; source and target of ARP are its sender's and
// target's protocol addresses.
type field struct{ offset, size uint32 }

var (
	src4      = field{12, 4}
	dst4      = field{16, 4}
	src6      = field{8, 16}
	dst6      = field{24, 16}
	arpSender = field{14, 4}
	arpTarget = field{24, 4}
)

// in matches a prefix; the caller has matched the type.
func (f field) in(p netip.Prefix) part {
	if p.Bits() == 0 {
		return nil
	}
	out := part{load(expr.PayloadBaseNetworkHeader, f.offset, f.size)}
	return append(out, inPrefix(p)...)
}

func inPrefix(p netip.Prefix) part {
	p = p.Masked()
	var out part
	if !p.IsSingleIP() {
		mask := net.CIDRMask(p.Bits(), p.Addr().BitLen())
		out = append(out, &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(len(mask)), Mask: mask, Xor: make([]byte, len(mask))})
	}
	return append(out, equal(p.Addr().AsSlice()))
}

func (f field) inSet(s *nftables.Set) part {
	return part{load(expr.PayloadBaseNetworkHeader, f.offset, f.size), &expr.Lookup{SourceRegister: 1, SetName: s.Name, SetID: s.ID}}
}

// The ARP header up to the operation, for IPv4 over Ethernet.
func arpOperation(op byte) part {
	return part{load(expr.PayloadBaseNetworkHeader, 0, 8), equal([]byte{0, 1, 8, 0, 6, 4, 0, op})}
}

func arpIPv4() part {
	return part{load(expr.PayloadBaseNetworkHeader, 0, 6), equal([]byte{0, 1, 8, 0, 6, 4})}
}

func arpSenderMAC(m net.HardwareAddr) part {
	return part{load(expr.PayloadBaseNetworkHeader, 8, 6), equal(m)}
}

func l4(proto uint8) part {
	return part{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, equal([]byte{proto})}
}

func ipVersion(v6 bool) part {
	family := byte(unix.NFPROTO_IPV4)
	if v6 {
		family = unix.NFPROTO_IPV6
	}
	return part{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equal([]byte{family})}
}

func transport(offset uint32, b ...byte) part {
	return part{load(expr.PayloadBaseTransportHeader, offset, uint32(len(b))), equal(b)}
}

// udpPorts matches both ports of UDP.
func udpPorts(from, to uint16) part {
	return append(l4(unix.IPPROTO_UDP), transport(0, append(be16(from), be16(to)...)...)...)
}

func dstPorts(lo, hi uint16) part {
	if lo == hi {
		return transport(2, be16(lo)...)
	}
	return part{load(expr.PayloadBaseTransportHeader, 2, 2),
		&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: be16(lo)}, &expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: be16(hi)}}
}

func icmp6(typ uint8) part { return append(l4(unix.IPPROTO_ICMPV6), transport(0, typ)...) }

// Marks hold the sender's number in the upper half and the receiver's in the
// lower one; 0 is none.
func native32(v uint32) []byte { return binaryutil.NativeEndian.PutUint32(v) }

func setMark(v uint32) part {
	return part{&expr.Immediate{Register: 1, Data: native32(v)}, &expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1}}
}

// setReceiver writes the lower half.
func setReceiver(n uint16) part {
	return part{&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: native32(0xffff0000), Xor: native32(uint32(n))},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1}}
}

func markLookup(mask uint32, m *nftables.Set) part {
	return part{&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: native32(mask), Xor: native32(0)},
		&expr.Lookup{SourceRegister: 1, SetName: m.Name, IsDestRegSet: true, DestRegister: 0}}
}

func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

func nameLookup(key expr.MetaKey, m *nftables.Set) part {
	return part{&expr.Meta{Key: key, Register: 1},
		&expr.Lookup{SourceRegister: 1, SetName: m.Name, IsDestRegSet: true, DestRegister: 0}}
}

func isDevice(key expr.MetaKey, name string) part {
	return part{&expr.Meta{Key: key, Register: 1}, equal(ifname(name))}
}

func ctState(bits uint32) part {
	return part{&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: native32(bits), Xor: native32(0)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: native32(0)}}
}

// notSYN matches TCP that does not ask for a connection.
func notSYN() part {
	const fin, syn, rst, ack = 1, 2, 4, 16
	return append(l4(unix.IPPROTO_TCP), load(expr.PayloadBaseTransportHeader, 13, 1),
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{fin | syn | rst | ack}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{syn}})
}
