package neutron

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
)

// asked returns the rules that a resource's attributes ask for.
func asked[T any](s *resource[T]) (names []string) {
	for _, a := range s.attributes {
		names = append(names, a.get)
		for _, v := range []string{`true`, `"network:dhcp"`, `[{"ip_address":"10.0.0.1"}]`, `[{"subnet_id":"s"}]`} {
			if a.set != nil {
				names = append(names, a.set(jsontext.Value(v), true), a.set(jsontext.Value(v), false))
			}
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}

func TestEveryRuleIsInThePolicy(t *testing.T) {
	a := &api{}
	s := Service(Deps{})
	names := slices.Concat([]string{s.Visible}, asked(a.networks()), asked(subnets()), asked(ports()), asked(groups()), asked(rules()))
	front.Rows([]*front.Service{s}, func(_ *front.Service, _ string, r *front.Route) {
		if r.Rule != front.Public && r.Rule != front.Authenticated {
			names = append(names, r.Rule)
		}
	})
	set, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	undefined, unused := set.Check(names)
	if len(undefined) > 0 {
		t.Errorf("rules that nothing defines: %v", undefined)
	}
	for _, name := range unused {
		if strings.HasPrefix(name, "network:") {
			t.Errorf("rule %s is asked by nothing", name)
		}
	}
}
