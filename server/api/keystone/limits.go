package keystone

import (
	"cmp"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) limitRoutes() []front.Route {
	t := limitTarget
	return []front.Route{
		{Method: "GET", Path: "/limits/model", Rule: front.Authenticated, Handle: a.limitModel},
		{Method: "GET", Path: "/limits", Rule: "identity:limit:list", Handle: limitList},
		{Method: "POST", Path: "/limits", Rule: "identity:limit:create", Handle: a.limitCreate},
		{Method: "GET", Path: "/limits/{id}", Rule: "identity:limit:get", Target: t, Handle: limitShow},
		{Method: "PATCH", Path: "/limits/{id}", Rule: "identity:limit:update", Target: t, Handle: a.limitUpdate},
		{Method: "DELETE", Path: "/limits/{id}", Rule: "identity:limit:delete", Target: t, Handle: deleter(identity.LimitDelete)},
	}
}

// limitTarget is that of nobody for a limit that does not exist.
func limitTarget(rq *front.Request) (cloud.Target, error) {
	l, _ := identity.Limits.Get(rq.Read(), rq.PathValue("id"))
	return targetOfLimit(rq.Read(), l), nil
}

// targetOfLimit is in the domain that the limit, or its project, is of.
func targetOfLimit(r statestore.Reader, l identity.Limit) cloud.Target {
	p, _ := identity.Projects.Get(r, l.ProjectID)
	return cloud.Target{ProjectID: l.ProjectID, DomainID: cmp.Or(l.DomainID, p.DomainID)}
}

func (a *api) limitModel(*front.Request) (*front.Response, error) {
	name := cmp.Or(a.Authority.LimitModel, identity.FlatLimits)
	return front.OK(map[string]any{"model": map[string]string{"name": string(name), "description": identity.LimitModels[name]}}), nil
}

type limitWire struct {
	ID          string `json:"id"`
	ProjectID   any    `json:"project_id"`
	DomainID    any    `json:"domain_id"`
	ServiceID   string `json:"service_id"`
	RegionID    any    `json:"region_id"`
	Resource    string `json:"resource_name"`
	Max         int    `json:"resource_limit"`
	Description any    `json:"description"`
	Links       *self  `json:"links,omitzero"` // not within a project
}

func renderLimit(rq *front.Request, l identity.Limit) limitWire {
	link := selfLink(rq, "/limits/"+l.ID)
	return limitWire{l.ID, orNull(l.ProjectID), orNull(l.DomainID), l.ServiceID, orNull(l.RegionID), l.Resource, l.Max, orNull(l.Description), &link}
}

type limitGiven struct {
	ProjectID   optional[string] `json:"project_id"`
	DomainID    optional[string] `json:"domain_id"`
	ServiceID   string           `json:"service_id"`
	RegionID    optional[string] `json:"region_id"`
	Resource    string           `json:"resource_name"`
	Max         *int             `json:"resource_limit"`
	Description optional[string] `json:"description"`
}

func limitList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []limitWire
	for l := range identity.Limits.All(rq.Read()) {
		if rq.Can("identity:limit:get", targetOfLimit(rq.Read(), l)) && f.text("service_id", l.ServiceID) && f.text("region_id", l.RegionID) &&
			f.text("resource_name", l.Resource) && f.text("project_id", l.ProjectID) && f.text("domain_id", l.DomainID) {
			out = append(out, renderLimit(rq, l))
		}
	}
	return paged(rq, "limits", out, columns[limitWire]{"id": func(l *limitWire) string { return l.ID }, "resource_name": func(l *limitWire) string { return l.Resource }})
}

func limitShow(rq *front.Request) (*front.Response, error) {
	l, err := identity.LimitGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]limitWire{"limit": renderLimit(rq, l)}), err
}

// limitCreate makes several limits, all or none.
func (a *api) limitCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Limits []limitGiven `json:"limits"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	made, err := several(rq, "limit", b.Limits, identity.Limits, func(l *identity.Limit) *string { return &l.ID }, limitGiven.apply, identity.LimitPut, a.Authority.LimitCheck)
	wires := make([]limitWire, len(made))
	for n, l := range made {
		wires[n] = renderLimit(rq, l)
	}
	return front.Created(map[string][]limitWire{"limits": wires}), err
}

func (w limitGiven) apply(l *identity.Limit) error {
	if err := required("limit", "service_id", w.ServiceID); err != nil {
		return err
	}
	if w.Max == nil {
		return required("limit", "resource_limit", "")
	}
	*l = identity.Limit{ID: l.ID, ProjectID: w.ProjectID.Value, DomainID: w.DomainID.Value, Max: *w.Max, Description: w.Description.Value,
		Countable: identity.Countable{ServiceID: w.ServiceID, RegionID: w.RegionID.Value, Resource: w.Resource}}
	return nil
}

func (a *api) limitUpdate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Limit struct {
			Max         optional[int]    `json:"resource_limit"`
			Description optional[string] `json:"description"`
		} `json:"limit"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	l, err := edited(rq, identity.LimitGet, func(l *identity.Limit) error {
		b.Limit.Max.to(&l.Max)
		b.Limit.Description.to(&l.Description)
		return nil
	}, func(tx *statestore.Txn, l identity.Limit) (identity.Limit, error) {
		l, err := identity.LimitPut(tx, l)
		if err != nil {
			return l, err
		}
		return l, a.Authority.LimitCheck(tx, l)
	})
	return front.OK(map[string]limitWire{"limit": renderLimit(rq, l)}), err
}
