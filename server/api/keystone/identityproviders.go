package keystone

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func identityProviderRoutes() []front.Route {
	const of, one = "/OS-FEDERATION/identity_providers", "/OS-FEDERATION/identity_providers/{id}"
	const protocols, protocol = one + "/protocols", one + "/protocols/{protocol}"
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:identity_provider:list", Handle: identityProviderList},
		{Method: "PUT", Path: one, Rule: "identity:identity_provider:create", Handle: identityProviderCreate},
		{Method: "GET", Path: one, Rule: "identity:identity_provider:get", Handle: identityProviderShow},
		{Method: "PATCH", Path: one, Rule: "identity:identity_provider:update", Handle: identityProviderUpdate},
		{Method: "DELETE", Path: one, Rule: "identity:identity_provider:delete", Handle: deleter(identity.IdentityProviderDelete)},
		{Method: "GET", Path: protocols, Rule: "identity:protocol:list", Handle: protocolList},
		{Method: "PUT", Path: protocol, Rule: "identity:protocol:create", Handle: protocolCreate},
		{Method: "GET", Path: protocol, Rule: "identity:protocol:get", Handle: protocolShow},
		{Method: "PATCH", Path: protocol, Rule: "identity:protocol:update", Handle: protocolUpdate},
		{Method: "DELETE", Path: protocol, Rule: "identity:protocol:delete", Handle: protocolDelete},
	}
}

// putNew stores a row under the id that the path names. Error kind: Conflict if there
// is one; what is wrong with the row by itself is told first.
func putNew[T any](rq *front.Request, kind string, t *statestore.Table[T], key string, row *T, put func(*statestore.Txn, T) (T, error)) error {
	return rq.Write(func(tx *statestore.Txn) error {
		_, taken := t.Get(tx, key)
		stored, err := put(tx, *row)
		if err == nil && taken {
			err = cloud.Errorf(cloud.Conflict, kind, "Conflict occurred attempting to store %s - Duplicate ID.", kind)
		}
		*row = stored
		return err
	})
}

type identityProviderWire struct {
	ID          string            `json:"id"`
	DomainID    string            `json:"domain_id"`
	Description any               `json:"description"`
	Enabled     bool              `json:"enabled"`
	RemoteIDs   []string          `json:"remote_ids"`
	TTL         any               `json:"authorization_ttl"`
	Links       map[string]string `json:"links"`
}

func renderIdentityProvider(rq *front.Request, p identity.IdentityProvider) identityProviderWire {
	link := selfLink(rq, "/OS-FEDERATION/identity_providers/"+p.ID).Self
	w := identityProviderWire{p.ID, p.DomainID, orNull(p.Description), p.Enabled, p.RemoteIDs, null, map[string]string{"self": link, "protocols": link + "/protocols"}}
	if p.AuthorizationTTL > 0 {
		w.TTL = p.AuthorizationTTL
	}
	return w
}

// identityProviderBody is what may be said of an identity provider; its domain only at
// first.
type identityProviderBody struct {
	Provider *struct {
		DomainID    optional[string]   `json:"domain_id"`
		Description optional[string]   `json:"description"`
		Enabled     optional[bool]     `json:"enabled"`
		RemoteIDs   optional[[]string] `json:"remote_ids"`
		TTL         optional[int]      `json:"authorization_ttl"`
	} `json:"identity_provider"`
}

func (b *identityProviderBody) apply(p *identity.IdentityProvider) error {
	w := b.Provider
	if w == nil {
		return expecting("identity_provider", "request body", "/identity_provider")
	}
	if p.DomainID != "" {
		if err := immutable("identity_provider", "domain_id", w.DomainID, p.DomainID); err != nil {
			return err
		}
	}
	w.DomainID.to(&p.DomainID)
	w.Description.to(&p.Description)
	w.Enabled.to(&p.Enabled)
	w.RemoteIDs.to(&p.RemoteIDs)
	w.TTL.to(&p.AuthorizationTTL)
	return nil
}

func identityProviderList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []identityProviderWire
	for p := range identity.IdentityProviders.All(rq.Read()) {
		if f.text("id", p.ID) && f.truth("enabled", p.Enabled) {
			out = append(out, renderIdentityProvider(rq, p))
		}
	}
	return paged(rq, "identity_providers", out, columns[identityProviderWire]{"id": func(p *identityProviderWire) string { return p.ID }})
}

