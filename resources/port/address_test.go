package port

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

func at(subnet, ip string) address {
	value := func(s string) types.String {
		switch s {
		case "":
			return types.StringNull()
		case "?":
			return types.StringUnknown()
		}
		return types.StringValue(s)
	}
	return address{value(subnet), value(ip)}
}

func TestPlanAddresses(t *testing.T) {
	state := []address{at("a", "10.0.0.5"), at("b", "10.1.0.5")}
	for name, c := range map[string]struct{ config, want []address }{
		"kept":              {[]address{at("a", ""), at("b", "")}, state},
		"reordered":         {[]address{at("b", ""), at("a", "")}, []address{state[1], state[0]}},
		"removed":           {[]address{at("b", "")}, []address{state[1]}},
		"another address":   {[]address{at("a", "10.0.0.6")}, []address{at("a", "10.0.0.6")}},
		"a second":          {[]address{at("a", ""), at("a", "")}, []address{state[0], at("a", "?")}},
		"named goes first":  {[]address{at("a", ""), at("a", "10.0.0.5")}, []address{at("a", "?"), state[0]}},
		"by address alone":  {[]address{at("", "10.1.0.5")}, []address{state[1]}},
		"new address alone": {[]address{at("", "10.1.0.9")}, []address{at("?", "10.1.0.9")}},
		"unknown subnet":    {[]address{at("?", "")}, []address{at("?", "?")}},
	} {
		if got := planAddresses(c.config, state); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestInOrder(t *testing.T) {
	got := inOrder([]address{at("b", "?"), at("a", "10.0.0.5"), at("gone", "1.2.3.4")},
		[]wireAddress{{"a", "10.0.0.5"}, {"c", "10.2.0.1"}, {"b", "10.1.0.5"}})
	want := []address{at("b", "10.1.0.5"), at("a", "10.0.0.5"), at("c", "10.2.0.1")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestInOrderByAddressAlone(t *testing.T) {
	got := inOrder([]address{at("?", "10.0.0.9"), at("a", "10.0.0.2")}, []wireAddress{{"a", "10.0.0.2"}, {"a", "10.0.0.9"}})
	if want := []address{at("a", "10.0.0.9"), at("a", "10.0.0.2")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestToldPairs(t *testing.T) {
	const own = "fa:16:3e:00:00:01"
	null, mac := types.StringNull(), types.StringValue(own)
	got := told([]pair{{types.StringValue("10.0.0.9"), mac}},
		[]wirePair{{"10.0.0.8", own}, {"10.0.0.9", own}, {"10.0.0.10", "fa:16:3e:00:00:02"}}, own)
	want := []pair{{types.StringValue("10.0.0.8"), null}, {types.StringValue("10.0.0.9"), mac}, {types.StringValue("10.0.0.10"), types.StringValue("fa:16:3e:00:00:02")}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
