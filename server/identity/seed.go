package identity

import "github.com/cloudlet/cloudlet/statestore"

// Seeding is what a new cloud begins with.
type Seeding struct {
	Region       string
	Key          []byte // NewKey, which seals tokens
	PasswordHash string // of the user admin, and of demo
	Demo         bool   // also the project and user demo, and the project service
}

// Seeded reports whether the cloud has its first user.
func Seeded(r statestore.Reader) bool { return Users.Len(r) > 0 }

// Seed makes the domain default, the roles that policy names, the project and
// user admin with all power, the catalog, and, as DevStack does, the project
// demo whose user demo is its member. It must run once, on an empty cloud.
func Seed(tx *statestore.Txn, s Seeding) error {
	Domains.Put(tx, Domain{ID: DefaultDomain, Name: "Default", Description: "The default domain", Enabled: true})
	if err := KeyRotate(tx, s.Key, 0); err != nil {
		return err
	}
	roles, err := seedRoles(tx)
	if err != nil {
		return err
	}
	projects := []string{"admin"}
	if s.Demo {
		projects = append(projects, "demo", "service")
	}
	ids := map[string]string{}
	for _, name := range projects {
		p, err := ProjectPut(tx, Project{Name: name, DomainID: DefaultDomain, Enabled: true})
		if err != nil {
			return err
		}
		ids[name] = p.ID
	}
	give := func(user User, role string, scopes ...Scope) error {
		for _, scope := range scopes {
			if err := AssignmentPut(tx, Assignment{RoleID: roles[role], UserID: user.ID, Scope: scope}); err != nil {
				return err
			}
		}
		return nil
	}
	admin, err := UserPut(tx, User{Name: "admin", DomainID: DefaultDomain, Enabled: true, PasswordHash: s.PasswordHash})
	if err != nil {
		return err
	}
	scopes := []Scope{{SystemScope, systemID}, {DomainScope, DefaultDomain}, {ProjectScope, ids["admin"]}}
	if s.Demo {
		scopes = append(scopes, Scope{ProjectScope, ids["demo"]})
	}
	if err := give(admin, "admin", scopes...); err != nil {
		return err
	}
	if s.Demo {
		demo, err := UserPut(tx, User{Name: "demo", DomainID: DefaultDomain, Email: "demo@example.com", Enabled: true, PasswordHash: s.PasswordHash})
		if err != nil {
			return err
		}
		if err := give(demo, "member", Scope{ProjectScope, ids["demo"]}); err != nil {
			return err
		}
	}
	return seedCatalog(tx, s.Region)
}

func seedRoles(tx *statestore.Txn) (map[string]string, error) {
	ids := map[string]string{}
	for _, name := range guarded {
		role, err := RolePut(tx, Role{Name: name})
		if err != nil {
			return nil, err
		}
		ids[name] = role.ID
	}
	for _, pair := range [][2]string{{"admin", "manager"}, {"manager", "member"}, {"member", "reader"}} {
		if err := RoleImply(tx, ids[pair[0]], ids[pair[1]], true); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func seedCatalog(tx *statestore.Txn, region string) error {
	if _, err := RegionPut(tx, Region{ID: region}); err != nil {
		return err
	}
	for _, s := range []struct{ name, kind, path string }{
		{"keystone", "identity", "/identity/v3"}, {"glance", "image", "/image"},
		{"nova", "compute", "/compute/v2.1"}, {"neutron", "network", "/networking"},
	} {
		service, err := ServicePut(tx, Service{Name: s.name, Type: s.kind, Enabled: true})
		if err != nil {
			return err
		}
		for _, face := range Interfaces {
			if _, err := EndpointPut(tx, Endpoint{ServiceID: service.ID, RegionID: region, Interface: face, URL: s.path, Enabled: true}); err != nil {
				return err
			}
		}
	}
	return nil
}
