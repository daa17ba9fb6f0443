package keystone

import (
	"cmp"
	"fmt"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

func (a *api) projectRoutes() []front.Route {
	t := projectTarget
	return []front.Route{
		{Method: "GET", Path: "/projects", Rule: "identity:project:list", Handle: projectList},
		{Method: "POST", Path: "/projects", Rule: "identity:project:create", Target: newIn("project"), Handle: a.projectCreate},
		{Method: "GET", Path: "/projects/{id}", Rule: "identity:project:get", Target: t, Handle: projectShow},
		{Method: "PATCH", Path: "/projects/{id}", Rule: "identity:project:update", Target: t, Handle: projectUpdate},
		{Method: "DELETE", Path: "/projects/{id}", Rule: "identity:project:delete", Target: t, Handle: deleter(identity.ProjectDelete)},
	}
}

// projectTarget is that of no domain for a project that does not exist: then
// only who sees everything is told so by the handler. A domain that is a project
// too is its own to read, not to change.
func projectTarget(rq *front.Request) (cloud.Target, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return cloud.Target{}, nil
	}
	if p.IsDomain && (rq.HTTP.Method == "GET" || rq.HTTP.Method == "HEAD") {
		return targetOfDomain(rq, p.ID), nil
	}
	return targetOfProject(p), nil
}

func targetOfProject(p identity.Project) cloud.Target {
	return cloud.Target{ProjectID: p.ID, DomainID: p.DomainID}
}

type projectWire struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	DomainID    any              `json:"domain_id"`
	Description string           `json:"description"`
	Enabled     bool             `json:"enabled"`
	ParentID    any              `json:"parent_id"`
	IsDomain    bool             `json:"is_domain"`
	Tags        []string         `json:"tags"`
	Options     identity.Options `json:"options"`
	Links       self             `json:"links"`
	Parents     any              `json:"parents,omitzero"`
	Subtree     any              `json:"subtree,omitzero"`
	Limits      []limitWire      `json:"limits,omitzero"`
	Extra       identity.Extra   `json:",embed"`
}

var projectColumns = columns[projectWire]{"id": func(p *projectWire) string { return p.ID }, "name": func(p *projectWire) string { return p.Name },
	"domain_id": func(p *projectWire) string { return fmt.Sprint(p.DomainID) }, "parent_id": func(p *projectWire) string { return fmt.Sprint(p.ParentID) }}

func renderProject(rq *front.Request, p identity.Project) projectWire {
	return projectWire{ID: p.ID, Name: p.Name, DomainID: orNull(p.DomainID), Description: p.Description, Enabled: p.Enabled, IsDomain: p.IsDomain,
		ParentID: orNull(p.ParentID), Tags: append([]string{}, p.Tags...), Options: p.Options, Links: selfLink(rq, "/projects/"+p.ID), Extra: p.Extra}
}

// renderProjects renders those that the query asks for.
func renderProjects(rq *front.Request, projects []identity.Project) []projectWire {
	f := filterOf(rq)
	var out []projectWire
	for _, p := range projects {
		if f.text("name", p.Name) && f.text("domain_id", p.DomainID) && f.text("parent_id", p.ParentID) &&
			f.truth("enabled", p.Enabled) && p.IsDomain == f.on("is_domain") && f.tags(p.Tags) {
			out = append(out, renderProject(rq, p))
		}
	}
	return out
}

type projectBody struct {
	Project struct {
		ID          optional[string]   `json:"id"` // as in the path
		Name        optional[string]   `json:"name"`
		DomainID    optional[string]   `json:"domain_id"`
		ParentID    optional[string]   `json:"parent_id"`
		IsDomain    optional[bool]     `json:"is_domain"`
		Description optional[string]   `json:"description"`
		Enabled     optional[bool]     `json:"enabled"`
		Tags        optional[[]string] `json:"tags"`
		Options     identity.Options   `json:"options"`
		Extra       identity.Extra     `json:",embed"`
	} `json:"project"`
}

// apply changes a project that has its place: domain and parent.
func (b *projectBody) apply(p *identity.Project) error {
	w := b.Project
	w.Name.to(&p.Name)
	w.Description.to(&p.Description)
	w.Enabled.to(&p.Enabled)
	if w.IsDomain.Set && w.IsDomain.Value != p.IsDomain {
		return cloud.Errorf(cloud.Invalid, "project", "Invalid input for field 'is_domain': it cannot be set to another value.").At("/project/is_domain")
	}
	return cmp.Or(immutable("project", "id", w.ID, p.ID), immutable("project", "domain_id", w.DomainID, p.DomainID), immutable("project", "parent_id", w.ParentID, p.ParentID),
		setTags("/project/tags", w.Tags, &p.Tags), change("project", &p.Options, w.Options, &p.Extra, w.Extra))
}

// place puts a new project below its parent, in the domain of the parent unless
// the body names one.
func (b *projectBody) place(rq *front.Request, p *identity.Project) {
	w := &b.Project
	p.DomainID = domainOfNew(rq, w.DomainID.Value, w.ParentID.Value)
	p.ParentID = cmp.Or(w.ParentID.Value, p.DomainID)
	w.DomainID.Value, w.ParentID.Value = p.DomainID, p.ParentID
}

func projectList(rq *front.Request) (*front.Response, error) {
	var seen []identity.Project
	for p := range identity.Projects.All(rq.Read()) {
		if rq.Can("identity:project:get", targetOfProject(p)) {
			seen = append(seen, p)
		}
	}
	if filterOf(rq).on("is_domain") {
		seen = nil
		for d := range identity.Domains.All(rq.Read()) {
			if rq.Can("identity:domain:get", targetOfDomain(rq, d.ID)) {
				seen = append(seen, identity.DomainAsProject(d))
			}
		}
	}
	return paged(rq, "projects", renderProjects(rq, seen), projectColumns)
}

func projectShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	w := renderProject(rq, p)
	err = w.relatives(rq, p)
	return front.OK(map[string]projectWire{"project": w}), err
}

func (a *api) projectCreate(rq *front.Request) (*front.Response, error) {
	var b projectBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p := identity.Project{IsDomain: b.Project.IsDomain.Value, Enabled: true}
	if p.IsDomain {
		if err := rq.Require("identity:domain:create", cloud.Target{}); err != nil {
			return nil, err
		}
	} else {
		b.place(rq, &p)
	}
	if err := b.apply(&p); err != nil {
		return nil, err
	}
	err := made(rq, identity.Projects, &p, &p.ID, a.Authority.ProjectPut)
	return front.Created(map[string]projectWire{"project": renderProject(rq, p)}), err
}

func projectUpdate(rq *front.Request) (*front.Response, error) {
	var b projectBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p, err := edited(rq, identity.ProjectGet, b.apply, identity.ProjectPut)
	return front.OK(map[string]projectWire{"project": renderProject(rq, p)}), err
}
