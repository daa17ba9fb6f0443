package identity

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// guarded are the roles that policy names: they cannot be deleted or renamed.
var guarded = []string{"admin", "manager", "member", "reader", "service"}

// checkName refuses names that Keystone refuses. field is a JSON pointer.
func checkName(kind, name, field string) error {
	limit := 255
	if kind == "project" || kind == "domain" {
		limit = 64
	}
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > limit {
		return cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'name': a name of 1 to %d characters is required.", limit).At(field)
	}
	return nil
}

func taken(kind, name string) *cloud.Error {
	return cloud.Errorf(cloud.Conflict, kind, "Conflict occurred attempting to store %s - Duplicate entry found with name %s.", kind, name).
		At("/" + strings.ReplaceAll(kind, " ", "_") + "/name")
}

// DomainPut stores a new or changed domain. Error kinds: Invalid, Conflict,
// Forbidden for an immutable one and for disabling the default one.
func DomainPut(tx *statestore.Txn, d Domain) (Domain, error) {
	if err := checkName("domain", d.Name, "/domain/name"); err != nil {
		return d, err
	}
	if other, ok := Domains.First(tx, "name", folded(d.Name)); ok && other.ID != d.ID {
		return d, taken("domain", d.Name)
	}
	if d.ID == DefaultDomain && !d.Enabled {
		return d, cloud.Errorf(cloud.Forbidden, "domain", "The default domain cannot be disabled: it would lock everybody out.")
	}
	if old, ok := Domains.Get(tx, d.ID); ok && old.Options.On(Immutable) {
		if old.Options = d.Options; !reflect.DeepEqual(old, d) {
			return d, unmovable("domain", d.ID, "update")
		}
	}
	if d.ID == "" {
		d.ID = newID(tx)
	}
	Domains.Put(tx, d)
	return d, nil
}

// DomainMake stores a new domain under an id of the caller's choice, if one is
// given: 32 hexadecimal digits, as a cloud that shares its domains with another
// has them. Error kinds: those of DomainPut.
func DomainMake(tx *statestore.Txn, d Domain, id string) (Domain, error) {
	if id != "" && !hexID.MatchString(id) {
		return d, cloud.Errorf(cloud.Invalid, "domain", "Invalid input for field 'explicit_domain_id': 32 hexadecimal digits are required.").At("/domain/explicit_domain_id")
	}
	if _, err := ProjectGet(tx, id); err == nil {
		return d, cloud.Errorf(cloud.Conflict, "domain", "Conflict occurred attempting to store domain - Duplicate ID, %s.", id)
	}
	d.ID = cmp.Or(id, d.ID)
	return DomainPut(tx, d)
}

// DomainDelete deletes a disabled domain with all that is in it. Error kinds:
// NotFound, Forbidden for one that is enabled.
func DomainDelete(tx *statestore.Txn, id string) error {
	d, ok := Domains.Get(tx, id)
	if !ok {
		return missing("domain", id)
	}
	if d.Enabled {
		return cloud.Errorf(cloud.Forbidden, "domain", "Cannot delete a domain that is enabled, please disable it first.")
	}
	if d.Options.On(Immutable) {
		return unmovable("domain", id, "delete")
	}
	for _, p := range slices.Collect(Projects.By(tx, "domain", id)) {
		projectRemove(tx, p.ID)
	}
	for _, u := range slices.Collect(Users.By(tx, "domain", id)) {
		if err := UserDelete(tx, u.ID); err != nil {
			return err
		}
	}
	for _, g := range slices.Collect(Groups.By(tx, "domain", id)) {
		if err := GroupDelete(tx, g.ID); err != nil {
			return err
		}
	}
	for _, role := range slices.Collect(Roles.All(tx)) {
		if role.DomainID == id {
			roleRemove(tx, role.ID)
		}
	}
	drop(tx, "scope", Scope{DomainScope, id}.key())
	drop(tx, "scope", Scope{ProjectScope, id}.key())
	dropCredentials(tx, "project", id)
	dropAppCredentials(tx, "project", id)
	dropTrusts(tx, "project", id)
	dropOAuth(tx, "project", id)
	dropEndpointFilters(tx, "project", id)
	dropLimits(tx, "owner", id)
	for _, p := range slices.Collect(IdentityProviders.By(tx, "domain", id)) {
		if err := IdentityProviderDelete(tx, p.ID); err != nil {
			return err
		}
	}
	DomainConfigs.Delete(tx, id)
	Domains.Delete(tx, id)
	retirees.Put(tx, retired{id})
	return nil
}

// UserPut stores a new or changed user. A changed password, and disabling,
// void the user's tokens. Error kinds: Invalid, NotFound for its domain, Conflict.
func UserPut(tx *statestore.Txn, u User) (User, error) {
	if err := checkName("user", u.Name, "/user/name"); err != nil {
		return u, err
	}
	if _, ok := Domains.Get(tx, u.DomainID); !ok {
		return u, missing("domain", u.DomainID).At("/user/domain_id")
	}
	if other, ok := Users.First(tx, "name", folded(u.DomainID, u.Name)); ok && other.ID != u.ID {
		return u, taken("user", u.Name)
	}
	if u.DefaultProjectID != "" && !idString.MatchString(u.DefaultProjectID) {
		return u, cloud.Errorf(cloud.Invalid, "user", "Invalid input for field 'default_project_id': an id of at most 64 letters, digits and dashes is required.").At("/user/default_project_id")
	}
	if _, domain := Domains.Get(tx, u.DefaultProjectID); domain {
		return u, cloud.Errorf(cloud.Invalid, "user", "Invalid input for field 'default_project_id': %s is a domain; a project is required.", u.DefaultProjectID).At("/user/default_project_id")
	}
	if old, ok := Users.Get(tx, u.ID); ok && (old.PasswordHash != u.PasswordHash || old.Enabled && !u.Enabled) {
		u.ValidAfter = tx.Now()
		if !u.ValidAfter.After(old.ValidAfter) { // each change is a new epoch, whatever the clock says
			u.ValidAfter = old.ValidAfter.Add(1)
		}
	}
	if u.ID == "" {
		u.ID = newID(tx)
	}
	Users.Put(tx, u)
	return u, nil
}

