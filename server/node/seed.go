package node

import (
	"context"
	"crypto/rand"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// seed makes a new cloud have what it begins with, in one transaction. It does
// nothing to one that has users.
func (s *Server) seed(ctx context.Context) error {
	if identity.Seeded(s.store.Snapshot()) {
		if s.o.AdminPassword != "" {
			s.o.Log.Warn("this cloud has its users already: the admin password given is not used")
		}
		return nil
	}
	password := s.o.AdminPassword
	if password == "" {
		password = rand.Text()
	}
	hash, err := identity.PasswordHash(ctx, password)
	if err != nil {
		return err
	}
	if s.o.BeforeSeed != nil {
		if err := s.o.BeforeSeed(s.base, password); err != nil {
			return err
		}
	}
	seeding := identity.Seeding{Region: s.o.Region, Key: identity.NewKey(), PasswordHash: hash, Demo: s.o.Seed}
	return s.store.Write(ctx, func(tx *statestore.Txn) error {
		if err := identity.Seed(tx, seeding); err != nil || !s.o.Seed {
			return err
		}
		compute.SeedFlavors(tx)
		ids := map[string]string{}
		for p := range identity.Projects.All(tx) {
			ids[p.Name] = p.ID
		}
		return network.Seed(tx, network.SeedSpec{AdminProjectID: ids["admin"], DemoProjectID: ids["demo"]})
	})
}
