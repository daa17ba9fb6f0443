package keystone

import (
	"cmp"
	"context"
	"iter"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) userRoutes() []front.Route {
	t := userTarget
	return []front.Route{
		{Method: "GET", Path: "/users", Rule: "identity:user:list", Handle: a.userList},
		{Method: "POST", Path: "/users", Rule: "identity:user:create", Target: newIn("user"), Handle: a.userCreate},
		{Method: "GET", Path: "/users/{id}", Rule: "identity:user:get", Target: t, Handle: a.userShow},
		{Method: "PATCH", Path: "/users/{id}", Rule: "identity:user:update", Target: t, Handle: a.userUpdate},
		{Method: "DELETE", Path: "/users/{id}", Rule: "identity:user:delete", Target: t, Handle: userDelete},
		// Who knows the password needs no token: the password may have expired.
		{Method: "POST", Path: "/users/{id}/password", Rule: front.Public, Handle: a.userPassword},
		{Method: "GET", Path: "/users/{id}/projects", Rule: "identity:project:list_of", Target: t, Handle: userProjects},
		{Method: "GET", Path: "/users/{id}/groups", Rule: "identity:group:list_of", Target: t, Handle: userGroups},
	}
}

// userTarget is that of nobody for a user that does not exist: then only who
// sees everything is told so by the handler.
func userTarget(rq *front.Request) (cloud.Target, error) {
	u, ok := identity.Users.Get(rq.Read(), rq.PathValue("id"))
	if !ok {
		return cloud.Target{}, nil
	}
	return targetOfUser(u), nil
}

func targetOfUser(u identity.User) cloud.Target {
	return cloud.Target{UserID: u.ID, DomainID: u.DomainID}
}

type userWire struct {
	ID                string           `json:"id"`
	Name              string           `json:"name"`
	DomainID          string           `json:"domain_id"`
	Enabled           bool             `json:"enabled"`
	Email             string           `json:"email,omitzero"`
	Description       string           `json:"description,omitzero"`
	DefaultProjectID  string           `json:"default_project_id,omitzero"`
	ProjectID         string           `json:"project_id,omitzero"`
	PasswordExpiresAt any              `json:"password_expires_at"`
	Options           identity.Options `json:"options"`
	Links             self             `json:"links"`
	Extra             identity.Extra   `json:",embed"`
}

var userColumns = columns[userWire]{"id": func(u *userWire) string { return u.ID }, "name": func(u *userWire) string { return u.Name },
	"domain_id": func(u *userWire) string { return u.DomainID }}

func (a *api) renderUser(rq *front.Request, u identity.User) userWire {
	return userWire{ID: u.ID, Name: u.Name, DomainID: u.DomainID, Enabled: a.Authority.Enabled(u), Email: u.Email, Description: u.Description,
		DefaultProjectID: u.DefaultProjectID, ProjectID: u.ProjectID, PasswordExpiresAt: passwordEnd(u), Options: u.Options,
		Links: selfLink(rq, "/users/"+u.ID), Extra: u.Extra}
}

// passwordEnd renders when a user's password expires; null if it does not.
func passwordEnd(u identity.User) any {
	if u.Options.On(identity.IgnoreExpiry) {
		return null
	}
	return stampOrNull(u.PasswordExpiresAt)
}

type userBody struct {
	User struct {
		ID               optional[string] `json:"id"` // as in the path
		Name             optional[string] `json:"name"`
		DomainID         optional[string] `json:"domain_id"`
		DefaultProjectID optional[string] `json:"default_project_id"`
		ProjectID        optional[string] `json:"project_id"`
		Description      optional[string] `json:"description"`
		Email            optional[string] `json:"email"`
		Enabled          optional[bool]   `json:"enabled"`
		Password         optional[secret] `json:"password"`
		Options          identity.Options `json:"options"`
		Extra            identity.Extra   `json:",embed"`
	} `json:"user"`
}

// hashed returns the change that the body asks for. It blocks for a password hash.
func (a *api) hashed(ctx context.Context, b *userBody) (func(*identity.User) error, error) {
	w, hash := b.User, ""
	if w.Password.Value != "" {
		err := a.Authority.PasswordCheck(ctx, identity.User{}, string(w.Password.Value), false)
		if err == nil {
			hash, err = identity.PasswordHash(ctx, string(w.Password.Value))
		}
		if err != nil {
			return nil, cloud.AsError(err).At("/user/password")
		}
	}
	return func(u *identity.User) error {
		w.Name.to(&u.Name)
		w.DefaultProjectID.to(&u.DefaultProjectID)
		w.ProjectID.to(&u.ProjectID)
		w.Description.to(&u.Description)
		w.Email.to(&u.Email)
		w.Enabled.to(&u.Enabled)
		err := cmp.Or(immutable("user", "id", w.ID, u.ID), immutable("user", "domain_id", w.DomainID, u.DomainID),
			change("user", &u.Options, w.Options, &u.Extra, w.Extra))
		if w.Password.Set {
			a.Authority.PasswordSet(u, hash, false)
		}
		if w.Enabled.Value || u.ID == "" {
			a.Authority.Active(u)
		}
		return err
	}, nil
}

