package vswitchtest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// idents tells packets apart that are otherwise equal.
var idents atomic.Uint32

// Frame renders the packet for Ethernet, to a MAC. Each call's differs.
func (p Packet) Frame(dst net.HardwareAddr) []byte {
	src, err := net.ParseMAC(p.SrcMAC)
	if err != nil {
		panic("vswitchtest: " + err.Error())
	}
	etherType := uint16(0x0800)
	if p.Flow.Dst.Is6() {
		etherType = 0x86dd
	}
	return Ethernet(dst, src, etherType, IP(p.Flow.Src, p.Flow.Dst, p.Flow.Protocol, p.payload()))
}

// Ethernet renders a frame.
func Ethernet(dst, src net.HardwareAddr, etherType uint16, payload []byte) []byte {
	b := append(append([]byte{}, dst...), src...)
	return append(binary.BigEndian.AppendUint16(b, etherType), payload...)
}

// payload is the transport's part, without its checksum.
func (p Packet) payload() []byte {
	ports := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, p.Flow.SrcPort), p.Flow.DstPort)
	switch p.Flow.Protocol {
	case vswitch.ProtoTCP:
		// What the two sides sent before decides numbers and flags.
		step := [...]struct {
			seq, ack uint32
			flags    byte
		}{{1000, 0, 2}, {5000, 1001, 18}, {1001, 5001, 16}, {5001, 1001, 16}}[p.Step]
		b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(ports, step.seq), step.ack)
		return append(b, 5<<4, step.flags, 0xff, 0xff, 0, 0, 0, 0)
	case vswitch.ProtoUDP:
		return append(ports, 0, 12, 0, 0, 't', 'e', 's', 't')
	case vswitch.ProtoICMP, vswitch.ProtoICMPv6:
		var typ, code byte
		if p.Flow.ICMPType != nil {
			typ = *p.Flow.ICMPType
		}
		if p.Flow.ICMPCode != nil {
			code = *p.Flow.ICMPCode
		}
		return []byte{typ, code, 0, 0, 0x12, 0x34, 0, 1, 't', 'e', 's', 't'}
	}
	return append(ports, "test"...)
}

// checksumAt is where a transport keeps its checksum.
var checksumAt = map[uint8]int{vswitch.ProtoTCP: 16, vswitch.ProtoUDP: 6, vswitch.ProtoICMP: 2, vswitch.ProtoICMPv6: 2}

// IP renders a packet around a transport's payload, whose checksum it fills in.
func IP(src, dst netip.Addr, proto uint8, payload []byte) []byte {
	payload = append([]byte{}, payload...)
	if at, ok := checksumAt[proto]; ok {
		var pseudo []byte
		if proto != vswitch.ProtoICMP {
			pseudo = append(append(pseudo, src.AsSlice()...), dst.AsSlice()...)
			pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(payload)))
			pseudo = append(pseudo, 0, 0, 0, proto)
		}
		binary.BigEndian.PutUint16(payload[at:], checksum(append(pseudo, payload...)))
	}
	id := idents.Add(1)
	if dst.Is6() {
		b := binary.BigEndian.AppendUint32(nil, 6<<28|id&0xfffff)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
		b = append(b, proto, 255)
		return append(append(append(b, src.AsSlice()...), dst.AsSlice()...), payload...)
	}
	b := binary.BigEndian.AppendUint16([]byte{0x45, 0}, uint16(20+len(payload)))
	b = binary.BigEndian.AppendUint16(b, uint16(id))
	b = append(b, 0, 0, 64, proto, 0, 0)
	b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return append(b, payload...)
}

// checksum is the Internet's (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
