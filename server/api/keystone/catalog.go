package keystone

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

// reachRoutes tell callers what they can reach: services, and scopes to ask a
// token for.
func (a *api) reachRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/auth/catalog", Rule: front.Authenticated, Handle: a.catalogShow},
		{Method: "GET", Path: "/auth/projects", Rule: front.Authenticated, Handle: reachProjects},
		{Method: "GET", Path: "/auth/domains", Rule: front.Authenticated, Handle: reachDomains},
		{Method: "GET", Path: "/auth/system", Rule: front.Authenticated, Handle: reachSystem},
	}
}

type catalogEntry struct {
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Name      string            `json:"name"`
	Endpoints []catalogEndpoint `json:"endpoints"`
}

type catalogEndpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	RegionID  any    `json:"region_id"`
	Region    any    `json:"region"`
	URL       string `json:"url"`
}

// renderCatalog returns what is enabled and, if the project has its own choice, in that, in the order of types and interfaces.
func renderCatalog(rq *front.Request, t identity.Token) []catalogEntry {
	r := rq.Read()
	entries := []catalogEntry{}
	has, filtered := identity.EndpointsOf(r, t.Scope.ID)
	project := ""
	if t.Scope.Kind == identity.ProjectScope {
		project = t.Scope.ID
	}
	for s := range identity.Services.All(r) {
		if !s.Enabled {
			continue
		}
		e := catalogEntry{ID: s.ID, Type: s.Type, Name: s.Name, Endpoints: []catalogEndpoint{}}
		for p := range identity.Endpoints.By(r, "service", s.ID) {
			url, ok := identity.EndpointURL(absolute(rq, p.URL), project, t.UserID)
			if p.Enabled && ok && (!filtered || has(p)) {
				e.Endpoints = append(e.Endpoints, catalogEndpoint{p.ID, p.Interface, orNull(p.RegionID), orNull(p.RegionID), url})
			}
		}
		slices.SortFunc(e.Endpoints, func(a, b catalogEndpoint) int {
			return cmp.Or(-cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.ID, b.ID))
		})
		if len(e.Endpoints) > 0 || !filtered {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b catalogEntry) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
	return entries
}

// absolute puts the address that the client used before a path.
func absolute(rq *front.Request, url string) string {
	if strings.HasPrefix(url, "/") {
		return rq.BaseURL() + url
	}
	return url
}

func (a *api) catalogShow(rq *front.Request) (*front.Response, error) {
	t, err := a.Authority.Validate(rq.Read(), rq.Token)
	if err != nil {
		return nil, err
	}
	if t.Scope.Kind == identity.Unscoped {
		return nil, cloud.Errorf(cloud.Forbidden, "catalog", "A scoped token is required to produce a service catalog.")
	}
	return list(rq, "catalog", renderCatalog(rq, t)), nil
}

func reachProjects(rq *front.Request) (*front.Response, error) {
	projects, _, _ := identity.ScopesOf(rq.Read(), rq.Caller.UserID)
	return list(rq, "projects", renderProjects(rq, projects)), nil
}

func reachDomains(rq *front.Request) (*front.Response, error) {
	_, domains, _ := identity.ScopesOf(rq.Read(), rq.Caller.UserID)
	out := make([]domainWire, len(domains))
	for n, d := range domains {
		out[n] = renderDomain(rq, d)
	}
	return list(rq, "domains", out), nil
}

func reachSystem(rq *front.Request) (*front.Response, error) {
	var out []systemRef
	if _, _, system := identity.ScopesOf(rq.Read(), rq.Caller.UserID); system {
		out = []systemRef{{All: true}}
	}
	return list(rq, "system", out), nil
}
