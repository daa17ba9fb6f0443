package keystone

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// grants are the rows of one kind of scope: /projects/{scope}/users/{user}/roles/{role},
// and the same of groups.
type grants struct {
	kind      identity.ScopeKind
	inherited bool
}

func assignmentRoutes() []front.Route {
	project, domain, system := identity.ProjectScope, identity.DomainScope, identity.SystemScope
	return slices.Concat(
		[]front.Route{{Method: "GET", Path: "/role_assignments", Rule: "identity:assignment:list", Target: treeTarget, Handle: assignmentList}},
		grants{project, false}.routes("/projects/{scope}", "", "identity:assignment:"),
		grants{domain, false}.routes("/domains/{scope}", "", "identity:assignment:"),
		grants{system, false}.routes("/system", "", "identity:system_assignment:"),
		grants{project, true}.routes("/OS-INHERIT/projects/{scope}", "/inherited_to_projects", "identity:assignment:"),
		grants{domain, true}.routes("/OS-INHERIT/domains/{scope}", "/inherited_to_projects", "identity:assignment:"),
	)
}

func (g grants) routes(scope, suffix, rule string) []front.Route {
	return slices.Concat(g.rows(scope+"/users/{user}/roles", suffix, rule), g.rows(scope+"/groups/{group}/roles", suffix, rule))
}

func (g grants) rows(path, suffix, rule string) []front.Route {
	one := path + "/{role}" + suffix
	return []front.Route{
		{Method: "GET", Path: path + suffix, Rule: rule + "list", Target: g.target, Handle: g.list},
		{Method: "GET", Path: one, Rule: rule + "get", Target: g.target, Handle: g.check},
		{Method: "PUT", Path: one, Rule: rule + "create", Target: g.target, Handle: g.put},
		{Method: "DELETE", Path: one, Rule: rule + "delete", Target: g.target, Handle: g.remove},
	}
}

func (g grants) of(rq *front.Request) identity.Assignment {
	scope := identity.Scope{Kind: g.kind, ID: rq.PathValue("scope")}
	if g.kind == identity.SystemScope {
		scope = identity.System
	}
	return identity.Assignment{RoleID: rq.PathValue("role"), UserID: rq.PathValue("user"), GroupID: rq.PathValue("group"), Scope: scope, Inherited: g.inherited}
}

func (g grants) target(rq *front.Request) (cloud.Target, error) {
	return targetOfAssignment(rq.Read(), g.of(rq)), nil
}

// targetOfAssignment is in a domain if both scope and user or group are, and the role is not another
// domain's: only then it is that domain's own affair. The name of a role of one domain says nothing of
// what it implies, so it does not count as the name of a role.
func targetOfAssignment(r statestore.Reader, a identity.Assignment) cloud.Target {
	t := cloud.Target{}
	role, _ := identity.Roles.Get(r, a.RoleID)
	if role.DomainID == "" {
		t.Attr = map[string]string{"role": role.Name}
	}
	domain := ""
	switch a.Scope.Kind {
	case identity.ProjectScope:
		p, _ := identity.ProjectGet(r, a.Scope.ID)
		t.ProjectID, domain = p.ID, p.DomainID
	case identity.DomainScope:
		domain = a.Scope.ID
	}
	home := ""
	if g, ok := identity.Groups.Get(r, a.GroupID); ok {
		home = g.DomainID
	} else if u, ok := identity.Users.Get(r, a.UserID); ok {
		home = u.DomainID
	}
	if home == domain && (role.DomainID == "" || role.DomainID == domain) {
		t.DomainID = domain
	}
	return t
}

// mayGive returns nil if the caller could give all of some assignments: only then
// may it have power over who holds them.
func mayGive(rq *front.Request, assignments []identity.Assignment) error {
	for _, given := range assignments {
		if err := rq.Require("identity:assignment:create", targetOfAssignment(rq.Read(), given)); err != nil {
			return err
		}
	}
	return nil
}

func (g grants) list(rq *front.Request) (*front.Response, error) {
	given, err := identity.AssignmentsLike(rq.Read(), g.of(rq))
	out := make([]roleWire, len(given))
	for n, a := range given {
		role, _ := identity.Roles.Get(rq.Read(), a.RoleID)
		out[n] = renderRole(rq, role)
	}
	return list(rq, "roles", out), err
}

func (g grants) check(rq *front.Request) (*front.Response, error) {
	_, err := identity.AssignmentGet(rq.Read(), g.of(rq))
	return front.NoContent(), err
}

func (g grants) put(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return identity.AssignmentPut(tx, g.of(rq)) })
}

func (g grants) remove(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return identity.AssignmentDelete(tx, g.of(rq)) })
}
