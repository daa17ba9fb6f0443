package keystone

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

type projectItem struct {
	Project projectWire `json:"project"`
}

// relatives fills in the projects above and below one, as far as the query asks.
// Error kind: Invalid for a query that asks for both forms of the same.
func (w *projectWire) relatives(rq *front.Request, p identity.Project) error {
	f, r := filterOf(rq), rq.Read()
	for _, of := range []string{"parents", "subtree"} {
		if f.on(of+"_as_ids") && f.on(of+"_as_list") {
			return cloud.Errorf(cloud.Invalid, "project", "Cannot use %s_as_list and %s_as_ids query params at the same time.", of, of)
		}
	}
	switch {
	case f.on("parents_as_ids"):
		w.Parents = above(r, p)
	case f.on("parents_as_list"):
		w.Parents = items(rq, identity.ProjectsAbove(r, p))
	}
	switch {
	case f.on("subtree_as_ids"):
		w.Subtree = below(r, p.ID)
	case f.on("subtree_as_list"):
		w.Subtree = items(rq, identity.ProjectsBelow(r, p.ID))
	}
	return nil
}

// items renders the projects that the caller may see, with their limits if the query asks for those.
func items(rq *front.Request, projects []identity.Project) []projectItem {
	out := []projectItem{}
	for _, p := range projects {
		if rq.Can("identity:project:get", targetOfProject(p)) {
			w := renderProject(rq, p)
			if filterOf(rq).on("include_limits") {
				w.Limits = limitsOf(rq, p)
			}
			out = append(out, projectItem{w})
		}
	}
	return out
}

func limitsOf(rq *front.Request, p identity.Project) []limitWire {
	limits := []limitWire{}
	for l := range identity.Limits.By(rq.Read(), "owner", p.ID) {
		w := renderLimit(rq, l)
		w.Links = nil
		limits = append(limits, w)
	}
	return limits
}

// above returns ids nested from the project's parent up to its domain, which is
// the root of every tree: {"parent": {"domain": null}}.
func above(r statestore.Reader, p identity.Project) any {
	if p.IsDomain {
		return null
	}
	t := map[string]any{p.DomainID: null}
	for _, parent := range slices.Backward(identity.ProjectsAbove(r, p)) {
		t = map[string]any{parent.ID: t}
	}
	return t
}

// below returns the ids of a project's children, each with its own; null if
// there are none.
func below(r statestore.Reader, id string) any {
	t := map[string]any{}
	for child := range identity.Projects.By(r, "parent", id) {
		t[child.ID] = below(r, child.ID)
	}
	if len(t) == 0 {
		return null
	}
	return t
}
