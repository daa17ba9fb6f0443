package keystone

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) trustRoutes() []front.Route {
	const of, one = "/OS-TRUST/trusts", "/OS-TRUST/trusts/{id}"
	t := trustTarget
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:trust:list", Target: trustsTarget, Handle: trustList},
		{Method: "POST", Path: of, Rule: "identity:trust:create", Target: newOf("trust", "trustor_user_id"), Handle: a.trustCreate},
		{Method: "GET", Path: one, Rule: "identity:trust:get", Target: t, Handle: trustShow},
		{Method: "DELETE", Path: one, Rule: "identity:trust:delete", Target: t, Handle: a.lasting(deleter(identity.TrustDelete))},
		{Method: "GET", Path: one + "/roles", Rule: "identity:trust:get", Target: t, Handle: trustRoles},
		{Method: "GET", Path: one + "/roles/{role}", Rule: "identity:trust:get", Target: t, Handle: trustRole},
	}
}

// trustTarget tells everybody of a trust that does not exist: its trustor, who
// deleted it, is to know.
func trustTarget(rq *front.Request) (cloud.Target, error) {
	t, err := identity.TrustGet(rq.Read(), rq.PathValue("id"))
	return targetOfTrust(t), err
}

// trustsTarget is of the trustor and the trustee that the query names. Of all trusts it is nobody's.
func trustsTarget(rq *front.Request) (cloud.Target, error) {
	q := rq.Query()
	return targetOfTrust(identity.Trust{TrustorID: q.Get("trustor_user_id"), TrusteeID: q.Get("trustee_user_id")}), nil
}

func targetOfTrust(t identity.Trust) cloud.Target {
	return cloud.Target{UserID: t.TrustorID, Attr: map[string]string{"trustee_user_id": t.TrusteeID}}
}

type trustWire struct {
	ID            string     `json:"id"`
	TrustorID     string     `json:"trustor_user_id"`
	TrusteeID     string     `json:"trustee_user_id"`
	ProjectID     string     `json:"project_id"`
	Impersonation bool       `json:"impersonation"`
	ExpiresAt     any        `json:"expires_at"`
	DeletedAt     any        `json:"deleted_at"`
	Remaining     any        `json:"remaining_uses"`
	Redelegations int        `json:"redelegation_count"`
	ParentID      string     `json:"redelegated_trust_id,omitzero"`
	Roles         []lentRole `json:"roles,omitzero"` // not in a list
	RolesLinks    *listLinks `json:"roles_links,omitzero"`
	Links         self       `json:"links"`
}

func renderTrust(rq *front.Request, t identity.Trust) trustWire {
	w := trustWire{ID: t.ID, TrustorID: t.TrustorID, TrusteeID: t.TrusteeID, ProjectID: t.ProjectID, Impersonation: t.Impersonation,
		ExpiresAt: null, DeletedAt: null, Remaining: null, Redelegations: t.Redelegations, ParentID: t.ParentID, Links: selfLink(rq, "/OS-TRUST/trusts/"+t.ID)}
	if !t.ExpiresAt.IsZero() {
		w.ExpiresAt = stamp(t.ExpiresAt)
	}
	if t.Counted {
		w.Remaining = t.Remaining
	}
	return w
}

// renderWhole renders a trust with its roles.
func renderWhole(rq *front.Request, t identity.Trust) map[string]trustWire {
	w := renderTrust(rq, t)
	w.Roles, w.RolesLinks = renderLent(rq, t.RoleIDs), &listLinks{w.Links.Self + "/roles", null, null}
	return map[string]trustWire{"trust": w}
}

func trustList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []trustWire
	for t := range identity.Trusts.All(rq.Read()) {
		if rq.Can("identity:trust:get", targetOfTrust(t)) && f.text("trustor_user_id", t.TrustorID) && f.text("trustee_user_id", t.TrusteeID) {
			out = append(out, renderTrust(rq, t))
		}
	}
	return paged(rq, "trusts", out, columns[trustWire]{"id": func(t *trustWire) string { return t.ID }})
}

func trustShow(rq *front.Request) (*front.Response, error) {
	t, err := identity.TrustGet(rq.Read(), rq.PathValue("id"))
	return front.OK(renderWhole(rq, t)), err
}

