package nova

import (
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) groupRoutes() []front.Route {
	t := groupTarget
	return []front.Route{
		{Method: "GET", Path: "/os-server-groups", Rule: "compute:group:list", Handle: groupList},
		{Method: "POST", Path: "/os-server-groups", Rule: "compute:group:create", Handle: groupCreate},
		{Method: "GET", Path: "/os-server-groups/{id}", Rule: "compute:group:get", Target: t, Handle: groupShow},
		{Method: "DELETE", Path: "/os-server-groups/{id}", Rule: "compute:group:delete", Target: t, Handle: groupDelete},
	}
}

func groupTarget(rq *front.Request) (cloud.Target, error) {
	g, err := compute.GroupGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	return cloud.Target{ProjectID: g.ProjectID, UserID: g.UserID}, err
}

type groupWire struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Policies  any      `json:"policies,omitzero"` // until 2.63
	Policy    any      `json:"policy,omitzero"`   // 2.64
	Rules     any      `json:"rules,omitzero"`    // 2.64
	Members   []string `json:"members"`
	Metadata  any      `json:"metadata,omitzero"`   // until 2.63
	ProjectID any      `json:"project_id,omitzero"` // 2.13
	UserID    any      `json:"user_id,omitzero"`    // 2.13
}

func renderGroup(rq *front.Request, r statestore.Reader, g compute.Group) groupWire {
	w := groupWire{ID: g.ID, Name: g.Name, Members: compute.GroupMembers(r, g.ID)}
	if rq.Version.AtLeast(13) {
		w.ProjectID, w.UserID = g.ProjectID, g.UserID
	}
	if !rq.Version.AtLeast(64) {
		w.Policies, w.Metadata = []string{g.Policy}, map[string]string{}
		return w
	}
	rules := map[string]any{}
	if g.MaxPerHost > 0 {
		rules["max_server_per_host"] = g.MaxPerHost
	}
	w.Policy, w.Rules = g.Policy, rules
	return w
}

func groupList(rq *front.Request) (*front.Response, error) {
	all := rq.Query().Has("all_projects") && rq.Can("compute:group:list_all", cloud.Target{})
	var gs []compute.Group
	for g := range compute.Groups.All(rq.Read()) {
		if all || g.ProjectID == rq.Caller.ProjectID {
			gs = append(gs, g)
		}
	}
	gs, _, err := front.Page(rq.Query(), gs, front.Paging[compute.Group]{ID: func(g *compute.Group) string { return g.ID },
		Sorts:   map[string]func(a, b *compute.Group) int{"created_at": func(a, b *compute.Group) int { return a.CreatedAt.Compare(b.CreatedAt) }, "name": func(a, b *compute.Group) int { return strings.Compare(a.Name, b.Name) }},
		Default: "created_at"})
	if err != nil {
		return nil, err
	}
	out := make([]groupWire, len(gs))
	for n, g := range gs {
		out[n] = renderGroup(rq, rq.Read(), g)
	}
	return front.OK(map[string]any{"server_groups": out}), nil
}

func groupShow(rq *front.Request) (*front.Response, error) {
	g, err := compute.GroupGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	return front.OK(map[string]any{"server_group": renderGroup(rq, rq.Read(), g)}), err
}

type groupCreateWire struct {
	Name     string   `json:"name"`
	Policies []string `json:"policies"` // until 2.63
	Policy   *string  `json:"policy"`   // 2.64
	Rules    *struct {
		MaxPerHost integer `json:"max_server_per_host"`
	} `json:"rules"` // 2.64
}

// policy returns the one policy, however the microversion has it said.
func (w groupCreateWire) policy(rq *front.Request) (string, error) {
	policy, at := deref(w.Policy), "policy"
	switch {
	case rq.Version.AtLeast(64):
		if w.Policies != nil {
			return "", unexpected("/server_group", "policies")
		}
	case w.Policy != nil:
		return "", unexpected("/server_group", "policy")
	case w.Rules != nil:
		return "", unexpected("/server_group", "rules")
	case len(w.Policies) != 1:
		return "", cloud.Errorf(cloud.Invalid, "server group", "Invalid input for field/attribute policies. A server group has exactly one policy; %d are given.", len(w.Policies)).At("/server_group/policies")
	default:
		policy, at = w.Policies[0], "policies/0"
	}
	if !slices.Contains(compute.GroupPolicies, policy) {
		return "", cloud.Errorf(cloud.Invalid, "server group", "Invalid input for field/attribute %s. Value: %s. '%s' is not one of %v", at, policy, policy, compute.GroupPolicies).At("/server_group/" + at)
	}
	return policy, nil
}

func groupCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Group groupCreateWire `json:"server_group"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	policy, err := b.Group.policy(rq)
	if err != nil {
		return nil, err
	}
	g := compute.Group{Name: strings.TrimSpace(b.Group.Name), Policy: policy, MaxPerHost: int(deref(b.Group.Rules).MaxPerHost)}
	err = rq.Write(func(tx *statestore.Txn) error {
		made, err := compute.GroupCreate(tx, rq.Caller, g)
		if err == nil {
			g = made
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"server_group": renderGroup(rq, rq.Read(), g)}), nil
}

func groupDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error { return compute.GroupDelete(tx, rq.Caller, rq.PathValue("id")) })
	return front.NoContent(), err
}
