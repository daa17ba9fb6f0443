package bridge

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// legMAC is the host's leg's, the same on every host: a guest that moves keeps
// its gateway and its metadata service.
var legMAC = net.HardwareAddr{0x02, 0, 0, 0, 0, 0xfe}

const minMTU = 68 // IPv4's

// EnsureNetwork implements vswitch.Switch.
func (s *Switch) EnsureNetwork(ctx context.Context, n vswitch.Network) error {
	end, err := s.begin(ctx, n.ID, n.Check())
	if err != nil {
		return err
	}
	defer end()
	if n.Physnet != "" {
		n.VNI = 0
	}
	if err := s.canHave(n); err != nil {
		return err
	}
	ns, err := s.openNetwork(n.ID)
	if errors.Is(err, vswitch.ErrNotFound) {
		ns, err = createNS(s.nsName(n.ID), func(ns *netNS) error { return furnish(ns, n) })
	}
	if err != nil {
		return fmt.Errorf("network %s: %w", n.ID, err)
	}
	defer ns.Close()
	if ns.mark.vni != n.VNI || ns.mark.physnet != n.Physnet {
		return fmt.Errorf("network %s: VNI %d, physical network %q can't become %d, %q: %w",
			n.ID, ns.mark.vni, ns.mark.physnet, n.VNI, n.Physnet, vswitch.ErrConflict)
	}
	if err := s.shape(ns, n); err != nil {
		return fmt.Errorf("network %s: %w", n.ID, err)
	}
	return nil
}

// canHave refuses what this host's configuration does not allow.
func (s *Switch) canHave(n vswitch.Network) error {
	if n.Physnet == "" {
		for _, p := range n.Peers {
			if n.VNI != 0 && !s.opts.TunnelAddress.IsValid() {
				return fmt.Errorf("network %s has the peer %s, but this host has no tunnel address: %w", n.ID, p, vswitch.ErrUnsupported)
			}
		}
		return nil
	}
	name, ok := s.opts.Physnets[n.Physnet]
	if !ok {
		return fmt.Errorf("network %s: this host maps no bridge to the physical network %q: %w", n.ID, n.Physnet, vswitch.ErrUnsupported)
	}
	l, err := linkByName(s.hostNL, name)
	if err != nil {
		return fmt.Errorf("network %s: bridge %s: %w", n.ID, name, err)
	}
	if l == nil || l.Type() != "bridge" {
		return fmt.Errorf("network %s: physical network %q: this host has no bridge %s: %w", n.ID, n.Physnet, name, vswitch.ErrUnsupported)
	}
	return nil
}

// furnish puts into a new namespace what the network has for life: settings,
// the marked bridge and the base chains. It runs on a thread in the namespace.
func furnish(ns *netNS, n vswitch.Network) error {
	for _, kv := range [][2]string{
		{"bridge/bridge-nf-call-iptables", "1"}, {"bridge/bridge-nf-call-ip6tables", "1"}, {"bridge/bridge-nf-call-arptables", "0"},
		{"ipv4/ip_forward", "0"}, {"ipv4/conf/all/rp_filter", "0"}, {"ipv4/conf/default/rp_filter", "0"},
		{"ipv6/conf/all/forwarding", "0"}, {"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"},
	} {
		err := sysctl(kv[0], kv[1])
		if errors.Is(err, fs.ErrNotExist) && kv[0][:4] == "ipv6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return fmt.Errorf("%w: %w", err, vswitch.ErrUnsupported)
		}
	}
	ns.mark = mark{network: n.ID, vni: n.VNI, physnet: n.Physnet}
	snooping := false
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = bridgeName, legMAC
	if err := ns.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}); err != nil {
		return fmt.Errorf("make bridge: %w", err)
	}
	var err error
	if ns.bridge, err = ns.nl.LinkByName(bridgeName); err != nil {
		return fmt.Errorf("make bridge: %w", err)
	}
	if err := learnFromHooksOnly(ns.bridge); err != nil {
		return err
	}
	// Unless it was changed once, the kernel makes a bridge's MTU that of the
	// smallest of its ports.
	for _, mtu := range []int{minMTU, n.DefaultMTU()} {
		if err := ns.nl.LinkSetMTU(ns.bridge, mtu); err != nil {
			return fmt.Errorf("set MTU %d of the bridge: %w", mtu, err)
		}
	}
	if err := ns.nl.LinkSetAlias(ns.bridge, ns.mark.String()); err != nil {
		return fmt.Errorf("mark bridge: %w", err)
	}
	return baseFilters(ns)
}

