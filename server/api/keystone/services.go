package keystone

import (
	"cmp"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
)

func serviceRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/services", Rule: "identity:service:list", Handle: serviceList},
		{Method: "POST", Path: "/services", Rule: "identity:service:create", Handle: serviceCreate},
		{Method: "GET", Path: "/services/{id}", Rule: "identity:service:get", Handle: serviceShow},
		{Method: "PATCH", Path: "/services/{id}", Rule: "identity:service:update", Handle: serviceUpdate},
		{Method: "DELETE", Path: "/services/{id}", Rule: "identity:service:delete", Handle: deleter(identity.ServiceDelete)},
	}
}

type serviceWire struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Type        string         `json:"type"`
	Description string         `json:"description,omitzero"`
	Enabled     bool           `json:"enabled"`
	Links       self           `json:"links"`
	Extra       identity.Extra `json:",embed"`
}

var serviceColumns = columns[serviceWire]{"id": func(s *serviceWire) string { return s.ID }, "name": func(s *serviceWire) string { return s.Name },
	"type": func(s *serviceWire) string { return s.Type }}

func renderService(rq *front.Request, s identity.Service) serviceWire {
	return serviceWire{s.ID, s.Name, s.Type, s.Description, s.Enabled, selfLink(rq, "/services/"+s.ID), s.Extra}
}

type serviceBody struct {
	Service struct {
		ID          optional[string] `json:"id"` // as in the path
		Name        optional[string] `json:"name"`
		Type        optional[string] `json:"type"`
		Description optional[string] `json:"description"`
		Enabled     optional[bool]   `json:"enabled"`
		Extra       identity.Extra   `json:",embed"`
	} `json:"service"`
}

func (b *serviceBody) apply(s *identity.Service) error {
	b.Service.Name.to(&s.Name)
	b.Service.Type.to(&s.Type)
	b.Service.Description.to(&s.Description)
	b.Service.Enabled.to(&s.Enabled)
	return cmp.Or(keep("service", &s.Extra, b.Service.Extra), immutable("service", "id", b.Service.ID, s.ID), required("service", "type", s.Type))
}

func serviceList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []serviceWire
	for s := range identity.Services.All(rq.Read()) {
		if f.text("type", s.Type) && f.text("name", s.Name) {
			out = append(out, renderService(rq, s))
		}
	}
	return paged(rq, "services", out, serviceColumns)
}

func serviceShow(rq *front.Request) (*front.Response, error) {
	s, err := identity.ServiceGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]serviceWire{"service": renderService(rq, s)}), err
}

func serviceCreate(rq *front.Request) (*front.Response, error) {
	var b serviceBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	s := identity.Service{Enabled: true}
	if err := b.apply(&s); err != nil {
		return nil, err
	}
	err := made(rq, identity.Services, &s, &s.ID, identity.ServicePut)
	return front.Created(map[string]serviceWire{"service": renderService(rq, s)}), err
}

func serviceUpdate(rq *front.Request) (*front.Response, error) {
	var b serviceBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	s, err := edited(rq, identity.ServiceGet, b.apply, identity.ServicePut)
	return front.OK(map[string]serviceWire{"service": renderService(rq, s)}), err
}
