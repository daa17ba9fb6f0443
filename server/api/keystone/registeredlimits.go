package keystone

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func registeredLimitRoutes() []front.Route {
	const of, one = "/registered_limits", "/registered_limits/{id}"
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:registered_limit:list", Handle: registeredLimitList},
		{Method: "POST", Path: of, Rule: "identity:registered_limit:create", Handle: registeredLimitCreate},
		{Method: "GET", Path: one, Rule: "identity:registered_limit:get", Handle: registeredLimitShow},
		{Method: "PATCH", Path: one, Rule: "identity:registered_limit:update", Handle: registeredLimitUpdate},
		{Method: "DELETE", Path: one, Rule: "identity:registered_limit:delete", Handle: deleter(identity.RegisteredLimitDelete)},
	}
}

type registeredLimitWire struct {
	ID          string `json:"id"`
	ServiceID   string `json:"service_id"`
	RegionID    any    `json:"region_id"`
	Resource    string `json:"resource_name"`
	Default     int    `json:"default_limit"`
	Description any    `json:"description"`
	Links       self   `json:"links"`
}

func renderRegisteredLimit(rq *front.Request, l identity.RegisteredLimit) registeredLimitWire {
	return registeredLimitWire{l.ID, l.ServiceID, orNull(l.RegionID), l.Resource, l.Default, orNull(l.Description), selfLink(rq, "/registered_limits/"+l.ID)}
}

type registeredLimitGiven struct {
	ServiceID   optional[string] `json:"service_id"`
	RegionID    optional[string] `json:"region_id"`
	Resource    optional[string] `json:"resource_name"`
	Default     optional[int]    `json:"default_limit"`
	Description optional[string] `json:"description"`
}

func (w registeredLimitGiven) apply(l *identity.RegisteredLimit) error {
	w.ServiceID.to(&l.ServiceID)
	w.RegionID.to(&l.RegionID)
	w.Resource.to(&l.Resource)
	w.Default.to(&l.Default)
	w.Description.to(&l.Description)
	return nil
}

func registeredLimitList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []registeredLimitWire
	for l := range identity.RegisteredLimits.All(rq.Read()) {
		if f.text("service_id", l.ServiceID) && f.text("region_id", l.RegionID) && f.text("resource_name", l.Resource) {
			out = append(out, renderRegisteredLimit(rq, l))
		}
	}
	return paged(rq, "registered_limits", out, columns[registeredLimitWire]{"id": func(l *registeredLimitWire) string { return l.ID }, "resource_name": func(l *registeredLimitWire) string { return l.Resource }})
}

func registeredLimitShow(rq *front.Request) (*front.Response, error) {
	l, err := identity.RegisteredLimitGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]registeredLimitWire{"registered_limit": renderRegisteredLimit(rq, l)}), err
}

// registeredLimitCreate makes several, all or none.
func registeredLimitCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Limits []registeredLimitGiven `json:"registered_limits"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	made, err := several(rq, "registered_limit", b.Limits, identity.RegisteredLimits, func(l *identity.RegisteredLimit) *string { return &l.ID },
		func(w registeredLimitGiven, l *identity.RegisteredLimit) error {
			if !w.Default.Set {
				return required("registered_limit", "default_limit", "")
			}
			return w.apply(l)
		}, identity.RegisteredLimitPut, func(statestore.Reader, identity.RegisteredLimit) error { return nil })
	wires := make([]registeredLimitWire, len(made))
	for n, l := range made {
		wires[n] = renderRegisteredLimit(rq, l)
	}
	return front.Created(map[string][]registeredLimitWire{"registered_limits": wires}), err
}

func registeredLimitUpdate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Limit registeredLimitGiven `json:"registered_limit"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	l, err := edited(rq, identity.RegisteredLimitGet, b.Limit.apply, identity.RegisteredLimitPut)
	return front.OK(map[string]registeredLimitWire{"registered_limit": renderRegisteredLimit(rq, l)}), err
}
