package identity

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// GroupGet returns a group by id. Error kind: NotFound.
func GroupGet(r statestore.Reader, id string) (Group, error) { return get(Groups, r, "group", id) }

// GroupPut stores a new or changed group. Error kinds: Invalid, NotFound for its
// domain, Conflict.
func GroupPut(tx *statestore.Txn, g Group) (Group, error) {
	if err := checkName("group", g.Name, "/group/name"); err != nil {
		return g, err
	}
	if _, ok := Domains.Get(tx, g.DomainID); !ok {
		return g, missing("domain", g.DomainID).At("/group/domain_id")
	}
	if other, ok := Groups.First(tx, "name", folded(g.DomainID, g.Name)); ok && other.ID != g.ID {
		return g, taken("group", g.Name)
	}
	if g.ID == "" {
		g.ID = newID(tx)
	}
	Groups.Put(tx, g)
	return g, nil
}

// GroupDelete deletes a group, its memberships and its assignments. Error kind:
// NotFound.
func GroupDelete(tx *statestore.Txn, id string) error {
	if !Groups.Delete(tx, id) {
		return missing("group", id)
	}
	leave(tx, "group", id)
	drop(tx, "actor", groupMark+id)
	return nil
}

// GroupJoin makes a user a member of a group; again is no error. Error kind:
// NotFound for the user or the group.
func GroupJoin(tx *statestore.Txn, m Membership) error {
	if err := joinable(tx, m); err != nil {
		return err
	}
	Memberships.Put(tx, m)
	return nil
}

// GroupLeave ends a membership. Error kind: NotFound.
func GroupLeave(tx *statestore.Txn, m Membership) error {
	if err := GroupHas(tx, m); err != nil {
		return err
	}
	Memberships.Delete(tx, m.key())
	return nil
}

// GroupHas returns nil if the user is a member of the group, else an error of
// kind NotFound.
func GroupHas(r statestore.Reader, m Membership) error {
	if err := joinable(r, m); err != nil {
		return err
	}
	if _, ok := Memberships.Get(r, m.key()); !ok {
		return cloud.Errorf(cloud.NotFound, "group", "User '%s' not found in group '%s'.", m.UserID, m.GroupID)
	}
	return nil
}

// MembersOf returns the users in a group.
func MembersOf(r statestore.Reader, groupID string) (members []User) {
	for m := range Memberships.By(r, "group", groupID) {
		if u, ok := Users.Get(r, m.UserID); ok {
			members = append(members, u)
		}
	}
	return members
}

// GroupsOf returns the groups that a user is in.
func GroupsOf(r statestore.Reader, userID string) (groups []Group) {
	for m := range Memberships.By(r, "user", userID) {
		if g, ok := Groups.Get(r, m.GroupID); ok {
			groups = append(groups, g)
		}
	}
	return groups
}

// AssignmentsOfGroup returns what a group was given, anywhere.
func AssignmentsOfGroup(r statestore.Reader, groupID string) []Assignment {
	return slices.Collect(Assignments.By(r, "actor", groupMark+groupID))
}

// AssignmentsOfUser returns what a user was given, itself and by its groups, and what trusts
// lend it, as given to who lends it.
func AssignmentsOfUser(r statestore.Reader, userID string) (given []Assignment) {
	for _, actor := range actorsOf(r, userID) {
		given = slices.AppendSeq(given, Assignments.By(r, "actor", actor))
	}
	for t := range Trusts.By(r, "user", userID) {
		for _, role := range t.RoleIDs {
			if t.TrusteeID == userID {
				given = append(given, Assignment{RoleID: role, UserID: t.TrustorID, Scope: Scope{ProjectScope, t.ProjectID}})
			}
		}
	}
	return given
}

func joinable(r statestore.Reader, m Membership) error {
	if _, ok := Groups.Get(r, m.GroupID); !ok {
		return missing("group", m.GroupID)
	}
	if _, ok := Users.Get(r, m.UserID); !ok {
		return missing("user", m.UserID)
	}
	return nil
}

// leave ends the memberships that index finds under a value.
func leave(tx *statestore.Txn, index, value string) {
	for _, m := range slices.Collect(Memberships.By(tx, index, value)) {
		Memberships.Delete(tx, m.key())
	}
}
