package network

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

func (w world) group(c cloud.Caller, name string) SecurityGroup {
	w.t.Helper()
	return must(w, func(tx *statestore.Txn) (SecurityGroup, error) {
		return SecurityGroupCreate(tx, c, GroupSpec{Name: name})
	})
}

func (w world) tryRule(c cloud.Caller, s RuleSpec) (SecurityRule, error) {
	return get(w, func(tx *statestore.Txn) (SecurityRule, error) { return SecurityRuleCreate(tx, c, s) })
}

func TestSecurityGroupLife(t *testing.T) {
	w := newWorld(t)
	g := w.group(ann, "web")
	if rules := SecurityGroupRules(w.s.Snapshot(), g.ID); len(rules) != 2 || rules[0].Direction != Egress || rules[1].Direction != Egress {
		t.Errorf("a new group has %+v", rules)
	}
	d, _ := SecurityGroups.First(w.s.Snapshot(), "default", "p1")
	remove := func(c cloud.Caller, id string) error {
		return w.try(func(tx *statestore.Txn) error { return SecurityGroupDelete(tx, c, id) })
	}
	wants(t, "deleting the default group", remove(ann, d.ID), cloud.Conflict, DefaultGroupKept, "", "default security group")
	wants(t, "deleting another's", remove(bob, g.ID), cloud.NotFound, "", "", g.ID)
	_, err := get(w, func(tx *statestore.Txn) (SecurityGroup, error) {
		return SecurityGroupCreate(tx, ann, GroupSpec{Name: "default"})
	})
	wants(t, "a second default group", err, cloud.Conflict, DefaultGroupExists, "/name", "already exists")
	_, err = get(w, func(tx *statestore.Txn) (SecurityGroup, error) {
		return SecurityGroupUpdate(tx, ann, d.ID, GroupChange{Name: new("x")})
	})
	wants(t, "renaming the default group", err, cloud.Conflict, DefaultGroupRenamed, "/name", "not allowed")

	n := w.network(ann, NetworkSpec{})
	p := w.port(ann, PortSpec{NetworkID: n.ID, SecurityGroups: &[]string{g.ID, g.ID}})
	if len(p.SecurityGroups) != 1 {
		t.Errorf("the same group twice: %v", p.SecurityGroups)
	}
	wants(t, "deleting in use", remove(ann, g.ID), cloud.Conflict, GroupInUse, "", p.ID)
	if _, err := w.tryRule(ann, RuleSpec{GroupID: d.ID, Direction: Ingress, RemoteGroupID: g.ID}); err != nil {
		t.Fatal(err)
	}
	w.do(func(tx *statestore.Txn) error {
		if err := PortDelete(tx, ann, p.ID); err != nil {
			return err
		}
		return SecurityGroupDelete(tx, ann, g.ID)
	})
	if n := SecurityRules.Len(w.s.Snapshot()); n != 4 {
		t.Errorf("%d rules are left, want the default group's 4", n)
	}
}

func TestSecurityGroupByNameOrID(t *testing.T) {
	w := newWorld(t)
	g := w.group(ann, "web")
	w.group(bob, "web")
	r := w.s.Snapshot()
	for _, s := range []string{g.ID, "web"} {
		if got, err := SecurityGroupByNameOrID(r, ann, s); err != nil || got.ID != g.ID {
			t.Errorf("%s: %v, %v", s, got.ID, err)
		}
	}
	_, err := SecurityGroupByNameOrID(r, bob, g.ID)
	wants(t, "another's", err, cloud.NotFound, "", "", g.ID)
	w.group(ann, "web")
	_, err = SecurityGroupByNameOrID(w.s.Snapshot(), ann, "web")
	wants(t, "two", err, cloud.Conflict, Ambiguous, "", "Multiple")
}

