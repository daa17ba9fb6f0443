package neutron

import (
	"slices"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func rules() *resource[network.SecurityRule] {
	return &resource[network.SecurityRule]{
		name: "security_group_rule", plural: "security_group_rules", path: "/security-group-rules", gone: "Security group rule %s does not exist.",
		attributes: ruleAttributes(), table: network.SecurityRules,
		indexes:  map[string]string{"security_group_id": "group", "remote_group_id": "remote_group", "project_id": "project", "tenant_id": "project"},
		id:       func(r *network.SecurityRule) string { return r.ID },
		revision: func(r *network.SecurityRule) int { return r.Revision },
		target: func(_ statestore.Reader, r *network.SecurityRule) cloud.Target {
			return cloud.Target{ProjectID: r.ProjectID}
		},
		before: ensureDefault, create: ruleCreate, remove: network.SecurityRuleDelete,
	}
}

func ruleAttributes() []attribute[network.SecurityRule] {
	type R = network.SecurityRule
	return slices.Concat([]attribute[R]{
		{name: "id", value: func(_ *view, r *R) any { return r.ID }},
		{name: "security_group_id", post: true, need: true, value: func(_ *view, r *R) any { return r.GroupID }},
		{name: "description", post: true, value: func(_ *view, r *R) any { return r.Description }},
		{name: "direction", post: true, need: true, value: func(_ *view, r *R) any { return string(r.Direction) }},
		{name: "ethertype", post: true, value: func(_ *view, r *R) any { return string(r.Ethertype) }},
		{name: "protocol", post: true, value: func(_ *view, r *R) any { return orNull(r.Protocol) }},
		{name: "port_range_min", post: true, value: func(_ *view, r *R) any { return numberOrNull(r.PortMin) }},
		{name: "port_range_max", post: true, value: func(_ *view, r *R) any { return numberOrNull(r.PortMax) }},
		{name: "remote_ip_prefix", post: true, value: rulePrefix},
		{name: "normalized_cidr", value: ruleNormal},
		{name: "remote_group_id", post: true, value: func(_ *view, r *R) any { return orNull(r.RemoteGroupID) }},
	}, standard(func(r *R) string { return r.ProjectID }, func(r *R) int { return r.Revision },
		func(r *R) (time.Time, time.Time) { return r.CreatedAt, r.UpdatedAt }))
}

func numberOrNull(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

func rulePrefix(_ *view, r *network.SecurityRule) any {
	if !r.RemotePrefix.IsValid() {
		return nil
	}
	return r.RemotePrefix.String()
}

// ruleNormal is the prefix without the bits beyond its mask.
func ruleNormal(_ *view, r *network.SecurityRule) any {
	if !r.RemotePrefix.IsValid() {
		return nil
	}
	return r.RemotePrefix.Masked().String()
}

func ruleCreate(w writing, in *input) (network.SecurityRule, error) {
	spec := network.RuleSpec{
		GroupID: deref(in.id("security_group_id")), Description: deref(in.text("description")), Direction: network.Direction(deref(in.text("direction"))),
		Ethertype: ethertype(deref(in.id("ethertype"))), Protocol: in.protocol(), PortMin: in.number("port_range_min"), PortMax: in.number("port_range_max"),
		RemotePrefix: in.prefix("remote_ip_prefix", true), RemoteGroupID: deref(in.id("remote_group_id")),
	}
	// The rule is the group's owner's, unless somebody else is named.
	if in.project != w.caller().ProjectID {
		spec.ProjectID = in.project
	}
	if err := in.fault(); err != nil {
		return network.SecurityRule{}, err
	}
	return network.SecurityRuleCreate(w.tx, w.caller(), spec)
}

// ethertype spells an ethertype as Neutron does, whatever its case.
func ethertype(s string) network.Ethertype {
	for _, e := range []network.Ethertype{network.IPv4, network.IPv6} {
		if strings.EqualFold(string(e), s) {
			return e
		}
	}
	return network.Ethertype(s)
}

// protocol returns a protocol, which may be a number.
func (in *input) protocol() string {
	if v, given := in.raw("protocol"); given && v.Kind() == '0' {
		return string(v)
	}
	return deref(in.id("protocol"))
}
