package keystone

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// endpointGroupRoutes are Keystone's extension OS-EP-FILTER: which endpoints a
// project's catalog has.
func endpointGroupRoutes() []front.Route {
	const groups, projects = "/OS-EP-FILTER/endpoint_groups", "/OS-EP-FILTER/projects/{project}"
	rows := []front.Route{
		{Method: "GET", Path: groups, Rule: "identity:endpoint_group:list", Handle: endpointGroupList},
		{Method: "POST", Path: groups, Rule: "identity:endpoint_group:create", Handle: endpointGroupCreate},
		{Method: "GET", Path: groups + "/{id}", Rule: "identity:endpoint_group:get", Handle: endpointGroupShow},
		{Method: "PATCH", Path: groups + "/{id}", Rule: "identity:endpoint_group:update", Handle: endpointGroupUpdate},
		{Method: "DELETE", Path: groups + "/{id}", Rule: "identity:endpoint_group:delete", Handle: deleter(identity.EndpointGroupDelete)},
		{Method: "GET", Path: groups + "/{id}/endpoints", Rule: "identity:endpoint_group:get", Handle: groupEndpoints},
		{Method: "GET", Path: groups + "/{id}/projects", Rule: "identity:endpoint_group:get", Handle: filterProjects},
		{Method: "GET", Path: projects + "/endpoints", Rule: "identity:endpoint_filter:get", Handle: projectEndpoints},
		{Method: "GET", Path: projects + "/endpoint_groups", Rule: "identity:endpoint_filter:get", Handle: projectEndpointGroups},
		{Method: "GET", Path: "/OS-EP-FILTER/endpoints/{endpoint}/projects", Rule: "identity:endpoint_filter:get", Handle: filterProjects},
		{Method: "GET", Path: groups + "/{id}/projects/{project}", Rule: "identity:endpoint_filter:get", Handle: groupInProject},
		{Method: "GET", Path: projects + "/endpoints/{endpoint}", Rule: "identity:endpoint_filter:get", Handle: filterCheck},
	}
	for _, path := range []string{groups + "/{id}/projects/{project}", projects + "/endpoints/{endpoint}"} {
		rows = append(rows,
			front.Route{Method: "PUT", Path: path, Rule: "identity:endpoint_filter:create", Handle: filterChange(identity.EndpointFilterPut)},
			front.Route{Method: "DELETE", Path: path, Rule: "identity:endpoint_filter:delete", Handle: filterChange(identity.EndpointFilterDelete)})
	}
	return rows
}

type endpointGroupWire struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description any               `json:"description"`
	Filters     map[string]string `json:"filters"`
	Links       self              `json:"links"`
}

func renderEndpointGroup(rq *front.Request, g identity.EndpointGroup) endpointGroupWire {
	return endpointGroupWire{g.ID, g.Name, orNull(g.Description), g.Filters, selfLink(rq, "/OS-EP-FILTER/endpoint_groups/"+g.ID)}
}

type endpointGroupBody struct {
	EndpointGroup struct {
		ID          optional[string]            `json:"id"` // as in the path
		Name        optional[string]            `json:"name"`
		Description optional[string]            `json:"description"`
		Filters     optional[map[string]string] `json:"filters"`
	} `json:"endpoint_group"`
}

func (b *endpointGroupBody) apply(g *identity.EndpointGroup) error {
	w := b.EndpointGroup
	w.Name.to(&g.Name)
	w.Description.to(&g.Description)
	w.Filters.to(&g.Filters)
	return immutable("endpoint_group", "id", w.ID, g.ID)
}

func endpointGroupList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []endpointGroupWire
	for g := range identity.EndpointGroups.All(rq.Read()) {
		if f.text("name", g.Name) {
			out = append(out, renderEndpointGroup(rq, g))
		}
	}
	return paged(rq, "endpoint_groups", out, columns[endpointGroupWire]{"id": func(g *endpointGroupWire) string { return g.ID }, "name": func(g *endpointGroupWire) string { return g.Name }})
}

