package keystone

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func federationRoutes() []front.Route {
	const mappings, mapping = "/OS-FEDERATION/mappings", "/OS-FEDERATION/mappings/{id}"
	const providers, provider = "/OS-FEDERATION/service_providers", "/OS-FEDERATION/service_providers/{id}"
	return []front.Route{
		{Method: "GET", Path: mappings, Rule: "identity:mapping:list", Handle: mappingList},
		{Method: "PUT", Path: mapping, Rule: "identity:mapping:create", Handle: mappingCreate},
		{Method: "GET", Path: mapping, Rule: "identity:mapping:get", Handle: mappingShow},
		{Method: "PATCH", Path: mapping, Rule: "identity:mapping:update", Handle: mappingUpdate},
		{Method: "DELETE", Path: mapping, Rule: "identity:mapping:delete", Handle: deleter(identity.MappingDelete)},
		{Method: "GET", Path: providers, Rule: "identity:service_provider:list", Handle: serviceProviderList},
		{Method: "PUT", Path: provider, Rule: "identity:service_provider:create", Handle: serviceProviderCreate},
		{Method: "GET", Path: provider, Rule: "identity:service_provider:get", Handle: serviceProviderShow},
		{Method: "PATCH", Path: provider, Rule: "identity:service_provider:update", Handle: serviceProviderUpdate},
		{Method: "DELETE", Path: provider, Rule: "identity:service_provider:delete", Handle: deleter(identity.ServiceProviderDelete)},
	}
}

type mappingWire struct {
	ID      string         `json:"id"`
	Rules   jsontext.Value `json:"rules"`
	Version string         `json:"schema_version"`
	Links   self           `json:"links"`
}

func renderMapping(rq *front.Request, m identity.Mapping) mappingWire {
	return mappingWire{m.ID, m.Rules, "1.0", selfLink(rq, "/OS-FEDERATION/mappings/"+m.ID)}
}

type mappingBody struct {
	Mapping *struct {
		Rules jsontext.Value `json:"rules"`
	} `json:"mapping"`
}

func (b *mappingBody) apply(m *identity.Mapping) error {
	if b.Mapping == nil || len(b.Mapping.Rules) == 0 {
		return expecting("rules", "mapping", "/mapping/rules")
	}
	m.Rules = b.Mapping.Rules
	return nil
}

func mappingAnswer(rq *front.Request, status func(any) *front.Response, m identity.Mapping, err error) (*front.Response, error) {
	return status(map[string]mappingWire{"mapping": renderMapping(rq, m)}), err
}

func mappingList(rq *front.Request) (*front.Response, error) {
	var out []mappingWire
	for m := range identity.Mappings.All(rq.Read()) {
		out = append(out, renderMapping(rq, m))
	}
	return paged(rq, "mappings", out, columns[mappingWire]{"id": func(m *mappingWire) string { return m.ID }})
}

func mappingShow(rq *front.Request) (*front.Response, error) {
	m, err := identity.MappingGet(rq.Read(), rq.PathValue("id"))
	return mappingAnswer(rq, front.OK, m, err)
}

func mappingCreate(rq *front.Request) (*front.Response, error) {
	var b mappingBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	m := identity.Mapping{ID: rq.PathValue("id")}
	if err := b.apply(&m); err != nil {
		return nil, err
	}
	err := putNew(rq, "mapping", identity.Mappings, m.ID, &m, identity.MappingPut)
	return mappingAnswer(rq, front.Created, m, err)
}

func mappingUpdate(rq *front.Request) (*front.Response, error) {
	var b mappingBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	m, err := edited(rq, identity.MappingGet, b.apply, identity.MappingPut)
	return mappingAnswer(rq, front.OK, m, err)
}

type serviceProviderWire struct {
	ID          string `json:"id"`
	AuthURL     string `json:"auth_url"`
	URL         string `json:"sp_url"`
	Description any    `json:"description"`
	Enabled     bool   `json:"enabled"`
	RelayState  string `json:"relay_state_prefix"`
	Links       self   `json:"links"`
}

func renderServiceProvider(rq *front.Request, p identity.ServiceProvider) serviceProviderWire {
	return serviceProviderWire{p.ID, p.AuthURL, p.URL, orNull(p.Description), p.Enabled, p.RelayStatePrefix, selfLink(rq, "/OS-FEDERATION/service_providers/"+p.ID)}
}

// tokenServiceProvider is a service provider as a token tells it.
type tokenServiceProvider struct {
	ID      string `json:"id"`
	AuthURL string `json:"auth_url"`
	URL     string `json:"sp_url"`
}

// serviceProviders are the enabled ones.
func serviceProviders(r statestore.Reader) (out []tokenServiceProvider) {
	for p := range identity.ServiceProviders.All(r) {
		if p.Enabled {
			out = append(out, tokenServiceProvider{p.ID, p.AuthURL, p.URL})
		}
	}
	return out
}

type serviceProviderBody struct {
	Provider *struct {
		AuthURL     optional[string] `json:"auth_url"`
		URL         optional[string] `json:"sp_url"`
		Description optional[string] `json:"description"`
		Enabled     optional[bool]   `json:"enabled"`
		RelayState  optional[string] `json:"relay_state_prefix"`
	} `json:"service_provider"`
}

func (b *serviceProviderBody) apply(p *identity.ServiceProvider) error {
	w := b.Provider
	if w == nil {
		return expecting("service_provider", "request body", "/service_provider")
	}
	w.AuthURL.to(&p.AuthURL)
	w.URL.to(&p.URL)
	w.Description.to(&p.Description)
	w.Enabled.to(&p.Enabled)
	w.RelayState.to(&p.RelayStatePrefix)
	return nil
}

func serviceProviderAnswer(rq *front.Request, status func(any) *front.Response, p identity.ServiceProvider, err error) (*front.Response, error) {
	return status(map[string]serviceProviderWire{"service_provider": renderServiceProvider(rq, p)}), err
}

func serviceProviderList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []serviceProviderWire
	for p := range identity.ServiceProviders.All(rq.Read()) {
		if f.text("id", p.ID) && f.truth("enabled", p.Enabled) {
			out = append(out, renderServiceProvider(rq, p))
		}
	}
	return paged(rq, "service_providers", out, columns[serviceProviderWire]{"id": func(p *serviceProviderWire) string { return p.ID }})
}

func serviceProviderShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.ServiceProviderGet(rq.Read(), rq.PathValue("id"))
	return serviceProviderAnswer(rq, front.OK, p, err)
}

func serviceProviderCreate(rq *front.Request) (*front.Response, error) {
	var b serviceProviderBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p := identity.ServiceProvider{ID: rq.PathValue("id"), RelayStatePrefix: identity.DefaultRelayState}
	if err := b.apply(&p); err != nil {
		return nil, err
	}
	err := putNew(rq, "service_provider", identity.ServiceProviders, p.ID, &p, identity.ServiceProviderPut)
	return serviceProviderAnswer(rq, front.Created, p, err)
}

func serviceProviderUpdate(rq *front.Request) (*front.Response, error) {
	var b serviceProviderBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p, err := edited(rq, identity.ServiceProviderGet, b.apply, identity.ServiceProviderPut)
	return serviceProviderAnswer(rq, front.OK, p, err)
}
