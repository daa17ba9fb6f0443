package keystone

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// accessTokenRoutes are what users have let consumers do.
func (a *api) accessTokenRoutes() []front.Route {
	const of, one = "/users/{id}/OS-OAUTH1/access_tokens", "/users/{id}/OS-OAUTH1/access_tokens/{token}"
	t := userTarget
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:access_token:list", Target: t, Handle: a.ownEyes(a.accessTokenList)},
		{Method: "GET", Path: one, Rule: "identity:access_token:get", Target: t, Handle: accessTokenShow},
		{Method: "DELETE", Path: one, Rule: "identity:access_token:delete", Target: t, Handle: a.lasting(accessTokenDelete)},
		{Method: "GET", Path: one + "/roles", Rule: "identity:access_token:get", Target: t, Handle: accessTokenRoles},
		{Method: "GET", Path: one + "/roles/{role}", Rule: "identity:access_token:get", Target: t, Handle: accessTokenRole},
	}
}

type accessTokenWire struct {
	ID         string           `json:"id"`
	ConsumerID string           `json:"consumer_id"`
	ProjectID  string           `json:"project_id"`
	UserID     string           `json:"authorizing_user_id"`
	ExpiresAt  any              `json:"expires_at"`
	Links      accessTokenLinks `json:"links"`
}

type accessTokenLinks struct {
	Roles string `json:"roles"`
	Self  string `json:"self"`
}

func renderAccessToken(rq *front.Request, t identity.OAuthToken) accessTokenWire {
	at := selfLink(rq, "/users/"+t.UserID+"/OS-OAUTH1/access_tokens/"+t.ID).Self
	w := accessTokenWire{t.ID, t.ConsumerID, t.ProjectID, t.UserID, null, accessTokenLinks{at + "/roles", at}}
	if !t.ExpiresAt.IsZero() {
		w.ExpiresAt = stamp(t.ExpiresAt)
	}
	return w
}

// ownEyes guards a row from who acts for another.
func (a *api) ownEyes(h front.Handler) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		t, err := a.Authority.Validate(rq.Read(), rq.Token)
		if err == nil && t.Delegated() {
			err = cloud.Errorf(cloud.Forbidden, "", "Cannot list access tokens with a token issued via delegation.")
		}
		if err != nil {
			return nil, err
		}
		return h(rq)
	}
}

func (a *api) accessTokenList(rq *front.Request) (*front.Response, error) {
	u, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var out []accessTokenWire
	for _, t := range a.Authority.AccessTokensOf(rq.Read(), u.ID) {
		out = append(out, renderAccessToken(rq, t))
	}
	return paged(rq, "access_tokens", out, columns[accessTokenWire]{"id": func(t *accessTokenWire) string { return t.ID }})
}

// accessTokenNamed returns the access token that the path names. Error kind: NotFound.
func accessTokenNamed(rq *front.Request) (identity.OAuthToken, error) {
	return identity.AccessTokenGet(rq.Read(), rq.PathValue("id"), rq.PathValue("token"))
}

func accessTokenShow(rq *front.Request) (*front.Response, error) {
	t, err := accessTokenNamed(rq)
	return front.OK(map[string]accessTokenWire{"access_token": renderAccessToken(rq, t)}), err
}

func accessTokenRoles(rq *front.Request) (*front.Response, error) {
	t, err := accessTokenNamed(rq)
	return list(rq, "roles", renderLent(rq, t.RoleIDs)), err
}

func accessTokenRole(rq *front.Request) (*front.Response, error) {
	t, err := accessTokenNamed(rq)
	if err != nil {
		return nil, err
	}
	return lentRoleAnswer(rq, t.RoleIDs)
}

func accessTokenDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		return identity.AccessTokenDelete(tx, rq.PathValue("id"), rq.PathValue("token"))
	})
}
