package identity

import (
	"fmt"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// CallerOf returns who a user is in a scope, with the roles that count there, as a
// token for it would say. Names may be ids as well. Error kinds: NotFound;
// Precondition if the user could have no such token, with the reason.
func (a Authority) CallerOf(r statestore.Reader, u UserRef, s ScopeRef) (cloud.Caller, error) {
	user, err := namedUser(r, u)
	if err != nil {
		return cloud.Caller{}, err
	}
	scope, err := namedScope(r, s)
	if err != nil {
		return cloud.Caller{}, err
	}
	t := a.begin(nil)
	t.UserID, t.Scope, t.Epoch = user.ID, scope, user.ValidAfter
	c, err := a.check(r, t)
	if err == nil {
		return c, nil
	}
	reason := fmt.Sprintf("it, or the %s or a domain of either, is disabled", s.Kind)
	if len(RolesIn(r, user.ID, scope)) == 0 {
		reason = "it has no role there"
	}
	what := string(s.Kind)
	if s.Name != "" {
		what += " " + s.Name
	}
	return cloud.Caller{}, cloud.Errorf(cloud.Precondition, "", "User %s can have no token for the %s: %s.", user.Name, what, reason)
}

func namedUser(r statestore.Reader, u UserRef) (User, error) {
	d, err := namedDomain(r, u.UserDomainName)
	if err != nil {
		return User{}, err
	}
	if user, ok := Users.First(r, "name", folded(d.ID, u.UserName)); ok {
		return user, nil
	}
	return UserGet(r, u.UserName)
}

func namedDomain(r statestore.Reader, name string) (Domain, error) {
	if d, ok := Domains.First(r, "name", folded(name)); ok {
		return d, nil
	}
	return DomainGet(r, name)
}

func namedScope(r statestore.Reader, s ScopeRef) (Scope, error) {
	switch s.Kind {
	case SystemScope:
		return Scope{SystemScope, systemID}, nil
	case DomainScope:
		d, err := namedDomain(r, s.Name)
		return Scope{DomainScope, d.ID}, err
	}
	d, err := namedDomain(r, s.DomainName)
	if err != nil {
		return Scope{}, err
	}
	if p, ok := Projects.First(r, "name", folded(d.ID, s.Name)); ok {
		return Scope{ProjectScope, p.ID}, nil
	}
	p, err := ProjectGet(r, s.Name)
	return Scope{ProjectScope, p.ID}, err
}
