package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// vxlanPort is IANA's (RFC 7348).
const vxlanPort = 4789

// ensureWire makes the network's leg to other hosts, if it has one.
func (s *Switch) ensureWire(ns *netNS, n vswitch.Network) error {
	wire, err := linkByName(ns.nl, wireName)
	if err != nil {
		return fmt.Errorf("leg to other hosts: %w", err)
	}
	switch {
	case n.Physnet != "":
		return s.ensureUplink(ns, n, wire)
	case n.VNI == 0 || !s.opts.TunnelAddress.IsValid():
		return nil
	}
	if vx, ok := wire.(*netlink.Vxlan); ok && !vx.SrcAddr.Equal(s.opts.TunnelAddress.AsSlice()) { // the host's address changed
		if err := deleteLink(ns.nl, wire); err != nil {
			return err
		}
		wire = nil
	}
	if wire == nil {
		// Asked for in the host's namespace and made in the network's, the device
		// sends and receives its packets in the host's.
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU, attrs.Namespace = wireName, n.DefaultMTU(), netlink.NsFd(ns.fd)
		err := s.hostNL.LinkAdd(&netlink.Vxlan{LinkAttrs: attrs, VxlanId: n.VNI, SrcAddr: s.opts.TunnelAddress.AsSlice(),
			Port: vxlanPort, Learning: true})
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("VNI %d is in use on this host: %w", n.VNI, vswitch.ErrConflict)
		}
		if err != nil {
			return fmt.Errorf("make VXLAN device: %w", err)
		}
	}
	if wire, err = plug(ns, wireName, n.DefaultMTU()); err != nil {
		return err
	}
	return ensurePeers(ns, wire, slices.DeleteFunc(slices.Clone(n.Peers), func(a netip.Addr) bool {
		return !a.IsValid() || a.Unmap() == s.opts.TunnelAddress.Unmap()
	}))
}

// findUplink returns the uplink's end in the host's namespace, nil if it is to be
// made.
func (s *Switch) findUplink(n vswitch.Network, wire netlink.Link) (netlink.Link, error) {
	name := uplinkName(n.ID)
	outer, err := linkByName(s.hostNL, name)
	if err != nil || outer == nil {
		return nil, err
	}
	m, ours := parseMark(outer.Attrs().Alias)
	// A crash may have come between making and marking.
	unmarked := outer.Attrs().Alias == "" && wire != nil && wire.Attrs().ParentIndex == outer.Attrs().Index
	if outer.Type() != "veth" || !unmarked && (!ours || m.network != n.ID) {
		return nil, fmt.Errorf("the device %s of the host is not this network's: %w", name, vswitch.ErrConflict)
	}
	if wire != nil {
		return outer, nil
	}
	return nil, deleteLink(s.hostNL, outer) // its other end went with a namespace
}

// ensureUplink joins the network with the physical network's bridge.
func (s *Switch) ensureUplink(ns *netNS, n vswitch.Network, wire netlink.Link) error {
	name := uplinkName(n.ID)
	outer, err := s.findUplink(n, wire)
	if err != nil {
		return fmt.Errorf("uplink: %w", err)
	}
	if outer == nil {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = name, n.DefaultMTU()
		if err := s.hostNL.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: wireName, PeerNamespace: netlink.NsFd(ns.fd)}); err != nil {
			return fmt.Errorf("make uplink: %w", err)
		}
		if outer, err = s.hostNL.LinkByName(name); err != nil {
			return fmt.Errorf("make uplink: %w", err)
		}
	}
	if err := s.hostNL.LinkSetAlias(outer, mark{network: n.ID, physnet: n.Physnet}.String()); err != nil {
		return fmt.Errorf("mark uplink: %w", err)
	}
	if err := setMTU(s.hostNL, outer, n.DefaultMTU()); err != nil {
		return err
	}
	if _, err := plug(ns, wireName, n.DefaultMTU()); err != nil {
		return err
	}
	phys, err := s.hostNL.LinkByName(s.opts.Physnets[n.Physnet])
	if err != nil {
		return fmt.Errorf("bridge of physical network %q: %w", n.Physnet, err)
	}
	if outer.Attrs().MasterIndex != phys.Attrs().Index {
		if err := s.hostNL.LinkSetMaster(outer, phys); err != nil {
			return fmt.Errorf("put uplink on %s: %w", phys.Attrs().Name, err)
		}
	}
	if err := s.hostNL.LinkSetUp(outer); err != nil {
		return fmt.Errorf("bring uplink up: %w", err)
	}
	return nil
}

// plug puts a device of the namespace on the bridge and brings it up.
func plug(ns *netNS, name string, mtu int) (netlink.Link, error) {
	l, err := ns.nl.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", name, err)
	}
	if err := setMTU(ns.nl, l, mtu); err != nil {
		return nil, err
	}
	if l.Attrs().MasterIndex != ns.bridge.Attrs().Index {
		if err := ns.nl.LinkSetMaster(l, ns.bridge); err != nil {
			return nil, fmt.Errorf("put %s on the bridge: %w", name, err)
		}
	}
	if l.Attrs().Flags&net.FlagUp == 0 {
		if err := ns.nl.LinkSetUp(l); err != nil {
			return nil, fmt.Errorf("bring %s up: %w", name, err)
		}
	}
	return l, nil
}

// ensurePeers makes broadcasts and unknown destinations go to exactly the peers
// (head-end replication). Known destinations are learnt from traffic.
func ensurePeers(ns *netNS, wire netlink.Link, peers []netip.Addr) error {
	have, err := dump(func() ([]netlink.Neigh, error) { return ns.nl.NeighList(wire.Attrs().Index, unix.AF_BRIDGE) })
	if err != nil {
		return fmt.Errorf("list peers: %w", err)
	}
	all := make(net.HardwareAddr, 6)
	entry := func(a netip.Addr) *netlink.Neigh {
		return &netlink.Neigh{LinkIndex: wire.Attrs().Index, Family: unix.AF_BRIDGE, Flags: netlink.NTF_SELF,
			State: netlink.NUD_PERMANENT | netlink.NUD_NOARP, IP: a.AsSlice(), HardwareAddr: all}
	}
	there := map[netip.Addr]bool{}
	for _, h := range have {
		a, ok := netip.AddrFromSlice(h.IP)
		if !ok || slices.ContainsFunc(h.HardwareAddr, func(b byte) bool { return b != 0 }) {
			continue
		}
		a = a.Unmap()
		if there[a] = slices.ContainsFunc(peers, func(p netip.Addr) bool { return p.Unmap() == a }); !there[a] {
			if err := ns.nl.NeighDel(entry(a)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("forget peer %s: %w", a, err)
			}
		}
	}
	for _, p := range peers {
		if p = p.Unmap(); !there[p] {
			there[p] = true
			if err := ns.nl.NeighAppend(entry(p)); err != nil {
				return fmt.Errorf("add peer %s: %w", p, err)
			}
		}
	}
	return nil
}
