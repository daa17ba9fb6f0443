package keystone

import (
	"cmp"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func endpointRoutes() []front.Route {
	t := told(identity.EndpointGet)
	return []front.Route{
		{Method: "GET", Path: "/endpoints", Rule: "identity:endpoint:list", Handle: endpointList},
		{Method: "POST", Path: "/endpoints", Rule: "identity:endpoint:create", Handle: endpointCreate},
		{Method: "GET", Path: "/endpoints/{id}", Rule: "identity:endpoint:get", Target: t, Handle: endpointShow},
		{Method: "PATCH", Path: "/endpoints/{id}", Rule: "identity:endpoint:update", Target: t, Handle: endpointUpdate},
		{Method: "DELETE", Path: "/endpoints/{id}", Rule: "identity:endpoint:delete", Target: t, Handle: deleter(identity.EndpointDelete)},
	}
}

type endpointWire struct {
	ID        string         `json:"id"`
	Interface string         `json:"interface"`
	RegionID  any            `json:"region_id"`
	Region    any            `json:"region"`
	ServiceID string         `json:"service_id"`
	URL       string         `json:"url"`
	Name      string         `json:"name,omitzero"`
	Enabled   bool           `json:"enabled"`
	Links     self           `json:"links"`
	Extra     identity.Extra `json:",embed"`
}

var endpointColumns = columns[endpointWire]{"id": func(e *endpointWire) string { return e.ID }, "interface": func(e *endpointWire) string { return e.Interface },
	"service_id": func(e *endpointWire) string { return e.ServiceID }, "url": func(e *endpointWire) string { return e.URL },
	"name": func(e *endpointWire) string { return e.Name }}

func renderEndpoint(rq *front.Request, e identity.Endpoint) endpointWire {
	return endpointWire{e.ID, e.Interface, orNull(e.RegionID), orNull(e.RegionID), e.ServiceID, absolute(rq, e.URL), e.Name, e.Enabled,
		selfLink(rq, "/endpoints/"+e.ID), e.Extra}
}

type endpointBody struct {
	Endpoint struct {
		ID        optional[string] `json:"id"` // as in the path
		Interface optional[string] `json:"interface"`
		RegionID  optional[string] `json:"region_id"`
		Region    optional[string] `json:"region"` // a region's id too, made if there is none
		ServiceID optional[string] `json:"service_id"`
		URL       optional[string] `json:"url"`
		Name      optional[string] `json:"name"`
		Enabled   optional[bool]   `json:"enabled"`
		Extra     identity.Extra   `json:",embed"`
	} `json:"endpoint"`
}

func (b *endpointBody) apply(e *identity.Endpoint) error {
	w := b.Endpoint
	w.Interface.to(&e.Interface)
	w.Region.to(&e.RegionID)
	w.RegionID.to(&e.RegionID)
	w.ServiceID.to(&e.ServiceID)
	w.URL.to(&e.URL)
	w.Name.to(&e.Name)
	w.Enabled.to(&e.Enabled)
	return cmp.Or(keep("endpoint", &e.Extra, w.Extra), immutable("endpoint", "id", w.ID, e.ID), required("endpoint", "interface", e.Interface), required("endpoint", "service_id", e.ServiceID), required("endpoint", "url", e.URL))
}

// put stores an endpoint, with the region that the old member names.
func (b *endpointBody) put(tx *statestore.Txn, e identity.Endpoint) (identity.Endpoint, error) {
	if _, ok := identity.Regions.Get(tx, e.RegionID); !ok && e.RegionID != "" && e.RegionID == b.Endpoint.Region.Value {
		if _, err := identity.RegionPut(tx, identity.Region{ID: e.RegionID}); err != nil {
			return e, err
		}
	}
	return identity.EndpointPut(tx, e)
}

func endpointList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []endpointWire
	for e := range identity.Endpoints.All(rq.Read()) {
		if f.text("interface", e.Interface) && f.text("service_id", e.ServiceID) && f.text("region_id", e.RegionID) && f.text("name", e.Name) {
			out = append(out, renderEndpoint(rq, e))
		}
	}
	return paged(rq, "endpoints", out, endpointColumns)
}

func endpointShow(rq *front.Request) (*front.Response, error) {
	e, err := identity.EndpointGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]endpointWire{"endpoint": renderEndpoint(rq, e)}), err
}

func endpointCreate(rq *front.Request) (*front.Response, error) {
	var b endpointBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	e := identity.Endpoint{Enabled: true}
	if err := b.apply(&e); err != nil {
		return nil, err
	}
	err := made(rq, identity.Endpoints, &e, &e.ID, b.put)
	return front.Created(map[string]endpointWire{"endpoint": renderEndpoint(rq, e)}), err
}

func endpointUpdate(rq *front.Request) (*front.Response, error) {
	var b endpointBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	e, err := edited(rq, identity.EndpointGet, b.apply, b.put)
	return front.OK(map[string]endpointWire{"endpoint": renderEndpoint(rq, e)}), err
}