func identityProviderAnswer(rq *front.Request, status func(any) *front.Response, p identity.IdentityProvider, err error) (*front.Response, error) {
	return status(map[string]identityProviderWire{"identity_provider": renderIdentityProvider(rq, p)}), err
}

func identityProviderShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.IdentityProviderGet(rq.Read(), rq.PathValue("id"))
	return identityProviderAnswer(rq, front.OK, p, err)
}

func identityProviderCreate(rq *front.Request) (*front.Response, error) {
	var b identityProviderBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p := identity.IdentityProvider{ID: rq.PathValue("id")}
	if err := b.apply(&p); err != nil {
		return nil, err
	}
	err := putNew(rq, "identity_provider", identity.IdentityProviders, p.ID, &p, identity.IdentityProviderPut)
	return identityProviderAnswer(rq, front.Created, p, err)
}

func identityProviderUpdate(rq *front.Request) (*front.Response, error) {
	var b identityProviderBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p, err := edited(rq, identity.IdentityProviderGet, b.apply, identity.IdentityProviderPut)
	return identityProviderAnswer(rq, front.OK, p, err)
}

type protocolWire struct {
	ID        string            `json:"id"`
	MappingID string            `json:"mapping_id"`
	Attribute any               `json:"remote_id_attribute"`
	Links     map[string]string `json:"links"`
}

func renderProtocol(rq *front.Request, p identity.Protocol) protocolWire {
	provider := selfLink(rq, "/OS-FEDERATION/identity_providers/"+p.ProviderID).Self
	return protocolWire{p.ID, p.MappingID, orNull(p.RemoteIDAttribute), map[string]string{"self": provider + "/protocols/" + p.ID, "identity_provider": provider}}
}

type protocolBody struct {
	Protocol *struct {
		MappingID optional[string] `json:"mapping_id"`
		Attribute optional[string] `json:"remote_id_attribute"`
	} `json:"protocol"`
}

func (b *protocolBody) apply(p *identity.Protocol) error {
	if b.Protocol == nil {
		return expecting("protocol", "request body", "/protocol")
	}
	b.Protocol.MappingID.to(&p.MappingID)
	b.Protocol.Attribute.to(&p.RemoteIDAttribute)
	return nil
}

func protocolAnswer(rq *front.Request, status func(any) *front.Response, p identity.Protocol, err error) (*front.Response, error) {
	return status(map[string]protocolWire{"protocol": renderProtocol(rq, p)}), err
}

func protocolList(rq *front.Request) (*front.Response, error) {
	provider, err := identity.IdentityProviderGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var out []protocolWire
	for p := range identity.Protocols.By(rq.Read(), "provider", provider.ID) {
		out = append(out, renderProtocol(rq, p))
	}
	return paged(rq, "protocols", out, columns[protocolWire]{"id": func(p *protocolWire) string { return p.ID }})
}

func protocolShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProtocolGet(rq.Read(), rq.PathValue("id"), rq.PathValue("protocol"))
	return protocolAnswer(rq, front.OK, p, err)
}

func protocolCreate(rq *front.Request) (*front.Response, error) {
	var b protocolBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p := identity.Protocol{ProviderID: rq.PathValue("id"), ID: rq.PathValue("protocol")}
	if err := b.apply(&p); err != nil {
		return nil, err
	}
	err := putNew(rq, "federation_protocol", identity.Protocols, statestore.Key(p.ProviderID, p.ID), &p, identity.ProtocolPut)
	return protocolAnswer(rq, front.Created, p, err)
}

func protocolUpdate(rq *front.Request) (*front.Response, error) {
	var b protocolBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p, err := edited(rq, func(r statestore.Reader, provider string) (identity.Protocol, error) {
		return identity.ProtocolGet(r, provider, rq.PathValue("protocol"))
	}, b.apply, identity.ProtocolPut)
	return protocolAnswer(rq, front.OK, p, err)
}

func protocolDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		return identity.ProtocolDelete(tx, rq.PathValue("id"), rq.PathValue("protocol"))
	})
}
