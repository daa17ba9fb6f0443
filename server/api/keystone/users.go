package keystone

import (
	"cmp"
	"context"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) userRoutes() []front.Route {
	t := userTarget
	return []front.Route{
		{Method: "GET", Path: "/users", Rule: "identity:user:list", Handle: userList},
		{Method: "POST", Path: "/users", Rule: "identity:user:create", Target: newIn("user"), Handle: userCreate},
		{Method: "GET", Path: "/users/{id}", Rule: "identity:user:get", Target: t, Handle: userShow},
		{Method: "PATCH", Path: "/users/{id}", Rule: "identity:user:update", Target: t, Handle: userUpdate},
		{Method: "DELETE", Path: "/users/{id}", Rule: "identity:user:delete", Target: t, Handle: deleter(identity.UserDelete)},
		// Who knows the password needs no token: the password may have expired.
		{Method: "POST", Path: "/users/{id}/password", Rule: front.Public, Handle: a.userPassword},
		{Method: "GET", Path: "/users/{id}/projects", Rule: "identity:project:list_of", Target: t, Handle: userProjects},
		{Method: "GET", Path: "/users/{id}/groups", Rule: "identity:user:get", Target: t, Handle: userGroups},
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
	ID                string   `json:"id"`
	Name              string   `json:"name"`
	DomainID          string   `json:"domain_id"`
	Enabled           bool     `json:"enabled"`
	Email             string   `json:"email,omitzero"`
	Description       string   `json:"description,omitzero"`
	DefaultProjectID  string   `json:"default_project_id,omitzero"`
	ProjectID         string   `json:"project_id,omitzero"`
	PasswordExpiresAt any      `json:"password_expires_at"`
	Options           struct{} `json:"options"`
	Links             self     `json:"links"`
}

func renderUser(rq *front.Request, u identity.User) userWire {
	return userWire{ID: u.ID, Name: u.Name, DomainID: u.DomainID, Enabled: u.Enabled, Email: u.Email, Description: u.Description,
		DefaultProjectID: u.DefaultProjectID, ProjectID: u.ProjectID, PasswordExpiresAt: stampOrNull(u.PasswordExpiresAt), Links: selfLink(rq, "/users/"+u.ID)}
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
		Options          options          `json:"options"`
	} `json:"user"`
}

// hashed returns the change that the body asks for. It blocks for a password hash.
func (b *userBody) hashed(ctx context.Context) (func(*identity.User) error, error) {
	w, hash := b.User, ""
	if w.Password.Value != "" {
		var err error
		if hash, err = identity.PasswordHash(ctx, string(w.Password.Value)); err != nil {
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
		if w.Password.Set {
			u.PasswordHash = hash
		}
		return cmp.Or(immutable("user", "id", w.ID, u.ID), immutable("user", "domain_id", w.DomainID, u.DomainID), w.Options.check("user"))
	}, nil
}

func userList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []userWire
	for u := range identity.Users.All(rq.Read()) {
		if f.text("name", u.Name) && f.text("domain_id", u.DomainID) && f.truth("enabled", u.Enabled) && rq.Can("identity:user:get", targetOfUser(u)) {
			out = append(out, renderUser(rq, u))
		}
	}
	return list(rq, "users", out), nil
}

func userShow(rq *front.Request) (*front.Response, error) {
	u, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]userWire{"user": renderUser(rq, u)}), err
}

func userCreate(rq *front.Request) (*front.Response, error) {
	var b userBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	u := identity.User{DomainID: cmp.Or(b.User.DomainID.Value, homeDomain(rq)), Enabled: true}
	b.User.DomainID.Value = u.DomainID
	change, err := b.hashed(rq.Context())
	if err == nil {
		err = change(&u)
	}
	if err != nil {
		return nil, err
	}
	u, err = made(rq, u, identity.UserPut)
	return front.Created(map[string]userWire{"user": renderUser(rq, u)}), err
}

func userUpdate(rq *front.Request) (*front.Response, error) {
	var b userBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	change, err := b.hashed(rq.Context())
	if err != nil {
		return nil, err
	}
	u, err := edited(rq, identity.UserGet, change, identity.UserPut)
	return front.OK(map[string]userWire{"user": renderUser(rq, u)}), err
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
	u, err := a.Authority.PasswordProve(rq.Context(), rq.Read(), rq.PathValue("id"), string(b.User.Original))
	if err != nil {
		return nil, err
	}
	hash, err := identity.PasswordHash(rq.Context(), string(b.User.Password))
	if err != nil {
		return nil, cloud.AsError(err).At("/user/password")
	}
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return identity.PasswordReplace(tx, u, hash) })
}

func userProjects(rq *front.Request) (*front.Response, error) {
	if _, err := identity.UserGet(rq.Read(), rq.PathValue("id")); err != nil {
		return nil, err
	}
	projects, _, _ := identity.ScopesOf(rq.Read(), rq.PathValue("id"))
	return list(rq, "projects", renderProjects(rq, projects)), nil
}

// userGroups is empty: there are no groups.
func userGroups(rq *front.Request) (*front.Response, error) {
	_, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	return list(rq, "groups", []struct{}{}), err
}