func endpointGroupShow(rq *front.Request) (*front.Response, error) {
	g, err := identity.EndpointGroupGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]endpointGroupWire{"endpoint_group": renderEndpointGroup(rq, g)}), err
}

func endpointGroupCreate(rq *front.Request) (*front.Response, error) {
	var b endpointGroupBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if len(b.EndpointGroup.Filters.Value) == 0 {
		return nil, required("endpoint_group", "filters", "")
	}
	var g identity.EndpointGroup
	if err := b.apply(&g); err != nil {
		return nil, err
	}
	err := made(rq, identity.EndpointGroups, &g, &g.ID, identity.EndpointGroupPut)
	return front.Created(map[string]endpointGroupWire{"endpoint_group": renderEndpointGroup(rq, g)}), err
}

func endpointGroupUpdate(rq *front.Request) (*front.Response, error) {
	var b endpointGroupBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	g, err := edited(rq, identity.EndpointGroupGet, b.apply, identity.EndpointGroupPut)
	return front.OK(map[string]endpointGroupWire{"endpoint_group": renderEndpointGroup(rq, g)}), err
}

// endpointsThat renders the endpoints that pass a test.
func endpointsThat(rq *front.Request, pass func(identity.Endpoint) bool) *front.Response {
	var out []endpointWire
	for e := range identity.Endpoints.All(rq.Read()) {
		if pass(e) {
			out = append(out, renderEndpoint(rq, e))
		}
	}
	return list(rq, "endpoints", out)
}

func groupEndpoints(rq *front.Request) (*front.Response, error) {
	g, err := identity.EndpointGroupGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return endpointsThat(rq, g.Has), nil
}

func projectEndpoints(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("project"))
	if err != nil {
		return nil, err
	}
	has, _ := identity.EndpointsOf(rq.Read(), p.ID)
	return endpointsThat(rq, has), nil
}

func projectEndpointGroups(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("project"))
	if err != nil {
		return nil, err
	}
	var out []endpointGroupWire
	for f := range identity.EndpointFilters.By(rq.Read(), "project", p.ID) {
		if g, ok := identity.EndpointGroups.Get(rq.Read(), f.GroupID); ok {
			out = append(out, renderEndpointGroup(rq, g))
		}
	}
	return list(rq, "endpoint_groups", out), nil
}

// filterProjects lists the projects whose catalog has the group or the endpoint
// that the path names.
func filterProjects(rq *front.Request) (*front.Response, error) {
	index, id := "group", rq.PathValue("id")
	_, err := identity.EndpointGroupGet(rq.Read(), id)
	if endpoint := rq.PathValue("endpoint"); endpoint != "" {
		index, id = "endpoint", endpoint
		_, err = identity.EndpointGet(rq.Read(), id)
	}
	if err != nil {
		return nil, err
	}
	var projects []identity.Project
	for f := range identity.EndpointFilters.By(rq.Read(), index, id) {
		if p, err := identity.ProjectGet(rq.Read(), f.ProjectID); err == nil {
			projects = append(projects, p)
		}
	}
	return list(rq, "projects", renderProjects(rq, projects)), nil
}

func endpointFilterOf(rq *front.Request) identity.EndpointFilter {
	return identity.EndpointFilter{ProjectID: rq.PathValue("project"), EndpointID: rq.PathValue("endpoint"), GroupID: rq.PathValue("id")}
}

func filterCheck(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), identity.EndpointFilterGet(rq.Read(), endpointFilterOf(rq))
}

func groupInProject(rq *front.Request) (*front.Response, error) {
	if err := identity.EndpointFilterGet(rq.Read(), endpointFilterOf(rq)); err != nil {
		return nil, err
	}
	return endpointGroupShow(rq)
}

func filterChange(change func(*statestore.Txn, identity.EndpointFilter) error) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return change(tx, endpointFilterOf(rq)) })
	}
}
