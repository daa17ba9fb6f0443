package network

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// check holds what must be true of a rule by itself, and fills in what is told
// by the rest of it.
func (r *SecurityRule) check(op string) error {
	bad := func(reason Reason, field, format string, args ...any) error {
		return invalid(op, "security_group_rule", field, format, args...).Because(reason)
	}
	if utf8.RuneCountInString(r.Description) > maxText {
		return bad("", "/description", "Invalid input for description. Reason: it exceeds maximum length of %d.", maxText)
	}
	if r.Direction != Ingress && r.Direction != Egress {
		return bad("", "/direction", "Invalid input for direction. Reason: '%s' is not in ['ingress', 'egress'].", r.Direction)
	}
	if r.RemoteGroupID != "" && r.RemotePrefix.IsValid() {
		return bad(RuleRemoteTwice, "/remote_group_id", "Only remote_ip_prefix or remote_group_id may be provided.")
	}
	if err := r.checkProtocol(op); err != nil {
		return err
	}
	if r.Ethertype != IPv4 && r.Ethertype != IPv6 {
		return bad(RuleEthertype, "/ethertype", "Security group rule for ethertype '%s' not supported. Allowed values are ['IPv4', 'IPv6'].", r.Ethertype)
	}
	if p := r.RemotePrefix; p.IsValid() && (p.Addr().Is4() != (r.Ethertype == IPv4) || p.Addr().Is4In6()) {
		return bad(RuleEthertype, "/remote_ip_prefix", "Conflicting value ethertype %s for CIDR %s.", r.Ethertype, p)
	}
	return r.checkPorts(op)
}

// checkProtocol checks the protocol and, if none is given, sets the ethertype
// that prefix and protocol speak for.
func (r *SecurityRule) checkProtocol(op string) error {
	if r.Protocol == "any" {
		r.Protocol = ""
	}
	_, named := protocols[r.Protocol]
	if n, err := strconv.Atoi(r.Protocol); err == nil && n >= 0 && n <= 255 {
		r.Protocol, named = strconv.Itoa(n), true
	}
	if r.Protocol != "" && !named {
		names := slices.Sorted(maps.Keys(protocols))
		return invalid(op, "security_group_rule", "/protocol", "Security group rule protocol %s not supported. Only protocol values %s and integer representations [0 to 255] are supported.",
			r.Protocol, strings.Join(names, ", ")).Because(RuleProtocol)
	}
	v6 := strings.HasPrefix(r.Protocol, "ipv6-") || r.Protocol == "icmpv6"
	if r.Ethertype == "" {
		r.Ethertype = IPv4
		if v6 || r.RemotePrefix.IsValid() && r.RemotePrefix.Addr().Is6() {
			r.Ethertype = IPv6
		}
	}
	if v6 && r.Ethertype != IPv6 {
		return invalid(op, "security_group_rule", "/protocol", "Invalid ethertype %s for protocol %s.", r.Ethertype, r.Protocol).Because(RuleEthertype)
	}
	return nil
}

// checkPorts checks ports, or ICMP type and code, for the protocol.
func (r *SecurityRule) checkPorts(op string) error {
	bad := func(reason Reason, field, format string, args ...any) error {
		return invalid(op, "security_group_rule", field, format, args...).Because(reason)
	}
	if r.PortMin == nil && r.PortMax == nil {
		return nil
	}
	for field, p := range map[string]*int{"/port_range_min": r.PortMin, "/port_range_max": r.PortMax} {
		if p != nil && (*p < 0 || *p > 65535) {
			return bad(RulePortRange, field, "Invalid value for port %d.", *p)
		}
	}
	n, ok := r.ProtocolNumber()
	if !ok {
		return bad(RulePortsNoProtocol, "/protocol", "Must also specify protocol if port range is given.")
	}
	switch n {
	case protoTCP, protoUDP, protoDCCP, protoSCTP, protoUDPLite:
		if r.PortMin == nil || r.PortMax == nil || *r.PortMin > *r.PortMax {
			return bad(RulePortRange, "/port_range_min", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
		}
		if *r.PortMin == 0 {
			return bad(RulePortRange, "/port_range_min", "Invalid value for port 0.")
		}
	case protoICMP, protoICMPv6:
		if r.PortMin == nil {
			return bad(RuleICMP, "/port_range_min", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", *r.PortMax)
		}
		for _, f := range []struct {
			name, field string
			p           *int
		}{{"type", "port_range_min", r.PortMin}, {"code", "port_range_max", r.PortMax}} {
			if f.p != nil && *f.p > 255 {
				return bad(RuleICMP, "/"+f.field, "Invalid value for ICMP %s (%s) %d. It must be 0 to 255.", f.name, f.field, *f.p)
			}
		}
	default:
		return bad(RulePortsNoProtocol, cmp.Or("/port_range_min"), "Invalid port range for protocol %s: it has no ports.", r.Protocol)
	}
	return nil
}
