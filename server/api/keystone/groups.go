package keystone

import (
	"cmp"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) groupRoutes() []front.Route {
	t, member := groupTarget, "/groups/{id}/users/{user}"
	return []front.Route{
		{Method: "GET", Path: "/groups", Rule: "identity:group:list", Handle: groupList},
		{Method: "POST", Path: "/groups", Rule: "identity:group:create", Target: newIn("group"), Handle: groupCreate},
		{Method: "GET", Path: "/groups/{id}", Rule: "identity:group:get", Target: t, Handle: groupShow},
		{Method: "PATCH", Path: "/groups/{id}", Rule: "identity:group:update", Target: t, Handle: groupUpdate},
		{Method: "DELETE", Path: "/groups/{id}", Rule: "identity:group:delete", Target: t, Handle: deleter(identity.GroupDelete)},
		{Method: "GET", Path: "/groups/{id}/users", Rule: "identity:membership:list", Target: t, Handle: a.groupUsers},
		{Method: "GET", Path: member, Rule: "identity:membership:get", Target: memberTarget, Handle: memberCheck},
		{Method: "PUT", Path: member, Rule: "identity:membership:create", Target: memberTarget, Handle: memberAdd},
		{Method: "DELETE", Path: member, Rule: "identity:membership:delete", Target: memberTarget, Handle: memberRemove},
	}
}

// groupTarget is that of no domain for a group that does not exist: then only who
// sees everything is told so by the handler.
func groupTarget(rq *front.Request) (cloud.Target, error) {
	g, _ := identity.Groups.Get(rq.Read(), rq.PathValue("id"))
	return cloud.Target{DomainID: g.DomainID}, nil
}

// memberTarget is in a domain if both group and user are: only then it is that
// domain's own affair.
func memberTarget(rq *front.Request) (cloud.Target, error) {
	g, _ := identity.Groups.Get(rq.Read(), rq.PathValue("id"))
	if u, _ := identity.Users.Get(rq.Read(), rq.PathValue("user")); u.DomainID != g.DomainID {
		return cloud.Target{}, nil
	}
	return cloud.Target{DomainID: g.DomainID}, nil
}

type groupWire struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	DomainID    string         `json:"domain_id"`
	Description string         `json:"description"`
	Links       self           `json:"links"`
	Extra       identity.Extra `json:",embed"`
}

var groupColumns = columns[groupWire]{"id": func(g *groupWire) string { return g.ID }, "name": func(g *groupWire) string { return g.Name },
	"domain_id": func(g *groupWire) string { return g.DomainID }}

func renderGroup(rq *front.Request, g identity.Group) groupWire {
	return groupWire{g.ID, g.Name, g.DomainID, g.Description, selfLink(rq, "/groups/"+g.ID), g.Extra}
}

type groupBody struct {
	Group struct {
		ID          optional[string] `json:"id"` // as in the path
		Name        optional[string] `json:"name"`
		DomainID    optional[string] `json:"domain_id"`
		Description optional[string] `json:"description"`
		Extra       identity.Extra   `json:",embed"`
	} `json:"group"`
}

func (b *groupBody) apply(g *identity.Group) error {
	w := b.Group
	w.Name.to(&g.Name)
	w.Description.to(&g.Description)
	return cmp.Or(keep("group", &g.Extra, w.Extra), immutable("group", "id", w.ID, g.ID), immutable("group", "domain_id", w.DomainID, g.DomainID))
}

func groupList(rq *front.Request) (*front.Response, error) {
	return groupsPaged(rq, visible(rq, "identity:group:get", slices.Collect(identity.Groups.All(rq.Read())), targetOfGroup))
}

func targetOfGroup(g identity.Group) cloud.Target { return cloud.Target{DomainID: g.DomainID} }

// groupsPaged renders the groups that the query asks for.
func groupsPaged(rq *front.Request, groups []identity.Group) (*front.Response, error) {
	f := filterOf(rq)
	var out []groupWire
	for _, g := range groups {
		if f.text("name", g.Name) && f.text("domain_id", g.DomainID) {
			out = append(out, renderGroup(rq, g))
		}
	}
	return paged(rq, "groups", out, groupColumns)
}

func groupShow(rq *front.Request) (*front.Response, error) {
	g, err := identity.GroupGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]groupWire{"group": renderGroup(rq, g)}), err
}

func groupCreate(rq *front.Request) (*front.Response, error) {
	var b groupBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	g := identity.Group{DomainID: cmp.Or(b.Group.DomainID.Value, homeDomain(rq))}
	b.Group.DomainID.Value = g.DomainID
	if err := b.apply(&g); err != nil {
		return nil, err
	}
	err := made(rq, identity.Groups, &g, &g.ID, identity.GroupPut)
	return front.Created(map[string]groupWire{"group": renderGroup(rq, g)}), err
}

func groupUpdate(rq *front.Request) (*front.Response, error) {
	var b groupBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	g, err := edited(rq, identity.GroupGet, b.apply, identity.GroupPut)
	return front.OK(map[string]groupWire{"group": renderGroup(rq, g)}), err
}

func (a *api) groupUsers(rq *front.Request) (*front.Response, error) {
	g, err := identity.GroupGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return a.usersPaged(rq, slices.Values(identity.MembersOf(rq.Read(), g.ID)))
}

func membershipOf(rq *front.Request) identity.Membership {
	return identity.Membership{GroupID: rq.PathValue("id"), UserID: rq.PathValue("user")}
}

func memberCheck(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), identity.GroupHas(rq.Read(), membershipOf(rq))
}

// memberAdd gives the user what the group was given: only who may give that may
// do it.
func memberAdd(rq *front.Request) (*front.Response, error) {
	if err := mayGive(rq, identity.AssignmentsOfGroup(rq.Read(), rq.PathValue("id"))); err != nil {
		return nil, err
	}
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return identity.GroupJoin(tx, membershipOf(rq)) })
}

func memberRemove(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return identity.GroupLeave(tx, membershipOf(rq)) })
}
