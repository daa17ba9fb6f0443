package keystone

import (
	"cmp"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

func projectRoutes() []front.Route {
	t := projectTarget
	return []front.Route{
		{Method: "GET", Path: "/projects", Rule: "identity:project:list", Handle: projectList},
		{Method: "POST", Path: "/projects", Rule: "identity:project:create", Target: newIn("project"), Handle: projectCreate},
		{Method: "GET", Path: "/projects/{id}", Rule: "identity:project:get", Target: t, Handle: projectShow},
		{Method: "PATCH", Path: "/projects/{id}", Rule: "identity:project:update", Target: t, Handle: projectUpdate},
		{Method: "DELETE", Path: "/projects/{id}", Rule: "identity:project:delete", Target: t, Handle: deleter(identity.ProjectDelete)},
	}
}

// projectTarget is that of no domain for a project that does not exist: then
// only who sees everything is told so by the handler.
func projectTarget(rq *front.Request) (cloud.Target, error) {
	p, ok := identity.Projects.Get(rq.Read(), rq.PathValue("id"))
	if !ok {
		return cloud.Target{}, nil
	}
	return targetOfProject(p), nil
}

func targetOfProject(p identity.Project) cloud.Target {
	return cloud.Target{ProjectID: p.ID, DomainID: p.DomainID}
}

type projectWire struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	DomainID    string   `json:"domain_id"`
	Description string   `json:"description"`
	Enabled     bool     `json:"enabled"`
	ParentID    string   `json:"parent_id"`
	IsDomain    bool     `json:"is_domain"`
	Tags        []string `json:"tags"`
	Options     struct{} `json:"options"`
	Links       self     `json:"links"`
	Parents     any      `json:"parents,omitzero"`
	Subtree     any      `json:"subtree,omitzero"`
}

func renderProject(rq *front.Request, p identity.Project) projectWire {
	return projectWire{ID: p.ID, Name: p.Name, DomainID: p.DomainID, Description: p.Description, Enabled: p.Enabled,
		ParentID: p.ParentID, Tags: append([]string{}, p.Tags...), Links: selfLink(rq, "/projects/"+p.ID)}
}

// renderProjects renders those that the query asks for.
func renderProjects(rq *front.Request, projects []identity.Project) []projectWire {
	f := filterOf(rq)
	var out []projectWire
	for _, p := range projects {
		if f.text("name", p.Name) && f.text("domain_id", p.DomainID) && f.text("parent_id", p.ParentID) &&
			f.truth("enabled", p.Enabled) && f.truth("is_domain", false) && f.tags(p.Tags) {
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
		Options     options            `json:"options"`
	} `json:"project"`
}

// apply changes a project that has its place: domain and parent.
func (b *projectBody) apply(p *identity.Project) error {
	w := b.Project
	w.Name.to(&p.Name)
	w.Description.to(&p.Description)
	w.Enabled.to(&p.Enabled)
	w.Tags.to(&p.Tags)
	if w.IsDomain.Value {
		return cloud.Errorf(cloud.Invalid, "project", "Invalid input for field 'is_domain': domains are made at /v3/domains.").At("/project/is_domain")
	}
	return cmp.Or(immutable("project", "id", w.ID, p.ID), immutable("project", "domain_id", w.DomainID, p.DomainID), immutable("project", "parent_id", w.ParentID, p.ParentID),
		checkTags("/project/tags", p.Tags), w.Options.check("project"))
}

func projectList(rq *front.Request) (*front.Response, error) {
	var seen []identity.Project
	for p := range identity.Projects.All(rq.Read()) {
		if rq.Can("identity:project:get", targetOfProject(p)) {
			seen = append(seen, p)
		}
	}
	return list(rq, "projects", renderProjects(rq, seen)), nil
}

func projectShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("id"))
	w := renderProject(rq, p)
	w.relatives(rq, p)
	return front.OK(map[string]projectWire{"project": w}), err
}

func projectCreate(rq *front.Request) (*front.Response, error) {
	var b projectBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p := identity.Project{DomainID: cmp.Or(b.Project.DomainID.Value, homeDomain(rq)), Enabled: true}
	p.ParentID = cmp.Or(b.Project.ParentID.Value, p.DomainID)
	b.Project.DomainID.Value, b.Project.ParentID.Value = p.DomainID, p.ParentID
	if err := b.apply(&p); err != nil {
		return nil, err
	}
	p, err := made(rq, p, identity.ProjectPut)
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
