package network

import (
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// A client may choose the id of what its call makes, once, and of nothing else.
func TestChosenID(t *testing.T) {
	w := newWorld(t)
	c := ann
	c.ChosenID = "3f0c5a52-0000-4000-8000-000000000001"
	n := w.network(c, NetworkSpec{Name: "n"})
	s := w.subnet(c, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/24")})
	p := must(w, func(tx *statestore.Txn) (Port, error) { return PortCreate(tx, c, PortSpec{NetworkID: n.ID}) })
	g := must(w, func(tx *statestore.Txn) (SecurityGroup, error) {
		return SecurityGroupCreate(tx, c, GroupSpec{Name: "g"})
	})
	for _, id := range []string{n.ID, s.ID, p.ID, g.ID} {
		if id != c.ChosenID {
			t.Errorf("made as %s", id)
		}
	}
	for _, r := range SecurityGroupRules(w.s.Snapshot(), g.ID) {
		if r.ID == c.ChosenID {
			t.Error("a rule has the group's id")
		}
	}
	for name, again := range map[string]func(tx *statestore.Txn) error{
		"network": func(tx *statestore.Txn) error {
			_, err := NetworkCreate(tx, c, NetworkSpec{Name: "n"})
			return err
		},
		"subnet": func(tx *statestore.Txn) error {
			_, err := SubnetCreate(tx, c, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.1.0/24")})
			return err
		},
		"port": func(tx *statestore.Txn) error {
			_, err := PortCreate(tx, c, PortSpec{NetworkID: n.ID})
			return err
		},
		"security group": func(tx *statestore.Txn) error {
			_, err := SecurityGroupCreate(tx, c, GroupSpec{Name: "g"})
			return err
		},
	} {
		if err := w.try(again); !cloud.Is(err, cloud.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