func trustRoles(rq *front.Request) (*front.Response, error) {
	t, err := identity.TrustGet(rq.Read(), rq.PathValue("id"))
	return list(rq, "roles", renderLent(rq, t.RoleIDs)), err
}

func trustRole(rq *front.Request) (*front.Response, error) {
	t, err := identity.TrustGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return lentRoleAnswer(rq, t.RoleIDs)
}

// lentRoleAnswer tells the role that the path names, if it is one of those lent. Error kind: NotFound.
func lentRoleAnswer(rq *front.Request, ids []string) (*front.Response, error) {
	roles := renderLent(rq, ids)
	n := slices.IndexFunc(roles, func(role lentRole) bool { return role.ID == rq.PathValue("role") })
	if n < 0 {
		return nil, cloud.Errorf(cloud.NotFound, "role", "Could not find role: %s.", rq.PathValue("role"))
	}
	return front.OK(map[string]lentRole{"role": roles[n]}), nil
}

type trustBody struct {
	Trust struct {
		TrustorID     string           `json:"trustor_user_id"`
		TrusteeID     string           `json:"trustee_user_id"`
		ProjectID     string           `json:"project_id"`
		Roles         []roleRef        `json:"roles"`
		Impersonation *bool            `json:"impersonation"`
		ExpiresAt     optional[string] `json:"expires_at"`
		Remaining     *int             `json:"remaining_uses"`
		Redelegate    bool             `json:"allow_redelegation"`
		Redelegations *int             `json:"redelegation_count"`
		Unknown       identity.Extra   `json:",embed"` // Keystone takes it and forgets it
	} `json:"trust"`
}

// row is what the body says. Error kinds: Invalid, NotFound for a role.
func (b *trustBody) row(r statestore.Reader) (t identity.Trust, err error) {
	w := b.Trust
	for _, field := range []struct{ name, value string }{{"trustor_user_id", w.TrustorID}, {"trustee_user_id", w.TrusteeID}, {"project_id", w.ProjectID}} {
		if err := required("trust", field.name, field.value); err != nil {
			return t, err
		}
	}
	if w.Impersonation == nil {
		return t, required("trust", "impersonation", "")
	}
	t = identity.Trust{TrustorID: w.TrustorID, TrusteeID: w.TrusteeID, ProjectID: w.ProjectID, Impersonation: *w.Impersonation}
	if w.Remaining != nil {
		if t.Counted, t.Remaining = true, *w.Remaining; t.Remaining < 1 || w.Redelegate {
			return t, cloud.Errorf(cloud.Invalid, "trust", "Invalid input for field 'remaining_uses': at least 1 is required, and none for a trust that may be lent on.").At("/trust/remaining_uses")
		}
	}
	if t.ExpiresAt, err = momentOf("trust", "expires_at", w.ExpiresAt.Value); err != nil {
		return t, err
	}
	t.RoleIDs, err = rolesNamed(r, w.Roles, "/trust/roles")
	return t, err
}

// redelegations are how often the trust may be lent on: as often as asked, or as its
// parent allows.
func (b *trustBody) redelegations(r statestore.Reader, parentID string) int {
	switch {
	case !b.Trust.Redelegate:
		return 0
	case b.Trust.Redelegations != nil:
		return *b.Trust.Redelegations
	case parentID == "":
		return identity.MaxRedelegations
	}
	parent, _ := identity.Trusts.Get(r, parentID)
	return max(parent.Redelegations-1, 0)
}

// trustCreate lends; by a token that rests on a trust, that is lent on.
func (a *api) trustCreate(rq *front.Request) (*front.Response, error) {
	var b trustBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	t, err := b.row(rq.Read())
	if err != nil {
		return nil, err
	}
	if t.TrustorID != rq.Caller.UserID {
		return nil, cloud.Errorf(cloud.Forbidden, "trust", "The authenticated user should match the trustor.")
	}
	token, err := a.Authority.Validate(rq.Read(), rq.Token)
	if err != nil {
		return nil, err
	}
	if t.ParentID = token.TrustID; t.ParentID == "" && token.Restricted(rq.Read()) {
		return nil, cloud.Errorf(cloud.Forbidden, "trust", "A restricted application credential cannot be used to make trusts.")
	}
	t.Redelegations = b.redelegations(rq.Read(), t.ParentID)
	err = made(rq, identity.Trusts, &t, &t.ID, a.Authority.TrustMake)
	return front.Created(renderWhole(rq, t)), err
}
