package identity

import "github.com/cloudlet/cloudlet/statestore"

func get[T any](t *statestore.Table[T], r statestore.Reader, kind, id string) (T, error) {
	row, ok := t.Get(r, id)
	if !ok {
		return row, missing(kind, id)
	}
	return row, nil
}

// DomainGet returns a domain by id. Error kind: NotFound, as for all of these.
func DomainGet(r statestore.Reader, id string) (Domain, error) { return get(Domains, r, "domain", id) }

// UserGet returns a user by id.
func UserGet(r statestore.Reader, id string) (User, error) { return get(Users, r, "user", id) }

// RoleGet returns a role by id.
func RoleGet(r statestore.Reader, id string) (Role, error) { return get(Roles, r, "role", id) }

// RegionGet returns a region by id.
func RegionGet(r statestore.Reader, id string) (Region, error) { return get(Regions, r, "region", id) }

// ServiceGet returns a service by id.
func ServiceGet(r statestore.Reader, id string) (Service, error) {
	return get(Services, r, "service", id)
}

// EndpointGet returns an endpoint by id.
func EndpointGet(r statestore.Reader, id string) (Endpoint, error) {
	return get(Endpoints, r, "endpoint", id)
}

// RoleNamed returns a role by its domain, empty for one of all domains, and name.
func RoleNamed(r statestore.Reader, domainID, name string) (Role, error) {
	role, ok := Roles.First(r, "name", folded(domainID, name))
	if !ok {
		return role, missing("role", name)
	}
	return role, nil
}
