package securitygroup

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

func ptr[T any](v T) *T { return &v }

func ssh() rule {
	return rule{Direction: types.StringValue("ingress"), Protocol: types.StringValue("tcp"), PortMin: types.Int64Value(22)}
}

func apiSSH(id string) wireRule {
	return wireRule{ID: id, GroupID: "g", Direction: "ingress", EtherType: "IPv4", Protocol: ptr("tcp"), PortRangeMin: ptr(int64(22)), PortRangeMax: ptr(int64(22))}
}

func apiDefaults() []wireRule {
	return []wireRule{{ID: "e4", GroupID: "g", Direction: "egress", EtherType: "IPv4"}, {ID: "e6", GroupID: "g", Direction: "egress", EtherType: "IPv6"}}
}

func TestKeyIsBlindToSpelling(t *testing.T) {
	for name, c := range map[string]struct{ a, b wireRule }{
		"number of a protocol":   {apiSSH("1"), func() wireRule { w := apiSSH("2"); w.Protocol = ptr("6"); return w }()},
		"a range of everything":  {apiSSH("1"), func() wireRule { w := apiSSH("2"); w.RemoteIPPrefix = ptr("0.0.0.0/0"); return w }()},
		"host bits":              {wireRule{RemoteIPPrefix: ptr("10.0.0.1/8")}, wireRule{RemoteIPPrefix: ptr("10.0.0.0/8")}},
		"ipv6 icmp by old name":  {wireRule{EtherType: "IPv6", Protocol: ptr("icmpv6")}, wireRule{EtherType: "IPv6", Protocol: ptr("icmp")}},
		"default port_max":       {ssh().wire("g"), apiSSH("1")},
		"ethertype from address": {rule{RemoteCIDR: types.StringValue("2001:db8::/64")}.wire("g"), wireRule{EtherType: "IPv6", RemoteIPPrefix: ptr("2001:db8::/64")}},
	} {
		if c.a.key() != c.b.key() {
			t.Errorf("%s: %+v and %+v differ", name, c.a.key(), c.b.key())
		}
	}
	other := apiSSH("1")
	other.RemoteIPPrefix = ptr("10.0.0.0/8")
	if other.key() == apiSSH("1").key() {
		t.Error("a rule for a range is the same as one for everything")
	}
}

func TestToldDefaultEgress(t *testing.T) {
	got := append(apiDefaults(), apiSSH("1"))
	egress, rules := told([]rule{ssh()}, types.BoolValue(true), "g", got)
	if !egress || !slices.Equal(rules, []rule{ssh()}) {
		t.Errorf("with the defaults: %v %v", egress, rules)
	}
	// One of the two is gone: the flag no longer tells the truth, the rest is told as it is.
	egress, rules = told([]rule{ssh()}, types.BoolValue(true), "g", got[1:])
	if egress || len(rules) != 2 {
		t.Errorf("without one default: %v %v", egress, rules)
	}
	// They were to be gone, and somebody put them back.
	egress, rules = told([]rule{ssh()}, types.BoolValue(false), "g", got)
	if egress || len(rules) != 3 {
		t.Errorf("unwanted defaults: %v %v", egress, rules)
	}
	// An import knows nothing yet.
	if egress, _ = told(nil, types.BoolNull(), "g", got); !egress {
		t.Error("import: defaults not told by the flag")
	}
}

func TestToldForeignRuleShows(t *testing.T) {
	foreign := wireRule{ID: "2", GroupID: "g", Direction: "ingress", EtherType: "IPv4", RemoteGroupID: ptr("g")}
	_, rules := told([]rule{ssh()}, types.BoolValue(true), "g", append(apiDefaults(), apiSSH("1"), foreign))
	want := rule{Direction: types.StringValue("ingress"), RemoteSelf: types.BoolValue(true)}
	if len(rules) != 2 || rules[1] != want {
		t.Errorf("got %v", rules)
	}
}

// What is written down for the user means what the API has, in as few words as
// the documentation uses.
func TestRuleIsWrittenShort(t *testing.T) {
	text, number, null := types.StringValue, types.Int64Value, types.StringNull()
	for name, x := range map[string]struct {
		got  wireRule
		want rule
	}{
		"one port":   {wireRule{Direction: "ingress", EtherType: "IPv4", Protocol: ptr("tcp"), PortRangeMin: new(int64(22)), PortRangeMax: new(int64(22))}, rule{Direction: text("ingress"), Protocol: text("tcp"), PortMin: number(22)}},
		"ports":      {wireRule{Direction: "ingress", EtherType: "IPv4", Protocol: ptr("tcp"), PortRangeMin: new(int64(1)), PortRangeMax: new(int64(2))}, rule{Direction: text("ingress"), Protocol: text("tcp"), PortMin: number(1), PortMax: number(2)}},
		"IPv6":       {wireRule{Direction: "ingress", EtherType: "IPv6"}, rule{Direction: text("ingress"), EtherType: text("IPv6")}},
		"IPv6 range": {wireRule{Direction: "ingress", EtherType: "IPv6", RemoteIPPrefix: ptr("2001:db8::/64")}, rule{Direction: text("ingress"), EtherType: null, RemoteCIDR: text("2001:db8::/64")}},
		"ICMP":       {wireRule{Direction: "ingress", EtherType: "IPv4", Protocol: ptr("icmp"), PortRangeMin: new(int64(8)), PortRangeMax: new(int64(8))}, rule{Direction: text("ingress"), Protocol: text("icmp"), PortMin: number(8), PortMax: number(8)}},
	} {
		got := x.got.rule("g")
		if got != x.want || got.wire("g").key() != x.got.key() {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}

func TestChange(t *testing.T) {
	got := append(apiDefaults(), apiSSH("1"))
	if create, remove := change([]rule{ssh()}, true, "g", got); len(create)+len(remove) != 0 {
		t.Errorf("nothing differs, but create %v, remove %v", create, remove)
	}
	web := ssh()
	web.PortMin = types.Int64Value(80)
	create, remove := change([]rule{web}, false, "g", got)
	if len(create) != 1 || *create[0].PortRangeMin != 80 || !slices.Equal(remove, []string{"1", "e4", "e6"}) {
		t.Errorf("create %v, remove %v", create, remove)
	}
	create, remove = change(nil, true, "g", got[:1])
	if len(create) != 1 || create[0].EtherType != "IPv6" || len(remove) != 0 {
		t.Errorf("defaults are not put back: create %v, remove %v", create, remove)
	}
}

func TestFault(t *testing.T) {
	bad := ssh()
	bad.PortMax = types.Int64Value(21)
	noPorts := ssh()
	noPorts.Protocol = types.StringValue("gre")
	mixed := ssh()
	mixed.EtherType, mixed.RemoteCIDR = types.StringValue("IPv6"), types.StringValue("10.0.0.0/8")
	for _, r := range []rule{bad, noPorts, mixed} {
		if r.fault() == "" {
			t.Errorf("%+v is accepted", r)
		}
	}
	if f := ssh().fault(); f != "" {
		t.Error(f)
	}
}