// learnFromHooksOnly keeps the bridge from learning the senders of frames to
// link-local groups, which pass no hook (no_linklocal_learn). It runs on a thread
// in the bridge's namespace; the netlink library does not know the option.
func learnFromHooksOnly(br netlink.Link) error {
	const noLinkLocalLearn = 1 << 0 // BR_BOOLOPT_NO_LL_LEARN
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(br.Attrs().Index)
	req.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	value := binary.NativeEndian.AppendUint32(nil, noLinkLocalLearn)
	info.AddRtAttr(nl.IFLA_INFO_DATA, nil).AddRtAttr(unix.IFLA_BR_MULTI_BOOLOPT, append(value, value...)) // values, mask
	req.AddData(info)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("set no_linklocal_learn of the bridge: %w", err)
	}
	return nil
}

// shape makes a network that is there be as described.
func (s *Switch) shape(ns *netNS, n vswitch.Network) error {
	leg := legAddrs(n)
	if err := networkFilters(ns, n, leg); err != nil {
		return err
	}
	if err := setMTU(ns.nl, ns.bridge, n.DefaultMTU()); err != nil {
		return err
	}
	if err := s.ensureWire(ns, n); err != nil {
		return err
	}
	if err := ns.nl.LinkSetUp(ns.bridge); err != nil {
		return fmt.Errorf("bring bridge up: %w", err)
	}
	return ensureLeg(ns, n, leg)
}

func setMTU(nl *netlink.Handle, l netlink.Link, mtu int) error {
	if l.Attrs().MTU == mtu {
		return nil
	}
	if err := nl.LinkSetMTU(l, mtu); err != nil {
		return fmt.Errorf("set MTU %d of %s: %w", mtu, l.Attrs().Name, err)
	}
	return nil
}

// legAddrs returns the addresses that the host's leg answers at.
func legAddrs(n vswitch.Network) []netip.Addr {
	out := []netip.Addr{vswitch.MetadataAddr}
	for _, sub := range n.Subnets {
		if sub.ServeGateway && sub.Gateway.IsValid() && n.Physnet == "" {
			out = append(out, sub.Gateway.Unmap())
		}
	}
	return out
}

// RemoveNetwork implements vswitch.Switch.
func (s *Switch) RemoveNetwork(ctx context.Context, networkID string) error {
	end, err := s.begin(ctx, networkID, nil)
	if err != nil {
		return err
	}
	defer end()
	s.mu.Lock()
	s.closeSockets(networkID)
	s.mu.Unlock()
	if err := s.removeOnHost(networkID, ""); err != nil {
		return fmt.Errorf("network %s: %w", networkID, err)
	}
	ns, err := s.openNetwork(networkID)
	if errors.Is(err, vswitch.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer ns.Close()
	// The kernel ends a namespace later; its devices are to go now.
	links, err := dump(ns.nl.LinkList)
	if err != nil {
		return fmt.Errorf("network %s: list devices: %w", networkID, err)
	}
	for _, l := range links {
		if l.Attrs().Name == wireName || l.Type() == "tuntap" {
			if err := deleteLink(ns.nl, l); err != nil {
				return fmt.Errorf("network %s: %w", networkID, err)
			}
		}
	}
	if err := ns.nl.LinkSetDown(ns.bridge); err != nil {
		return fmt.Errorf("network %s: %w", networkID, err)
	}
	if err := removeNS(ns.name); err != nil {
		return fmt.Errorf("network %s: %w", networkID, err)
	}
	// Last: until the name is gone, the bridge's mark tells whose it is.
	if err := deleteLink(ns.nl, ns.bridge); err != nil {
		return fmt.Errorf("network %s: %w", networkID, err)
	}
	return nil
}

// removeOnHost deletes the devices in the host's namespace that are the
// network's, or only the one port's.
func (s *Switch) removeOnHost(networkID, portID string) error {
	links, err := dump(s.hostNL.LinkList)
	if err != nil {
		return fmt.Errorf("list devices: %w", err)
	}
	for _, l := range links {
		m, ours := parseMark(l.Attrs().Alias)
		if !ours || m.network != networkID || portID != "" && m.port != portID {
			continue
		}
		if err := deleteLink(s.hostNL, l); err != nil {
			return err
		}
	}
	return nil
}

// deleteLink is no error if the link is gone already.
func deleteLink(nl *netlink.Handle, l netlink.Link) error {
	err := nl.LinkDel(l)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if again, lookErr := linkByName(nl, l.Attrs().Name); lookErr == nil && again == nil {
		return nil
	}
	return fmt.Errorf("delete device %s: %w", l.Attrs().Name, err)
}
