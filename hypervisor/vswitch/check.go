package vswitch

import (
	"fmt"
	"net"
)

// DefaultMTU returns what a network's MTU of 0 means.
func (n Network) DefaultMTU() int {
	switch {
	case n.MTU > 0:
		return n.MTU
	case n.Physnet != "":
		return 1500
	default:
		return 1450
	}
}

// Check refuses, wrapping ErrInvalid, a network that no host could make.
func (n Network) Check() error {
	if err := checkID("network", n.ID); err != nil {
		return err
	}
	if n.VNI < 0 || n.VNI >= 1<<24 {
		return fmt.Errorf("network %s: VNI %d is not in 0 to %d: %w", n.ID, n.VNI, 1<<24-1, ErrInvalid)
	}
	if n.MTU != 0 && (n.MTU < 68 || n.MTU > 65535) {
		return fmt.Errorf("network %s: MTU %d is not in 68 to 65535: %w", n.ID, n.MTU, ErrInvalid)
	}
	for _, s := range n.Subnets {
		if !s.CIDR.IsValid() {
			return fmt.Errorf("network %s: subnet %s has no CIDR: %w", n.ID, s.ID, ErrInvalid)
		}
	}
	return nil
}

// Check refuses, wrapping ErrInvalid, a port that no host could make.
func (p Port) Check() error {
	if err := checkID("port", p.ID); err != nil {
		return err
	}
	if err := checkID("network", p.NetworkID); err != nil {
		return err
	}
	if _, err := ParseMAC(p.MAC); err != nil {
		return fmt.Errorf("port %s: %w", p.ID, err)
	}
	if p.MTU != 0 && (p.MTU < 68 || p.MTU > 65535) {
		return fmt.Errorf("port %s: MTU %d is not in 68 to 65535: %w", p.ID, p.MTU, ErrInvalid)
	}
	return nil
}

// Check refuses, wrapping ErrInvalid, a filter that can't be put in force.
func (f PortFilter) Check(networkID string) error {
	if err := f.Port.Check(); err != nil {
		return err
	}
	if f.NetworkID != networkID {
		return fmt.Errorf("port %s is of network %s, not %s: %w", f.ID, f.NetworkID, networkID, ErrInvalid)
	}
	for _, a := range f.FixedIPs {
		if !a.IsValid() {
			return fmt.Errorf("port %s: a fixed IP is empty: %w", f.ID, ErrInvalid)
		}
	}
	for _, p := range f.AllowedPairs {
		if !p.Prefix.IsValid() {
			return fmt.Errorf("port %s: an allowed pair has no prefix: %w", f.ID, ErrInvalid)
		}
		if p.MAC != "" {
			if _, err := ParseMAC(p.MAC); err != nil {
				return fmt.Errorf("port %s: allowed pair: %w", f.ID, err)
			}
		}
	}
	for i, r := range f.Rules {
		if r.Direction != Ingress && r.Direction != Egress {
			return fmt.Errorf("port %s: rule %d has no direction: %w", f.ID, i, ErrInvalid)
		}
		if r.PortMax != 0 && r.PortMax < r.PortMin {
			return fmt.Errorf("port %s: rule %d: ports %d to %d: the first is above the last: %w", f.ID, i, r.PortMin, r.PortMax, ErrInvalid)
		}
	}
	return nil
}

// ParseMAC parses a 48-bit unicast MAC; errors wrap ErrInvalid.
func ParseMAC(s string) (net.HardwareAddr, error) {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) != 6 {
		return nil, fmt.Errorf("%q is not a MAC address of 48 bits: %w", s, ErrInvalid)
	}
	if m[0]&1 != 0 {
		return nil, fmt.Errorf("%q is a multicast MAC address: %w", s, ErrInvalid)
	}
	return m, nil
}

// checkID holds ids to what is safe in file names and device aliases.
func checkID(what, id string) error {
	ok := len(id) > 0 && len(id) <= 64
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	if !ok || id[0] == '-' {
		return fmt.Errorf("%s id %q: want letters, digits and dashes, at most 64: %w", what, id, ErrInvalid)
	}
	return nil
}
