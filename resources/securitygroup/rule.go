package securitygroup

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// wireRule is a rule as the API gives and takes it.
type wireRule struct {
	ID             string  `json:"id,omitempty"`
	GroupID        string  `json:"security_group_id,omitempty"`
	Direction      string  `json:"direction"`
	EtherType      string  `json:"ethertype"`
	Protocol       *string `json:"protocol,omitempty"`
	PortRangeMin   *int64  `json:"port_range_min,omitempty"`
	PortRangeMax   *int64  `json:"port_range_max,omitempty"`
	RemoteIPPrefix *string `json:"remote_ip_prefix,omitempty"`
	RemoteGroupID  *string `json:"remote_group_id,omitempty"`
	Description    string  `json:"description,omitempty"`
}

// rule is an element of rules.
type rule struct {
	Direction     types.String `tfsdk:"direction"`
	EtherType     types.String `tfsdk:"ethertype"`
	Protocol      types.String `tfsdk:"protocol"`
	PortMin       types.Int64  `tfsdk:"port_min"`
	PortMax       types.Int64  `tfsdk:"port_max"`
	RemoteCIDR    types.String `tfsdk:"remote_cidr"`
	RemoteGroupID types.String `tfsdk:"remote_group_id"`
	RemoteSelf    types.Bool   `tfsdk:"remote_self"`
	Description   types.String `tfsdk:"description"`
}

// key says what traffic a rule lets pass, comparably. Its description is part of
// it: the API cannot change one, so another description is another rule.
type key struct {
	direction, ethertype, protocol string
	min, max                       int64 // -1 for any
	cidr, group, description       string
}

// protocolNames are the names that the API gives to numbers (RFC 5237).
var protocolNames = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "icmpv6": "ipv6-icmp", "132": "sctp", "any": "", "0": ""}

func isICMP(protocol string) bool { return protocol == "icmp" || protocol == "ipv6-icmp" }

// wire returns what a rule of the group is in the API.
func (r rule) wire(groupID string) wireRule {
	w := wireRule{GroupID: groupID, Direction: r.Direction.ValueString(), EtherType: r.EtherType.ValueString(), Description: r.Description.ValueString()}
	if w.EtherType == "" {
		w.EtherType = "IPv4"
		if p, err := netip.ParsePrefix(r.RemoteCIDR.ValueString()); err == nil && p.Addr().Is6() || canonical(r.Protocol.ValueString()) == "ipv6-icmp" {
			w.EtherType = "IPv6"
		}
	}
	if p := r.Protocol.ValueString(); p != "" && p != "any" {
		w.Protocol = &p
	}
	number := func(v types.Int64) *int64 {
		if v.IsNull() || v.IsUnknown() {
			return nil
		}
		n := v.ValueInt64()
		return &n
	}
	w.PortRangeMin, w.PortRangeMax = number(r.PortMin), number(r.PortMax)
	if w.PortRangeMax == nil && w.PortRangeMin != nil && !isICMP(canonical(r.Protocol.ValueString())) {
		w.PortRangeMax = w.PortRangeMin
	}
	if w.PortRangeMin == nil && w.PortRangeMax != nil {
		w.PortRangeMin = w.PortRangeMax
	}
	if v := r.RemoteCIDR.ValueString(); v != "" {
		w.RemoteIPPrefix = &v
	}
	if r.RemoteSelf.ValueBool() {
		w.RemoteGroupID = &groupID
	} else if v := r.RemoteGroupID.ValueString(); v != "" {
		w.RemoteGroupID = &v
	}
	return w
}

func canonical(protocol string) string {
	if n, ok := protocolNames[protocol]; ok {
		return n
	}
	return protocol
}

// key returns what the rule lets pass.
func (w wireRule) key() key {
	k := key{direction: w.Direction, ethertype: w.EtherType, min: -1, max: -1, description: w.Description}
	if w.Protocol != nil {
		k.protocol = canonical(*w.Protocol)
	}
	if k.protocol == "icmp" && k.ethertype == "IPv6" {
		k.protocol = "ipv6-icmp"
	}
	if w.PortRangeMin != nil {
		k.min = *w.PortRangeMin
	}
	if w.PortRangeMax != nil {
		k.max = *w.PortRangeMax
	}
	if w.RemoteIPPrefix != nil {
		if p, err := netip.ParsePrefix(*w.RemoteIPPrefix); err == nil && p.Bits() > 0 {
			k.cidr = p.Masked().String() // a range of everything is no restriction
		}
	}
	if w.RemoteGroupID != nil {
		k.group = *w.RemoteGroupID
	}
	return k
}