func TestSecurityRules(t *testing.T) {
	w := newWorld(t)
	g, theirs := w.group(ann, "web"), w.group(bob, "web")
	i := func(n int) *int { return &n }
	first, err := w.tryRule(ann, RuleSpec{Direction: Ingress, GroupID: g.ID, Protocol: "TCP", PortMin: i(22), PortMax: i(22), RemotePrefix: prefix("10.0.0.7/8")})
	if err != nil || first.Protocol != "tcp" || first.Ethertype != IPv4 {
		t.Fatalf("got %+v, %v", first, err)
	}
	for _, c := range []struct {
		what   string
		spec   RuleSpec
		kind   cloud.Kind
		reason Reason
		field  string
		says   string
	}{
		{"the same in other words", RuleSpec{Direction: Ingress, Protocol: "6", PortMin: i(22), PortMax: i(22), RemotePrefix: prefix("10.0.0.0/8")}, cloud.Conflict, RuleExists, "", first.ID},
		{"what every group has", RuleSpec{Direction: Egress, RemotePrefix: prefix("0.0.0.0/0")}, cloud.Conflict, RuleExists, "", "already exists"},
		{"no direction", RuleSpec{}, cloud.Invalid, "", "/direction", "ingress"},
		{"an unknown protocol", RuleSpec{Direction: Ingress, Protocol: "tpc"}, cloud.Invalid, RuleProtocol, "/protocol", "udplite"},
		{"a protocol beyond 255", RuleSpec{Direction: Ingress, Protocol: "256"}, cloud.Invalid, RuleProtocol, "/protocol", "0 to 255"},
		{"ports backwards", RuleSpec{Direction: Ingress, Protocol: "tcp", PortMin: i(9), PortMax: i(8)}, cloud.Invalid, RulePortRange, "/port_range_min", "<="},
		{"half a range", RuleSpec{Direction: Ingress, Protocol: "udp", PortMin: i(9)}, cloud.Invalid, RulePortRange, "/port_range_min", "<="},
		{"port 0", RuleSpec{Direction: Ingress, Protocol: "tcp", PortMin: i(0), PortMax: i(8)}, cloud.Invalid, RulePortRange, "/port_range_min", "port 0"},
		{"port 65536", RuleSpec{Direction: Ingress, Protocol: "tcp", PortMin: i(1), PortMax: i(65536)}, cloud.Invalid, RulePortRange, "/port_range_max", "65536"},
		{"ports of no protocol", RuleSpec{Direction: Ingress, PortMin: i(1), PortMax: i(2)}, cloud.Invalid, RulePortsNoProtocol, "/protocol", "specify protocol"},
		{"ports of a protocol without", RuleSpec{Direction: Ingress, Protocol: "gre", PortMin: i(1), PortMax: i(2)}, cloud.Invalid, RulePortsNoProtocol, "/port_range_min", "gre"},
		{"an ICMP code alone", RuleSpec{Direction: Ingress, Protocol: "icmp", PortMax: i(2)}, cloud.Invalid, RuleICMP, "/port_range_min", "type (port-range-min) is missing"},
		{"an ICMP type beyond 255", RuleSpec{Direction: Ingress, Protocol: "icmp", PortMin: i(300)}, cloud.Invalid, RuleICMP, "/port_range_min", "0 to 255"},
		{"two remotes", RuleSpec{Direction: Ingress, RemoteGroupID: g.ID, RemotePrefix: prefix("10.0.0.0/8")}, cloud.Invalid, RuleRemoteTwice, "/remote_group_id", "Only"},
		{"the other IP version", RuleSpec{Direction: Ingress, Ethertype: IPv6, RemotePrefix: prefix("10.0.0.0/8")}, cloud.Invalid, RuleEthertype, "/remote_ip_prefix", "IPv6"},
		{"ICMPv6 over IPv4", RuleSpec{Direction: Ingress, Ethertype: IPv4, Protocol: "ipv6-icmp"}, cloud.Invalid, RuleEthertype, "/protocol", "ipv6-icmp"},
		{"an unknown ethertype", RuleSpec{Direction: Ingress, Ethertype: "ARP"}, cloud.Invalid, RuleEthertype, "/ethertype", "ARP"},
		{"another's group", RuleSpec{GroupID: theirs.ID, Direction: Ingress}, cloud.NotFound, "", "/security_group_id", theirs.ID},
		{"another's group as remote", RuleSpec{Direction: Ingress, RemoteGroupID: theirs.ID}, cloud.NotFound, "", "/remote_group_id", theirs.ID},
	} {
		if c.spec.GroupID == "" {
			c.spec.GroupID = g.ID
		}
		_, err := w.tryRule(ann, c.spec)
		wants(t, c.what, err, c.kind, c.reason, c.field, c.says)
	}
	for _, c := range []struct {
		spec RuleSpec
		want Ethertype
		num  int
	}{
		{RuleSpec{Direction: Ingress, Protocol: "icmp", PortMin: i(8), PortMax: i(0)}, IPv4, 1},
		{RuleSpec{Direction: Ingress, Protocol: "icmp", Ethertype: IPv6}, IPv6, 58},
		{RuleSpec{Direction: Ingress, Protocol: "icmpv6", PortMin: i(128)}, IPv6, 58},
		{RuleSpec{Direction: Ingress, RemotePrefix: prefix("fd00::/8"), Protocol: "udp"}, IPv6, 17},
		{RuleSpec{Direction: Ingress, RemoteGroupID: g.ID, Protocol: "any"}, IPv4, -1},
		{RuleSpec{Direction: Ingress, Protocol: "ip"}, IPv4, -1},
	} {
		c.spec.GroupID = g.ID
		r, err := w.tryRule(ann, c.spec)
		if err != nil {
			t.Errorf("%+v: %v", c.spec, err)
			continue
		}
		n, ok := r.ProtocolNumber()
		if r.Ethertype != c.want || ok != (c.num >= 0) || ok && n != c.num {
			t.Errorf("%+v: %s, protocol %d %v", c.spec, r.Ethertype, n, ok)
		}
	}
	before, _ := SecurityGroups.Get(w.s.Snapshot(), g.ID)
	w.do(func(tx *statestore.Txn) error { return SecurityRuleDelete(tx, ann, first.ID) })
	if after, _ := SecurityGroups.Get(w.s.Snapshot(), g.ID); after.Revision != before.Revision+1 {
		t.Error("removing a rule does not change the group's revision")
	}
}

func TestSecurityGroupAddresses(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/24")})
	g := w.group(ann, "web")
	w.port(ann, PortSpec{NetworkID: n.ID, SecurityGroups: &[]string{g.ID}})
	w.port(ann, PortSpec{NetworkID: n.ID, SecurityGroups: &[]string{g.ID}, AllowedPairs: []AddressPair{{"", prefix("10.5.0.0/16")}}})
	w.port(ann, PortSpec{NetworkID: n.ID})
	if got, want := SecurityGroupAddresses(w.s.Snapshot(), g.ID), []netip.Prefix{prefix("10.0.0.2/32"), prefix("10.0.0.3/32"), prefix("10.5.0.0/16")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
