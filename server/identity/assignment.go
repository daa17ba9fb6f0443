package identity

import (
	"cmp"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// actorsOf returns whose assignments count for a user: its own and its groups'.
func actorsOf(r statestore.Reader, userID string) []string {
	actors := []string{userID}
	for m := range Memberships.By(r, "user", userID) {
		actors = append(actors, groupMark+m.GroupID)
	}
	return actors
}

// RolesIn returns the roles that a user has in a scope, itself or by its groups,
// inherited and implied ones included, each once. A role of one domain only stands for those that it
// implies: policy goes by names, and a domain chooses its own.
func RolesIn(r statestore.Reader, userID string, s Scope) []Role {
	var given []string
	actors := actorsOf(r, userID)
	take := func(s Scope, inherited bool) {
		for _, actor := range actors {
			for a := range Assignments.By(r, "actor_scope", statestore.Key(actor, s.key())) {
				if a.Inherited == inherited {
					given = append(given, a.RoleID)
				}
			}
		}
	}
	take(s, false)
	if p, ok := Projects.Get(r, s.ID); ok && s.Kind == ProjectScope {
		for _, parent := range ProjectsAbove(r, p) {
			take(Scope{ProjectScope, parent.ID}, true)
		}
		take(Scope{ProjectScope, p.DomainID}, true)
		take(Scope{DomainScope, p.DomainID}, true)
	}
	return expanded(r, given)
}

// AssignmentPut gives a user or group a role in a scope; again is no error. Error
// kinds: NotFound for a user, group, role or scope that does not exist, Forbidden
// for a role of another domain.
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

// AssignmentsLike returns what the user or group of one was given in its scope
// itself, with any role. Error kind: NotFound for a user, group or scope that does
// not exist.
func AssignmentsLike(r statestore.Reader, like Assignment) ([]Assignment, error) {
	if err := assignable(r, like); err != nil {
		return nil, err
	}
	var given []Assignment
	for a := range Assignments.By(r, "actor_scope", statestore.Key(like.actor(), like.Scope.key())) {
		if a.Inherited == like.Inherited {
			given = append(given, a)
		}
	}
	return given, nil
}

// domainOf returns the domain that a scope is or is in; empty for the system.
func domainOf(r statestore.Reader, s Scope) string {
	switch s.Kind {
	case ProjectScope:
		p, _ := ProjectGet(r, s.ID)
		return cmp.Or(p.DomainID, p.ID)
	case DomainScope:
		return s.ID
	}
	return ""
}

func noAssignment(a Assignment) error {
	return cloud.Errorf(cloud.NotFound, "role assignment", "Could not find role assignment with role: %s, user or group: %s, %s: %s.",
		a.RoleID, cmp.Or(a.UserID, a.GroupID), a.Scope.Kind, a.Scope.ID)
}

// assignable checks user or group, and scope.
func assignable(r statestore.Reader, a Assignment) error {
	if a.GroupID != "" {
		if _, ok := Groups.Get(r, a.GroupID); !ok {
			return missing("group", a.GroupID)
		}
	} else if _, ok := Users.Get(r, a.UserID); !ok {
		return missing("user", a.UserID)
	}
	ok := a.Scope.Kind == SystemScope
	switch a.Scope.Kind {
	case ProjectScope:
		_, err := ProjectGet(r, a.Scope.ID)
		ok = err == nil
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
	seen := map[Scope]bool{}
	add := func(s Scope) {
		if seen[s] {
			return
		}
		seen[s] = true
		if s.Kind == DomainScope {
			if d, ok := Domains.Get(r, s.ID); ok && d.Enabled {
				domains = append(domains, d)
			}
		} else if p, err := ProjectGet(r, s.ID); err == nil && p.Enabled {
			projects = append(projects, p)
		}
	}
	for _, actor := range actorsOf(r, userID) {
		for a := range Assignments.By(r, "actor", actor) {
			if a.Scope.Kind == SystemScope {
				system = true
				continue
			}
			for _, s := range reach(r, a) {
				if len(RolesIn(r, userID, s)) > 0 {
					add(s)
				}
			}
		}
	}
	return projects, domains, system
}

func missing(kind, id string) *cloud.Error {
	return &cloud.Error{Kind: cloud.NotFound, Resource: kind, ID: id, Msg: "Could not find " + kind + ": " + id + "."}
}