func (a *api) userList(rq *front.Request) (*front.Response, error) {
	if q := rq.Query(); q.Has("idp_id") || q.Has("protocol_id") || q.Has("unique_id") { // of users who log in by federation: there are none
		return a.usersPaged(rq, func(func(identity.User) bool) {})
	}
	return a.usersPaged(rq, identity.Users.All(rq.Read()))
}

// usersPaged renders the users that the query asks for and the caller may see. Policy is asked last:
// that costs most.
func (a *api) usersPaged(rq *front.Request, users iter.Seq[identity.User]) (*front.Response, error) {
	f := filterOf(rq)
	expires, err := f.moment("password_expires_at")
	if err != nil {
		return nil, err
	}
	var out []userWire
	for u := range users {
		if f.text("name", u.Name) && f.text("domain_id", u.DomainID) && f.truth("enabled", a.Authority.Enabled(u)) && expires(u.PasswordExpiresAt) &&
			rq.Can("identity:user:get", targetOfUser(u)) {
			out = append(out, a.renderUser(rq, u))
		}
	}
	return paged(rq, "users", out, userColumns)
}

func (a *api) userShow(rq *front.Request) (*front.Response, error) {
	u, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]userWire{"user": a.renderUser(rq, u)}), err
}

func (a *api) userCreate(rq *front.Request) (*front.Response, error) {
	var b userBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	u := identity.User{DomainID: cmp.Or(b.User.DomainID.Value, homeDomain(rq)), Enabled: true}
	b.User.DomainID.Value = u.DomainID
	change, err := a.hashed(rq.Context(), &b)
	if err == nil {
		err = change(&u)
	}
	if err != nil {
		return nil, err
	}
	err = made(rq, identity.Users, &u, &u.ID, identity.UserPut)
	return front.Created(map[string]userWire{"user": a.renderUser(rq, u)}), err
}

func (a *api) userUpdate(rq *front.Request) (*front.Response, error) {
	var b userBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if err := mayGive(rq, identity.AssignmentsOfUser(rq.Read(), rq.PathValue("id"))); err != nil {
		return nil, err
	}
	change, err := a.hashed(rq.Context(), &b)
	if err != nil {
		return nil, err
	}
	u, err := edited(rq, identity.UserGet, change, identity.UserPut)
	return front.OK(map[string]userWire{"user": a.renderUser(rq, u)}), err
}

func userDelete(rq *front.Request) (*front.Response, error) {
	if err := mayGive(rq, identity.AssignmentsOfUser(rq.Read(), rq.PathValue("id"))); err != nil {
		return nil, err
	}
	return deleter(identity.UserDelete)(rq)
}

func (a *api) userPassword(rq *front.Request) (*front.Response, error) {
	var b struct {
		User struct {
			Password secret `json:"password"`
			Original secret `json:"original_password"`
		} `json:"user"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if b.User.Original == "" {
		return nil, expecting("original_password", "user", "/user/original_password")
	}
	id := rq.PathValue("id")
	u, err := a.Authority.PasswordProve(rq.Context(), rq.Read(), id, string(b.User.Original))
	if err := a.noted(rq, identity.Credentials{UserRef: identity.UserRef{UserID: id}, Methods: []string{"password"}}, err); err != nil {
		return nil, err
	}
	if err := a.Authority.PasswordCheck(rq.Context(), u, string(b.User.Password), true); err != nil {
		return nil, err
	}
	hash, err := identity.PasswordHash(rq.Context(), string(b.User.Password))
	if err != nil {
		return nil, cloud.AsError(err).At("/user/password")
	}
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return a.Authority.PasswordReplace(tx, u, hash) })
}

// noted keeps what has to be kept of an attempt to prove a password, and returns
// the error that it ended with.
func (a *api) noted(rq *front.Request, c identity.Credentials, err error) error {
	if note := a.Authority.Noted(rq.Read(), c, err); note != nil {
		return cmp.Or(err, rq.Write(note))
	}
	return err
}

func userProjects(rq *front.Request) (*front.Response, error) {
	if _, err := identity.UserGet(rq.Read(), rq.PathValue("id")); err != nil {
		return nil, err
	}
	projects, _, _ := identity.ScopesOf(rq.Read(), rq.PathValue("id"))
	if rq.Caller.UserID != rq.PathValue("id") { // one's own are seen all
		projects = visible(rq, "identity:project:get", projects, func(p identity.Project) cloud.Target {
			return targetOfScope(rq.Read(), identity.Scope{Kind: identity.ProjectScope, ID: p.ID})
		})
	}
	return list(rq, "projects", renderProjects(rq, projects)), nil
}

func userGroups(rq *front.Request) (*front.Response, error) {
	if _, err := identity.UserGet(rq.Read(), rq.PathValue("id")); err != nil {
		return nil, err
	}
	groups := identity.GroupsOf(rq.Read(), rq.PathValue("id"))
	if rq.Caller.UserID != rq.PathValue("id") {
		groups = visible(rq, "identity:group:get", groups, targetOfGroup)
	}
	return groupsPaged(rq, groups)
}
