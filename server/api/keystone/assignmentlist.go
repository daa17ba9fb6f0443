package keystone

import (
	"cmp"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// who names a user, group or role: by id, and with include_names also by name and domain.
type who struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitzero"`
	Domain *named `json:"domain,omitzero"`
}

type assignmentScope struct {
	Project   *who       `json:"project,omitzero"`
	Domain    *who       `json:"domain,omitzero"`
	System    *systemRef `json:"system,omitzero"`
	Inherited string     `json:"OS-INHERIT:inherited_to,omitzero"`
}

type assignmentLinks struct {
	Assignment string `json:"assignment"`
	Prior      string `json:"prior_role,omitzero"`
	Membership string `json:"membership,omitzero"`
}

type assignmentWire struct {
	Role  who             `json:"role"`
	User  *who            `json:"user,omitzero"`
	Group *who            `json:"group,omitzero"`
	Scope assignmentScope `json:"scope"`
	Links assignmentLinks `json:"links"`
}

// treeTarget is the project that the tree asked for begins with. Of other lists each caller is
// told what it may read.
func treeTarget(rq *front.Request) (cloud.Target, error) {
	if f := filterOf(rq); f.on("include_subtree") {
		return targetOfScope(rq.Read(), identity.Scope{Kind: identity.ProjectScope, ID: f.q.Get("scope.project.id")}), nil
	}
	return rq.Caller.Own(), nil
}

func assignmentList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	subtree, err := subtreeOf(rq.Read(), f)
	if err = cmp.Or(err, f.senseless()); err != nil {
		return nil, err
	}
	out := []assignmentWire{}
	for _, e := range assignmentsOf(rq.Read(), f.on("effective")) {
		if f.assignment(e, subtree) && rq.Can("identity:assignment:get", targetOfScope(rq.Read(), e.Scope)) {
			out = append(out, renderAssignment(rq, e, f.on("include_names")))
		}
	}
	return list(rq, "role_assignments", out), nil
}

// targetOfScope is in the domain of a scope: who may read that domain sees everybody who was
// given a role in it, as in Keystone, also users of other domains.
func targetOfScope(r statestore.Reader, s identity.Scope) cloud.Target {
	switch s.Kind {
	case identity.ProjectScope:
		p, _ := identity.ProjectGet(r, s.ID)
		return cloud.Target{ProjectID: p.ID, DomainID: cmp.Or(p.DomainID, p.ID)}
	case identity.DomainScope:
		return cloud.Target{DomainID: s.ID}
	}
	return cloud.Target{}
}

// assignmentsOf returns what was given, or what it amounts to.
func assignmentsOf(r statestore.Reader, effective bool) []identity.Effect {
	if effective {
		return identity.Effects(r)
	}
	var given []identity.Effect
	for a := range identity.Assignments.All(r) {
		given = append(given, identity.Effect{Assignment: a, Given: a})
	}
	return given
}

// subtreeOf returns the projects that the query is about: that of the scope and,
// if it asks so, those below it. Error kind: Invalid for two scopes.
func subtreeOf(r statestore.Reader, f filter) ([]string, error) {
	project := f.q.Get("scope.project.id")
	if project != "" && f.q.Get("scope.domain.id") != "" {
		return nil, cloud.Errorf(cloud.Invalid, "role assignment", "Specify a domain or project, not both.")
	}
	ids := []string{project}
	if f.on("include_subtree") {
		if project == "" {
			return nil, cloud.Errorf(cloud.Invalid, "role assignment", "scope.project.id must be specified if include_subtree is also specified.")
		}
		for _, p := range identity.ProjectsBelow(r, project) {
			ids = append(ids, p.ID)
		}
	}
	return ids, nil
}

// senseless refuses what nothing can match. Error kind: Invalid.
func (f filter) senseless() error {
	effective, group := f.on("effective"), f.q.Get("group.id") != ""
	switch {
	case group && f.q.Get("user.id") != "":
		return cloud.Errorf(cloud.Invalid, "role assignment", "Specify a user or group, not both.")
	case group && effective:
		return cloud.Errorf(cloud.Invalid, "role assignment", "Combining effective and group filter will always result in an empty list.")
	case effective && f.q.Get("scope.OS-INHERIT:inherited_to") != "" && f.q.Get("scope.domain.id") != "":
		return cloud.Errorf(cloud.Invalid, "role assignment", "Combining effective, domain and inherited filters will always result in an empty list.")
	case f.on("scope.system") && (f.q.Get("scope.project.id") != "" || f.q.Get("scope.domain.id") != ""):
		return cloud.Errorf(cloud.Invalid, "role assignment", "Specify system or domain or project, not more than one.")
	}
	return nil
}

