package bridge

import (
	"bytes"
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

// ensureLeg gives the bridge the leg's addresses, and routes to the subnets.
func ensureLeg(ns *netNS, n vswitch.Network, leg []netip.Addr) error {
	v6 := "1"
	if slices.ContainsFunc(leg, netip.Addr.Is6) {
		v6 = "0"
	}
	err := inside(ns.fd, func() error {
		if err := sysctl("ipv6/conf/"+bridgeName+"/addr_gen_mode", "1"); err != nil { // no link-local address
			return err
		}
		return sysctl("ipv6/conf/"+bridgeName+"/disable_ipv6", v6)
	})
	if err != nil && !(v6 == "1" && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	if err := ensureAddrs(ns, leg); err != nil {
		return err
	}
	return ensureRoutes(ns, n, v6 == "0")
}

func ensureAddrs(ns *netNS, want []netip.Addr) error {
	have, err := dump(func() ([]netlink.Addr, error) { return ns.nl.AddrList(ns.bridge, netlink.FAMILY_ALL) })
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	there := map[netip.Addr]bool{}
	for _, h := range have {
		a, _ := netip.AddrFromSlice(h.IP)
		if a = a.Unmap(); slices.Contains(want, a) {
			there[a] = true
		} else if err := ns.nl.AddrDel(ns.bridge, &h); err != nil {
			return fmt.Errorf("remove address %s: %w", a, err)
		}
	}
	for _, a := range want {
		if there[a] {
			continue
		}
		there[a] = true
		addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, a.BitLen()))}
		if a.Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := ns.nl.AddrAdd(ns.bridge, addr); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	return nil
}

// ensureRoutes: answers to guests leave from the metadata address, which is the
// DHCP server's too.
func ensureRoutes(ns *netNS, n vswitch.Network, v6 bool) error {
	filter := &netlink.Route{LinkIndex: ns.bridge.Attrs().Index, Protocol: unix.RTPROT_STATIC}
	have, err := dump(func() ([]netlink.Route, error) {
		return ns.nl.RouteListFiltered(netlink.FAMILY_ALL, filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_PROTOCOL)
	})
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	var want []netip.Prefix
	for _, sub := range n.Subnets {
		if p := sub.CIDR.Masked(); (p.Addr().Is4() || v6) && !slices.Contains(want, p) {
			want = append(want, p)
		}
	}
	there := map[netip.Prefix]bool{}
	for _, r := range have {
		p := prefixOf(r.Dst)
		if slices.Contains(want, p) {
			there[p] = true
		} else if err := ns.nl.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("remove route to %s: %w", p, err)
		}
	}
	for _, p := range want {
		if there[p] {
			continue
		}
		r := &netlink.Route{LinkIndex: ns.bridge.Attrs().Index, Dst: ipNet(p), Scope: netlink.SCOPE_LINK, Protocol: unix.RTPROT_STATIC}
		if p.Addr().Is4() {
			r.Src = vswitch.MetadataAddr.AsSlice()
		}
		if err := ns.nl.RouteReplace(r); err != nil {
			return fmt.Errorf("add route to %s: %w", p, err)
		}
	}
	return nil
}

// ensureNeighbours tells the leg the MAC of each port's IPv4 addresses, so that
// a guest is answered that has no address yet, and none can claim another's.
func ensureNeighbours(ns *netNS, filters []vswitch.PortFilter) error {
	want := map[netip.Addr]net.HardwareAddr{}
	for _, f := range filters {
		mac, err := vswitch.ParseMAC(f.MAC)
		if err != nil {
			return err
		}
		for _, a := range f.FixedIPs {
			if a = a.Unmap(); a.Is4() {
				want[a] = mac
			}
		}
	}
	index := ns.bridge.Attrs().Index
	have, err := dump(func() ([]netlink.Neigh, error) { return ns.nl.NeighList(index, unix.AF_INET) })
	if err != nil {
		return fmt.Errorf("list neighbours: %w", err)
	}
	for _, h := range have {
		a, _ := netip.AddrFromSlice(h.IP)
		a = a.Unmap()
		switch mac, wanted := want[a]; {
		case h.State&netlink.NUD_PERMANENT == 0:
		case wanted && bytes.Equal(mac, h.HardwareAddr):
			delete(want, a)
		case !wanted:
			if err := ns.nl.NeighDel(&h); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("forget neighbour %s: %w", a, err)
			}
		}
	}
	for a, mac := range want {
		n := &netlink.Neigh{LinkIndex: index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: a.AsSlice(), HardwareAddr: mac}
		if err := ns.nl.NeighSet(n); err != nil {
			return fmt.Errorf("set neighbour %s: %w", a, err)
		}
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// prefixOf returns the zero Prefix for nil.
func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	a, _ := netip.AddrFromSlice(n.IP)
	ones, bits := n.Mask.Size()
	if bits == 32 {
		a = a.Unmap()
	}
	return netip.PrefixFrom(a, ones)
}