// rule returns how a rule of the API is written down when nobody has yet: without
// what is meant anyway.
func (w wireRule) rule(groupID string) rule {
	r := rule{Direction: types.StringValue(w.Direction), EtherType: types.StringValue(w.EtherType), PortMin: types.Int64PointerValue(w.PortRangeMin),
		PortMax: types.Int64PointerValue(w.PortRangeMax), RemoteCIDR: types.StringPointerValue(w.RemoteIPPrefix), RemoteGroupID: types.StringPointerValue(w.RemoteGroupID),
		Description: client.StringOrNull(w.Description)}
	if w.Protocol != nil {
		r.Protocol = types.StringValue(canonical(*w.Protocol))
	}
	if r.RemoteGroupID.ValueString() == groupID {
		r.RemoteGroupID, r.RemoteSelf = types.StringNull(), types.BoolValue(true)
	}
	short := r
	short.EtherType = types.StringNull()
	if short.wire(groupID).key() == w.key() {
		r.EtherType = short.EtherType
	}
	if r.PortMax.Equal(r.PortMin) && !isICMP(r.Protocol.ValueString()) {
		r.PortMax = types.Int64Null()
	}
	return r
}

// defaults are the rules that the API gives to every new group.
var defaults = []key{
	{direction: "egress", ethertype: "IPv4", min: -1, max: -1},
	{direction: "egress", ethertype: "IPv6", min: -1, max: -1},
}

// told splits what the API gives into default_egress and rules. A rule that was
// written down before keeps its spelling; the default rules are told by
// default_egress if both are there and it was not false before.
func told(before []rule, beforeDefault types.Bool, groupID string, got []wireRule) (defaultEgress bool, rules []rule) {
	spelled := map[key]rule{}
	for _, r := range before {
		spelled[r.wire(groupID).key()] = r
	}
	if beforeDefault.IsNull() || beforeDefault.IsUnknown() || beforeDefault.ValueBool() {
		defaultEgress = !slices.ContainsFunc(defaults, func(d key) bool {
			return !slices.ContainsFunc(got, func(w wireRule) bool { return w.key() == d })
		})
	}
	for _, w := range got {
		k := w.key()
		if defaultEgress && slices.Contains(defaults, k) {
			continue
		}
		if r, ok := spelled[k]; ok {
			rules = append(rules, r)
			delete(spelled, k)
		} else {
			rules = append(rules, w.rule(groupID))
		}
	}
	return defaultEgress, rules
}

// change returns what to create and which ids to delete, to go from what the
// API has to what is wanted.
func change(want []rule, defaultEgress bool, groupID string, got []wireRule) (create []wireRule, remove []string) {
	wanted := map[key]wireRule{}
	for _, r := range want {
		w := r.wire(groupID)
		wanted[w.key()] = w
	}
	if defaultEgress {
		for _, d := range defaults {
			wanted[d] = wireRule{GroupID: groupID, Direction: d.direction, EtherType: d.ethertype}
		}
	}
	for _, w := range got {
		if _, ok := wanted[w.key()]; ok {
			delete(wanted, w.key())
		} else {
			remove = append(remove, w.ID)
		}
	}
	for _, w := range wanted {
		create = append(create, w)
	}
	slices.SortFunc(create, func(a, b wireRule) int { return cmp.Compare(sortKey(a.key()), sortKey(b.key())) })
	slices.Sort(remove)
	return create, remove
}

// inTheWay splits the rules to remove into those that let pass what a new rule
// does, of which the API wants no two, and the others.
func inTheWay(create []wireRule, remove []string, got []wireRule) (first, last []string) {
	traffic := func(w wireRule) key { k := w.key(); k.description = ""; return k }
	taken := map[key]bool{}
	for _, w := range create {
		taken[traffic(w)] = true
	}
	for _, w := range got {
		switch {
		case !slices.Contains(remove, w.ID):
		case taken[traffic(w)]:
			first = append(first, w.ID)
		default:
			last = append(last, w.ID)
		}
	}
	return first, last
}

// sortKey makes the order of creation the same each time.
func sortKey(k key) string {
	return k.direction + k.ethertype + k.protocol + strconv.FormatInt(k.min, 10) + k.cidr + k.group + k.description
}