// assignment reports whether the query asks for one.
func (f filter) assignment(e identity.Effect, projects []string) bool {
	is := func(name, value string) bool { return f.q.Get(name) == "" || f.q.Get(name) == value }
	a := e.Assignment
	switch {
	case !is("user.id", a.UserID) || !is("role.id", a.RoleID) || !is("group.id", a.GroupID):
		return false
	case f.q.Get("scope.project.id") != "" && (a.Scope.Kind != identity.ProjectScope || !slices.Contains(projects, a.Scope.ID)):
		return false
	case f.q.Get("scope.domain.id") != "" && (a.Scope.Kind != identity.DomainScope || !is("scope.domain.id", a.Scope.ID)):
		return false
	case f.q.Has("scope.system") && a.Scope.Kind != identity.SystemScope:
		return false
	}
	return e.Given.Inherited || f.q.Get("scope.OS-INHERIT:inherited_to") == ""
}

func renderAssignment(rq *front.Request, e identity.Effect, names bool) assignmentWire {
	w := assignmentWire{Role: who{ID: e.RoleID}, Links: assignmentLinks{Assignment: assignmentURL(rq, e.Given)}}
	if e.PriorID != "" {
		w.Links.Prior = rq.URL("/v3/prior_roles/" + e.PriorID + "/implies/" + e.RoleID)
	}
	if e.Given.GroupID != "" && e.GroupID == "" {
		w.Links.Membership = rq.URL("/v3/groups/" + e.Given.GroupID + "/users/" + e.UserID)
	}
	r := rq.Read()
	role, _ := identity.Roles.Get(r, e.RoleID)
	w.Role = someone(r, e.RoleID, role.Name, role.DomainID, names)
	if e.GroupID != "" {
		g, _ := identity.Groups.Get(r, e.GroupID)
		group := someone(r, g.ID, g.Name, g.DomainID, names)
		w.Group = &group
	} else {
		u, _ := identity.Users.Get(r, e.UserID)
		user := someone(r, e.UserID, u.Name, u.DomainID, names)
		w.User = &user
	}
	w.Scope = renderScope(r, e.Scope, names)
	if e.Given.Inherited {
		w.Scope.Inherited = "projects"
	}
	return w
}

// someone is an id, or with names also the name and the domain, if there is one.
func someone(r statestore.Reader, id, name, domain string, names bool) who {
	if !names {
		return who{ID: id}
	}
	w := who{ID: id, Name: name}
	if domain != "" {
		d := nameOfDomain(r, domain)
		w.Domain = &d
	}
	return w
}

func renderScope(r statestore.Reader, s identity.Scope, names bool) (w assignmentScope) {
	switch s.Kind {
	case identity.ProjectScope:
		w.Project = &who{ID: s.ID}
		if p, err := identity.ProjectGet(r, s.ID); err == nil {
			*w.Project = someone(r, p.ID, p.Name, p.DomainID, names)
		}
	case identity.DomainScope:
		d := someone(r, s.ID, nameOfDomain(r, s.ID).Name, "", names)
		w.Domain = &d
	case identity.SystemScope:
		w.System = &systemRef{All: true}
	}
	return w
}

// assignmentURL is where an assignment is checked and taken away.
func assignmentURL(rq *front.Request, a identity.Assignment) string {
	path := "/system"
	switch a.Scope.Kind {
	case identity.ProjectScope:
		path = "/projects/" + a.Scope.ID
	case identity.DomainScope:
		path = "/domains/" + a.Scope.ID
	}
	if a.GroupID != "" {
		path += "/groups/" + a.GroupID
	} else {
		path += "/users/" + a.UserID
	}
	path += "/roles/" + a.RoleID
	if a.Inherited {
		path = "/OS-INHERIT" + path + "/inherited_to_projects"
	}
	return rq.URL("/v3" + path)
}
