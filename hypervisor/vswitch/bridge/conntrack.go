package bridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	nlconn "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// Attributes and messages of linux/netfilter/nfnetlink_conntrack.h. We read
// entries ourselves because vishvananda/netlink does not tell ICMP's type, which
// rules ask for.
const (
	ctGet    = unix.NFNL_SUBSYS_CTNETLINK<<8 | 1
	ctDelete = unix.NFNL_SUBSYS_CTNETLINK<<8 | 2

	ctaTupleOrig, ctaID = 1, 12

	ctaTupleIP, ctaTupleProto                              = 1, 2
	ctaSrc4, ctaDst4, ctaSrc6, ctaDst6                     = 1, 2, 3, 4
	ctaProtoNum, ctaSrcPort, ctaDstPort                    = 1, 2, 3
	ctaICMPType, ctaICMPCode, ctaICMPv6Type, ctaICMPv6Code = 5, 6, 8, 9
)

// An entry is a connection that conntrack knows, and what names it to delete it.
type entry struct {
	flow   vswitch.Flow
	family uint8
	tuple  []byte
	id     []byte
}

// cutRefused deletes the entries of connections that could not begin now. What
// is the host's leg's is judged by the bridge's chains alone.
func cutRefused(ns *netNS, filters []vswitch.PortFilter) error {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER, &nlconn.Config{NetNS: int(ns.fd)})
	if err != nil {
		return err
	}
	defer c.Close()
	leg, err := dump(func() ([]netlink.Addr, error) { return ns.nl.AddrList(ns.bridge, netlink.FAMILY_ALL) })
	if err != nil {
		return err
	}
	isLeg := func(a netip.Addr) bool {
		return slices.ContainsFunc(leg, func(l netlink.Addr) bool { return l.IP.Equal(a.AsSlice()) })
	}
	policy := vswitch.NewPolicy(filters)
	entries, err := connections(c)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isLeg(e.flow.Src) || isLeg(e.flow.Dst) || policy.Allows(e.flow) {
			continue
		}
		if err := e.delete(c); err != nil {
			return fmt.Errorf("%s → %s: %w", e.flow.Src, e.flow.Dst, err)
		}
	}
	return nil
}

func header(family uint8) []byte { return []byte{family, unix.NFNETLINK_V0, 0, 0} }

// connections lists those of all families at once: the kernel looks through the
// table of all namespaces each time, which takes it longer than all else here.
func connections(c *nlconn.Conn) ([]entry, error) {
	msgs, err := c.Execute(nlconn.Message{
		Header: nlconn.Header{Type: ctGet, Flags: nlconn.Request | nlconn.Dump},
		Data:   header(unix.AF_UNSPEC),
	})
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, m := range msgs {
		if len(m.Data) < 4 {
			continue
		}
		e := entry{family: m.Data[0]}
		attrs, err := nlconn.UnmarshalAttributes(m.Data[4:])
		if err != nil {
			return nil, err
		}
		for _, a := range attrs {
			switch a.Type &^ unix.NLA_F_NESTED {
			case ctaTupleOrig:
				e.tuple = a.Data
			case ctaID:
				e.id = a.Data
			}
		}
		if e.tuple == nil {
			continue
		}
		if e.flow, err = parseTuple(e.tuple); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// delete is no error if the connection has ended.
func (e entry) delete(c *nlconn.Conn) error {
	attrs := []nlconn.Attribute{{Type: ctaTupleOrig | unix.NLA_F_NESTED, Data: e.tuple}}
	if e.id != nil {
		attrs = append(attrs, nlconn.Attribute{Type: ctaID, Data: e.id})
	}
	b, err := nlconn.MarshalAttributes(attrs)
	if err != nil {
		return err
	}
	_, err = c.Execute(nlconn.Message{
		Header: nlconn.Header{Type: ctDelete, Flags: nlconn.Request | nlconn.Acknowledge},
		Data:   append(header(e.family), b...),
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func parseTuple(b []byte) (vswitch.Flow, error) {
	var f vswitch.Flow
	ad, err := nlconn.NewAttributeDecoder(b)
	if err != nil {
		return f, err
	}
	ad.ByteOrder = binary.BigEndian
	for ad.Next() {
		switch ad.Type() {
		case ctaTupleIP:
			ad.Nested(func(ip *nlconn.AttributeDecoder) error {
				for ip.Next() {
					a, _ := netip.AddrFromSlice(ip.Bytes())
					switch ip.Type() {
					case ctaSrc4, ctaSrc6:
						f.Src = a
					case ctaDst4, ctaDst6:
						f.Dst = a
					}
				}
				return nil
			})
		case ctaTupleProto:
			ad.Nested(func(p *nlconn.AttributeDecoder) error {
				parseProto(p, &f)
				return nil
			})
		}
	}
	return f, ad.Err()
}

func parseProto(p *nlconn.AttributeDecoder, f *vswitch.Flow) {
	for p.Next() {
		switch p.Type() {
		case ctaProtoNum:
			f.Protocol = p.Uint8()
		case ctaSrcPort:
			f.SrcPort = p.Uint16()
		case ctaDstPort:
			f.DstPort = p.Uint16()
		case ctaICMPType, ctaICMPv6Type:
			f.ICMPType = new(p.Uint8())
		case ctaICMPCode, ctaICMPv6Code:
			f.ICMPCode = new(p.Uint8())
		}
	}
}
