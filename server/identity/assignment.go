package identity

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// RolesIn returns the roles that a user has in a scope, inherited and implied
// ones included, each once. A role of one domain only stands for those that it
// implies: policy goes by names, and a domain chooses its own.
func RolesIn(r statestore.Reader, userID string, s Scope) []Role {
	var roles []Role
	seen := map[string]bool{}
	var add func(id string)
	add = func(id string) {
		role, ok := Roles.Get(r, id)
		if !ok || seen[id] {
			return
		}
		seen[id] = true
		if role.DomainID == "" {
			roles = append(roles, role)
		}
		for _, implied := range role.Implies {
			add(implied)
		}
	}
	take := func(s Scope, inherited bool) {
		for a := range Assignments.By(r, "user_scope", statestore.Key(userID, s.key())) {
			if a.Inherited == inherited {
				add(a.RoleID)
			}
		}
	}
	take(s, false)
	if p, ok := Projects.Get(r, s.ID); ok && s.Kind == ProjectScope {
		for _, parent := range ProjectsAbove(r, p) {
			take(Scope{ProjectScope, parent.ID}, true)
		}
		take(Scope{DomainScope, p.DomainID}, true)
	}
	return roles
}

// AssignmentPut gives a user a role in a scope; again is no error. Error kinds:
// NotFound for a user, role or scope that does not exist, Forbidden for a role
// of another domain.
func AssignmentPut(tx *statestore.Txn, a Assignment) error {
	if err := assignable(tx, a); err != nil {
		return err
	}
	role, err := RoleGet(tx, a.RoleID)
	if err != nil {
		return err
	}
	if role.DomainID != "" && role.DomainID != domainOf(tx, a.Scope) {
		return cloud.Errorf(cloud.Forbidden, "role", "The role %s can be given in its own domain %s only.", role.ID, role.DomainID)
	}
	Assignments.Put(tx, a)
	return nil
}

// AssignmentDelete takes it away. Error kind: NotFound.
func AssignmentDelete(tx *statestore.Txn, a Assignment) error {
	if !Assignments.Delete(tx, a.key()) {
		return noAssignment(a)
	}
	return nil
}

// AssignmentGet returns exactly this assignment. Error kind: NotFound.
func AssignmentGet(r statestore.Reader, a Assignment) (Assignment, error) {
	found, ok := Assignments.Get(r, a.key())
	if !ok {
		return a, noAssignment(a)
	}
	return found, nil
}

// AssignmentsOf returns what a user was given in a scope itself. Error kind:
// NotFound for a user or scope that does not exist.
func AssignmentsOf(r statestore.Reader, userID string, s Scope, inherited bool) ([]Assignment, error) {
	if err := assignable(r, Assignment{UserID: userID, Scope: s}); err != nil {
		return nil, err
	}
	var given []Assignment
	for a := range Assignments.By(r, "user_scope", statestore.Key(userID, s.key())) {
		if a.Inherited == inherited {
			given = append(given, a)
		}
	}
	return given, nil
}

// domainOf returns the domain that a scope is or is in; empty for the system.
func domainOf(r statestore.Reader, s Scope) string {
	switch s.Kind {
	case ProjectScope:
		p, _ := Projects.Get(r, s.ID)
		return p.DomainID
	case DomainScope:
		return s.ID
	}
	return ""
}

func noAssignment(a Assignment) error {
	return cloud.Errorf(cloud.NotFound, "role assignment", "Could not find role assignment with role: %s, user: %s, %s: %s.", a.RoleID, a.UserID, a.Scope.Kind, a.Scope.ID)
}

// assignable checks user and scope.
func assignable(r statestore.Reader, a Assignment) error {
	if _, ok := Users.Get(r, a.UserID); !ok {
		return missing("user", a.UserID)
	}
	ok := a.Scope.Kind == SystemScope
	switch a.Scope.Kind {
	case ProjectScope:
		_, ok = Projects.Get(r, a.Scope.ID)
	case DomainScope:
		_, ok = Domains.Get(r, a.Scope.ID)
	}
	if !ok {
		return missing(string(a.Scope.Kind), a.Scope.ID)
	}
	return nil
}

// drop deletes the assignments that index finds under a value.
func drop(tx *statestore.Txn, index, value string) {
	for _, a := range slices.Collect(Assignments.By(tx, index, value)) {
		Assignments.Delete(tx, a.key())
	}
}

// ScopesOf returns the projects and domains that a user can get a token for,
// and whether the system is among them.
func ScopesOf(r statestore.Reader, userID string) (projects []Project, domains []Domain, system bool) {
	seen := map[string]bool{}
	add := func(p Project) {
		if !seen[p.ID] && p.Enabled {
			seen[p.ID] = true
			projects = append(projects, p)
		}
	}
	for a := range Assignments.By(r, "user", userID) {
		switch {
		case a.Scope.Kind == SystemScope:
			system = true
		case a.Scope.Kind == DomainScope && !a.Inherited:
			if d, ok := Domains.Get(r, a.Scope.ID); ok && d.Enabled && !seen[d.ID] {
				seen[d.ID] = true
				domains = append(domains, d)
			}
		case a.Scope.Kind == ProjectScope && !a.Inherited:
			if p, ok := Projects.Get(r, a.Scope.ID); ok {
				add(p)
			}
		default:
			for p := range Projects.All(r) {
				if len(RolesIn(r, userID, Scope{ProjectScope, p.ID})) > 0 {
					add(p)
				}
			}
		}
	}
	return projects, domains, system
}

func missing(kind, id string) *cloud.Error {
	return &cloud.Error{Kind: cloud.NotFound, Resource: kind, ID: id, Msg: "Could not find " + kind + ": " + id + "."}
}