// UserDelete deletes a user, its memberships, assignments and credentials. Error kind: NotFound.
func UserDelete(tx *statestore.Txn, id string) error {
	if !Users.Delete(tx, id) {
		return missing("user", id)
	}
	retirees.Put(tx, retired{id})
	leave(tx, "user", id)
	drop(tx, "actor", id)
	dropCredentials(tx, "user", id)
	dropAppCredentials(tx, "user", id)
	dropTrusts(tx, "user", id)
	dropOAuth(tx, "user", id)
	return nil
}

// RolePut stores a new or changed role. Error kinds: Invalid, Conflict, Forbidden
// for an immutable one and for a new name of a role that policy names.
func RolePut(tx *statestore.Txn, role Role) (Role, error) {
	if err := checkName("role", role.Name, "/role/name"); err != nil {
		return role, err
	}
	if role.DomainID != "" {
		if _, ok := Domains.Get(tx, role.DomainID); !ok {
			return role, missing("domain", role.DomainID).At("/role/domain_id")
		}
	}
	if other, ok := Roles.First(tx, "name", folded(role.DomainID, role.Name)); ok && other.ID != role.ID {
		return role, taken("role", role.Name)
	}
	if old, ok := Roles.Get(tx, role.ID); ok && old.Name != role.Name && old.DomainID == "" && slices.Contains(guarded, old.Name) {
		return role, cloud.Errorf(cloud.Forbidden, "role", "The role %s cannot be renamed: policy names it.", old.Name)
	}
	if old, ok := Roles.Get(tx, role.ID); ok && old.Options.On(Immutable) {
		if old.Options = role.Options; !reflect.DeepEqual(old, role) {
			return role, unmovable("role", role.ID, "update")
		}
	}
	if role.ID == "" {
		role.ID = newID(tx)
	}
	Roles.Put(tx, role)
	return role, nil
}

// RoleDelete deletes a role, its assignments and its place in others'
// implications. Error kinds: NotFound, Forbidden for a role that policy names.
func RoleDelete(tx *statestore.Txn, id string) error {
	role, ok := Roles.Get(tx, id)
	if !ok {
		return missing("role", id)
	}
	if role.DomainID == "" && slices.Contains(guarded, role.Name) {
		return cloud.Errorf(cloud.Forbidden, "role", "The role %s cannot be deleted: policy names it.", role.Name)
	}
	if role.Options.On(Immutable) {
		return unmovable("role", id, "delete")
	}
	roleRemove(tx, id)
	return nil
}

func roleRemove(tx *statestore.Txn, id string) {
	for _, other := range slices.Collect(Roles.All(tx)) {
		if slices.Contains(other.Implies, id) {
			other.Implies = slices.DeleteFunc(slices.Clone(other.Implies), func(x string) bool { return x == id })
			Roles.Put(tx, other)
		}
	}
	drop(tx, "role", id)
	Roles.Delete(tx, id)
}

// RoleImply makes one role come with another, or no longer. Error kinds:
// NotFound, Invalid for a circle, Forbidden for a role of one domain that a role
// for all is to imply.
func RoleImply(tx *statestore.Txn, prior, implied string, on bool) error {
	p, ok := Roles.Get(tx, prior)
	if !ok {
		return missing("role", prior)
	}
	i, ok := Roles.Get(tx, implied)
	if !ok {
		return missing("role", implied)
	}
	if on && p.DomainID == "" && i.DomainID != "" {
		return cloud.Errorf(cloud.Forbidden, "role", "%s, a role for all domains, cannot imply %s, which is for one.", prior, implied)
	}
	had := slices.Contains(p.Implies, implied)
	if !on {
		if !had {
			return cloud.Errorf(cloud.NotFound, "role", "%s does not imply %s.", prior, implied)
		}
		p.Implies = slices.DeleteFunc(slices.Clone(p.Implies), func(x string) bool { return x == implied })
	} else if !had {
		if prior == implied || implies(tx, implied, prior) {
			return cloud.Errorf(cloud.Invalid, "role", "%s cannot imply %s: the roles would imply each other.", prior, implied)
		}
		if i.Name == guarded[0] && i.DomainID == "" {
			return cloud.Errorf(cloud.Forbidden, "role", "%s cannot be an implied role: it has all power.", implied)
		}
		p.Implies = append(slices.Clone(p.Implies), implied)
	}
	Roles.Put(tx, p)
	return nil
}

// implies reports whether a comes with b, over any number of steps.
func implies(r statestore.Reader, a, b string) bool {
	role, _ := Roles.Get(r, a)
	return slices.ContainsFunc(role.Implies, func(x string) bool { return x == b || implies(r, x, b) })
}
