package keystone

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func roleRoutes() []front.Route {
	t := told(identity.RoleGet)
	return []front.Route{
		{Method: "GET", Path: "/roles", Rule: "identity:role:list", Handle: roleList},
		{Method: "POST", Path: "/roles", Rule: "identity:role:create", Handle: roleCreate},
		{Method: "GET", Path: "/roles/{id}", Rule: "identity:role:get", Target: t, Handle: roleShow},
		{Method: "PATCH", Path: "/roles/{id}", Rule: "identity:role:update", Target: t, Handle: roleUpdate},
		{Method: "DELETE", Path: "/roles/{id}", Rule: "identity:role:delete", Target: t, Handle: deleter(identity.RoleDelete)},
	}
}

type roleWire struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	DomainID    any              `json:"domain_id"`
	Description any              `json:"description"`
	Options     identity.Options `json:"options"`
	Links       self             `json:"links"`
	Extra       identity.Extra   `json:",embed"`
}

var roleColumns = columns[roleWire]{"id": func(r *roleWire) string { return r.ID }, "name": func(r *roleWire) string { return r.Name }}

func renderRole(rq *front.Request, r identity.Role) roleWire {
	return roleWire{ID: r.ID, Name: r.Name, DomainID: orNull(r.DomainID), Description: orNull(r.Description), Options: r.Options, Links: selfLink(rq, "/roles/"+r.ID), Extra: r.Extra}
}

type roleBody struct {
	Role struct {
		ID          optional[string] `json:"id"` // as in the path
		Name        optional[string] `json:"name"`
		DomainID    optional[string] `json:"domain_id"`
		Description optional[string] `json:"description"`
		Options     identity.Options `json:"options"`
		Extra       identity.Extra   `json:",embed"`
	} `json:"role"`
}

func (b *roleBody) apply(r *identity.Role) error {
	b.Role.Name.to(&r.Name)
	b.Role.Description.to(&r.Description)
	return cmp.Or(immutable("role", "id", b.Role.ID, r.ID), immutable("role", "domain_id", b.Role.DomainID, r.DomainID),
		change("role", &r.Options, b.Role.Options, &r.Extra, b.Role.Extra))
}

// roleList lists the roles of one domain if the query names it, else those that
// are for all domains.
func roleList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []roleWire
	for r := range identity.Roles.All(rq.Read()) {
		if f.text("name", r.Name) && r.DomainID == rq.Query().Get("domain_id") {
			out = append(out, renderRole(rq, r))
		}
	}
	return paged(rq, "roles", out, roleColumns)
}

func roleShow(rq *front.Request) (*front.Response, error) {
	r, err := identity.RoleGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]roleWire{"role": renderRole(rq, r)}), err
}

func roleCreate(rq *front.Request) (*front.Response, error) {
	var b roleBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	r := identity.Role{DomainID: b.Role.DomainID.Value}
	if err := b.apply(&r); err != nil {
		return nil, err
	}
	err := made(rq, identity.Roles, &r, &r.ID, identity.RolePut)
	return front.Created(map[string]roleWire{"role": renderRole(rq, r)}), err
}

func roleUpdate(rq *front.Request) (*front.Response, error) {
	var b roleBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	r, err := edited(rq, identity.RoleGet, b.apply, identity.RolePut)
	return front.OK(map[string]roleWire{"role": renderRole(rq, r)}), err
}

func impliedRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/role_inferences", Rule: "identity:implied_role:list", Handle: inferenceList},
		{Method: "GET", Path: "/roles/{id}/implies", Rule: "identity:implied_role:list", Handle: impliedList},
		{Method: "GET", Path: "/roles/{id}/implies/{implied}", Rule: "identity:implied_role:get", Handle: impliedShow},
		{Method: "HEAD", Path: "/roles/{id}/implies/{implied}", Rule: "identity:implied_role:get", Handle: impliedCheck},
		{Method: "PUT", Path: "/roles/{id}/implies/{implied}", Rule: "identity:implied_role:create", Handle: impliedCreate},
		{Method: "DELETE", Path: "/roles/{id}/implies/{implied}", Rule: "identity:implied_role:delete", Handle: impliedDelete},
	}
}

type impliedRole struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Links self   `json:"links"`
}

type inference[T any] struct {
	Prior   impliedRole `json:"prior_role"`
	Implies T           `json:"implies"`
}

func renderImplied(rq *front.Request, id string) impliedRole {
	r, _ := identity.Roles.Get(rq.Read(), id)
	return impliedRole{id, r.Name, selfLink(rq, "/roles/"+id)}
}

func renderInference(rq *front.Request, r identity.Role) inference[[]impliedRole] {
	w := inference[[]impliedRole]{renderImplied(rq, r.ID), []impliedRole{}}
	for _, id := range r.Implies {
		w.Implies = append(w.Implies, renderImplied(rq, id))
	}
	return w
}

func inferenceList(rq *front.Request) (*front.Response, error) {
	var out []inference[[]impliedRole]
	for r := range identity.Roles.All(rq.Read()) {
		if len(r.Implies) > 0 {
			out = append(out, renderInference(rq, r))
		}
	}
	return list(rq, "role_inferences", out), nil
}

func impliedList(rq *front.Request) (*front.Response, error) {
	r, err := identity.RoleGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]any{"role_inference": renderInference(rq, r), "links": selfLink(rq, "/roles/"+r.ID+"/implies")}), err
}

func oneInference(rq *front.Request, status int) *front.Response {
	prior, implied := rq.PathValue("id"), rq.PathValue("implied")
	return &front.Response{Status: status, Body: map[string]any{
		"role_inference": inference[impliedRole]{renderImplied(rq, prior), renderImplied(rq, implied)},
		"links":          selfLink(rq, "/roles/"+prior+"/implies/"+implied)}}
}

func impliedShow(rq *front.Request) (*front.Response, error) {
	r, err := identity.RoleGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(r.Implies, rq.PathValue("implied")) {
		return nil, cloud.Errorf(cloud.NotFound, "role", "%s does not imply %s.", r.ID, rq.PathValue("implied"))
	}
	return oneInference(rq, http.StatusOK), nil
}

func impliedCheck(rq *front.Request) (*front.Response, error) {
	_, err := impliedShow(rq)
	return front.NoContent(), err
}

func imply(rq *front.Request, on bool) error {
	return rq.Write(func(tx *statestore.Txn) error {
		return identity.RoleImply(tx, rq.PathValue("id"), rq.PathValue("implied"), on)
	})
}

func impliedCreate(rq *front.Request) (*front.Response, error) {
	err := imply(rq, true)
	return oneInference(rq, http.StatusCreated), err
}

func impliedDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), imply(rq, false)
}
