package identity

import (
	"iter"

	"github.com/cloudlet/cloudlet/statestore"
)

// Effect is a role that a user has somewhere, and why.
type Effect struct {
	Assignment            // as if it had been given there itself; never Inherited
	Given      Assignment // the assignment that it comes from
	PriorID    string     // the role that implies it; empty if it was given itself
}

// Effects returns what the assignments amount to: a group's as one of each member,
// inherited ones as one of each project they count in, implied roles beside those
// that imply them. What a user has for several reasons is there once for each: who takes one
// away sees what is left.
// Roles of one domain only are left out, as RolesIn does.
func Effects(r statestore.Reader) []Effect {
	var effects []Effect
	for given := range Assignments.All(r) {
		for user, scope := range holders(r, given) {
			type step struct{ roleID, priorID string }
			seen := map[step]bool{}
			var add func(roleID, priorID string)
			add = func(roleID, priorID string) {
				e := Effect{Assignment{RoleID: roleID, UserID: user, Scope: scope}, given, priorID}
				role, ok := Roles.Get(r, roleID)
				if !ok || seen[step{roleID, priorID}] {
					return
				}
				seen[step{roleID, priorID}] = true
				if role.DomainID == "" {
					effects = append(effects, e)
				}
				for _, implied := range role.Implies {
					add(implied, roleID)
				}
			}
			add(given.RoleID, "")
		}
	}
	return effects
}

// holders yields each user whom an assignment counts for with each scope it counts in.
func holders(r statestore.Reader, a Assignment) iter.Seq2[string, Scope] {
	return func(yield func(string, Scope) bool) {
		users := []string{a.UserID}
		if a.GroupID != "" {
			users = nil
			for m := range Memberships.By(r, "group", a.GroupID) {
				users = append(users, m.UserID)
			}
		}
		for _, s := range reach(r, a) {
			for _, user := range users {
				if !yield(user, s) {
					return
				}
			}
		}
	}
}

// reach returns the scopes that an assignment counts in.
func reach(r statestore.Reader, a Assignment) []Scope {
	if !a.Inherited {
		return []Scope{a.Scope}
	}
	var scopes []Scope
	if _, domain := Domains.Get(r, a.Scope.ID); domain {
		for p := range Projects.By(r, "domain", a.Scope.ID) {
			scopes = append(scopes, Scope{ProjectScope, p.ID})
		}
		return scopes
	}
	for _, p := range ProjectsBelow(r, a.Scope.ID) {
		scopes = append(scopes, Scope{ProjectScope, p.ID})
	}
	return scopes
}

// ProjectsBelow returns the projects below a project, over any number of steps.
func ProjectsBelow(r statestore.Reader, id string) []Project {
	var below []Project
	for p := range Projects.By(r, "parent", id) {
		below = append(below, p)
		below = append(below, ProjectsBelow(r, p.ID)...)
	}
	return below
}

// ProjectsAbove returns the projects above a project, the nearest first.
func ProjectsAbove(r statestore.Reader, p Project) []Project {
	var above []Project
	for {
		parent, ok := Projects.Get(r, p.ParentID)
		if !ok {
			return above
		}
		above, p = append(above, parent), parent
	}
}
