package instance

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

func str(s string) types.String {
	switch s {
	case "":
		return types.StringNull()
	case "?":
		return types.StringUnknown()
	}
	return types.StringValue(s)
}

func card(network, port, ip, mac string) nic { return nic{str(network), str(port), str(ip), str(mac)} }

func TestPlanNICs(t *testing.T) {
	a, b, c := card("A", "a", "10.0.0.1", "m1"), card("B", "b", "10.1.0.1", "m2"), card("C", "c", "10.2.0.1", "m3")
	state := []nic{a, b, c}
	for name, x := range map[string]struct {
		config, want []nic
		detach       []string
		attach       int
	}{
		"same":              {[]nic{card("A", "", "", ""), card("", "b", "", ""), card("C", "", "10.2.0.1", "")}, state, nil, 0},
		"one removed":       {[]nic{card("A", "", "", ""), card("C", "", "", "")}, []nic{a, c}, []string{"b"}, 0},
		"one at the end":    {[]nic{card("A", "", "", ""), card("B", "", "", ""), card("C", "", "", ""), card("D", "", "", "")}, []nic{a, b, c, card("D", "?", "?", "?")}, nil, 1},
		"one in the middle": {[]nic{card("A", "", "", ""), card("", "x", "", ""), card("B", "", "", "")}, []nic{a, card("?", "x", "?", "?"), card("B", "?", "?", "?")}, []string{"b", "c"}, 2},
		"another address":   {[]nic{card("A", "", "10.0.0.2", "")}, []nic{card("A", "?", "10.0.0.2", "?")}, []string{"a", "b", "c"}, 1},
		"swapped":           {[]nic{card("B", "", "", ""), card("A", "", "", "")}, []nic{b, card("A", "?", "?", "?")}, []string{"a", "c"}, 1},
		"none":              {nil, []nic{}, []string{"a", "b", "c"}, 0},
		"replaced network":  {[]nic{card("?", "", "", "")}, []nic{card("?", "?", "?", "?")}, []string{"a", "b", "c"}, 1},
	} {
		got := planNICs(x.config, state)
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: plan %v, want %v", name, got, x.want)
		}
		detach, attach := nicChange(got, state)
		if !slices.Equal(detach, x.detach) || len(attach) != x.attach {
			t.Errorf("%s: detach %v, attach %v", name, detach, attach)
		}
	}
}

func TestTwoCardsOfOneNetwork(t *testing.T) {
	a1, a2 := card("A", "a1", "10.0.0.1", "m1"), card("A", "a2", "10.0.0.2", "m2")
	got := planNICs([]nic{card("A", "", "", ""), card("A", "", "", "")}, []nic{a1, a2})
	if !slices.Equal(got, []nic{a1, a2}) {
		t.Errorf("got %v", got)
	}
}

func TestGroupsOfShowsDrift(t *testing.T) {
	ports := []wirePort{{ID: "1", Groups: []string{"web", "ssh"}}, {ID: "2", Groups: []string{"ssh"}}}
	if got := groupsOf(ports, []string{"ssh", "web"}); !slices.Equal(got, []string{"ssh"}) {
		t.Errorf("the port that differs is not told: %v", got)
	}
	if got := groupsOf(ports[:1], []string{"ssh", "web"}); !sameSet(got, []string{"ssh", "web"}) {
		t.Errorf("got %v", got)
	}
	if got := groupsOf(nil, []string{"ssh"}); got == nil || len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestPowerState(t *testing.T) {
	for _, c := range [][3]string{{"ACTIVE", "shutoff", "active"}, {"SHUTOFF", "active", "shutoff"}, {"HARD_REBOOT", "", "active"}, {"BUILD", "active", "active"}, {"ERROR", "active", "error"}, {"PAUSED", "active", "paused"}} {
		if got := powerState(c[0], c[1]); got != c[2] {
			t.Errorf("%s after %s: %s", c[0], c[1], got)
		}
	}
}
