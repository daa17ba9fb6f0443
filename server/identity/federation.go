package identity

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// IdentityProvider is another service that knows users. What is kept of it is told;
// nobody logs in by it here.
type IdentityProvider struct {
	ID, DomainID, Description string // its users are of that domain
	Enabled                   bool
	RemoteIDs                 []string // what it calls itself; no other provider does
	AuthorizationTTL          int      // minutes that a group membership by it lasts; 0: not set
}

// Mapping says how what an identity provider tells of a user becomes a user here.
type Mapping struct {
	ID    string
	Rules jsontext.Value
}

// Protocol is a way in which an identity provider speaks, and how it is understood.
type Protocol struct {
	ProviderID, ID, MappingID string
	RemoteIDAttribute         string
}

func (p Protocol) key() string { return statestore.Key(p.ProviderID, p.ID) }

// ServiceProvider is another cloud that trusts this one's users. Tokens tell the enabled ones.
type ServiceProvider struct {
	ID, Description, AuthURL, URL string
	Enabled                       bool
	RelayStatePrefix              string
}

// DefaultRelayState is the RelayStatePrefix of a service provider that is given none.
const DefaultRelayState = "ss:mem:"

// The tables of federation.
var (
	IdentityProviders = statestore.NewTable(statestore.TableDef[IdentityProvider]{Name: "identity_provider", Version: 1, Key: func(p *IdentityProvider) string { return p.ID },
		Indexes: []statestore.Index[IdentityProvider]{
			{Name: "remote", Keys: func(p *IdentityProvider) []string { return p.RemoteIDs }},
			{Name: "domain", Keys: func(p *IdentityProvider) []string { return []string{p.DomainID} }},
		}})
	Mappings  = statestore.NewTable(statestore.TableDef[Mapping]{Name: "mapping", Version: 1, Key: func(m *Mapping) string { return m.ID }})
	Protocols = statestore.NewTable(statestore.TableDef[Protocol]{Name: "federation_protocol", Version: 1, Key: func(p *Protocol) string { return p.key() },
		Indexes: []statestore.Index[Protocol]{{Name: "provider", Keys: func(p *Protocol) []string { return []string{p.ProviderID} }}}})
	ServiceProviders = statestore.NewTable(statestore.TableDef[ServiceProvider]{Name: "service_provider", Version: 1, Key: func(p *ServiceProvider) string { return p.ID }})
)

// IdentityProviderGet returns an identity provider by id. Error kind: NotFound.
func IdentityProviderGet(r statestore.Reader, id string) (IdentityProvider, error) {
	return get(IdentityProviders, r, "identity provider", id)
}

// MappingGet returns a mapping by id. Error kind: NotFound.
func MappingGet(r statestore.Reader, id string) (Mapping, error) {
	return get(Mappings, r, "mapping", id)
}

// ServiceProviderGet returns a service provider by id. Error kind: NotFound.
func ServiceProviderGet(r statestore.Reader, id string) (ServiceProvider, error) {
	return get(ServiceProviders, r, "service provider", id)
}

// ProtocolGet returns a protocol of an identity provider. Error kind: NotFound.
func ProtocolGet(r statestore.Reader, provider, id string) (Protocol, error) {
	if _, err := IdentityProviderGet(r, provider); err != nil {
		return Protocol{}, err
	}
	p, ok := Protocols.Get(r, Protocol{ProviderID: provider, ID: id}.key())
	if !ok {
		return p, missing("federation protocol", id)
	}
	return p, nil
}

const maxRemoteIDs = 100

// IdentityProviderPut stores a new or changed identity provider; one without a domain
// gets one of its own. Error kinds: Invalid, NotFound for the domain, Conflict for a
// remote id that another has.
func IdentityProviderPut(tx *statestore.Txn, p IdentityProvider) (IdentityProvider, error) {
	const kind, at = "identity provider", "/identity_provider"
	if err := fits(kind, at+"/id", p.ID); err != nil {
		return p, err
	}
	if len(p.RemoteIDs) > maxRemoteIDs || slices.ContainsFunc(p.RemoteIDs, func(s string) bool { return s == "" || len(s) > 255 }) {
		return p, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'remote_ids': at most %d ids of 1 to 255 characters are taken.", maxRemoteIDs).At(at + "/remote_ids")
	}
	if p.AuthorizationTTL < 0 {
		return p, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'authorization_ttl': %d is less than the minimum of 0.", p.AuthorizationTTL).At(at + "/authorization_ttl")
	}
	p.RemoteIDs = slices.Compact(slices.Sorted(slices.Values(p.RemoteIDs)))
	for _, id := range p.RemoteIDs {
		for other := range IdentityProviders.By(tx, "remote", id) {
			if other.ID != p.ID {
				return p, cloud.Errorf(cloud.Conflict, kind, "Conflict occurred attempting to store identity_provider - Duplicate remote ID: %s.", id).At(at + "/remote_ids")
			}
		}
	}
	if p.DomainID == "" {
		id := newID(tx)
		if _, err := DomainPut(tx, Domain{ID: id, Name: id, Enabled: true, Description: "Auto generated federated domain for Identity Provider: " + p.ID}); err != nil {
			return p, err
		}
		p.DomainID = id
	}
	if _, ok := Domains.Get(tx, p.DomainID); !ok {
		return p, missing("domain", p.DomainID).At(at + "/domain_id")
	}
	IdentityProviders.Put(tx, p)
	return p, nil
}

// IdentityProviderDelete deletes an identity provider with its protocols. Error kind: NotFound.
func IdentityProviderDelete(tx *statestore.Txn, id string) error {
	if !IdentityProviders.Delete(tx, id) {
		return missing("identity provider", id)
	}
	for _, p := range slices.Collect(Protocols.By(tx, "provider", id)) {
		Protocols.Delete(tx, p.key())
	}
	return nil
}

// mappingRule is a rule of a mapping, with all that it may have (Keystone's schema 1.0).
type mappingRule struct {
	Local []struct {
		User *struct {
			ID     string         `json:"id"`
			Name   string         `json:"name"`
			Email  string         `json:"email"`
			Type   string         `json:"type"` // ephemeral, local
			Domain *mappingDomain `json:"domain"`
		} `json:"user"`
		Group *struct {
			ID     string         `json:"id"`
			Name   string         `json:"name"`
			Domain *mappingDomain `json:"domain"`
		} `json:"group"`
		Groups   string         `json:"groups"`
		GroupIDs string         `json:"group_ids"`
		Domain   *mappingDomain `json:"domain"`
		Projects []struct {
			Name  string `json:"name"`
			Roles []struct {
				Name string `json:"name"`
			} `json:"roles"`
		} `json:"projects"`
	} `json:"local"`
	Remote []struct {
		Type      string   `json:"type"`
		AnyOneOf  []string `json:"any_one_of"`
		NotAnyOf  []string `json:"not_any_of"`
		Blacklist []string `json:"blacklist"`
		Whitelist []string `json:"whitelist"`
		Regex     bool     `json:"regex"`
	} `json:"remote"`
}

type mappingDomain struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// check refuses rules that are none. Error kind: Invalid, with the rule.
func (m Mapping) check() error {
	const at = "/mapping/rules"
	refuse := func(format string, args ...any) *cloud.Error {
		return cloud.Errorf(cloud.Invalid, "mapping", format, args...).At(at)
	}
	var rules []mappingRule
	if err := json.Unmarshal(m.Rules, &rules, json.RejectUnknownMembers(true)); err != nil || len(rules) == 0 {
		return refuse("Invalid input for field 'rules': a list of rules with local and remote, as Keystone has them, is required.").Because(err)
	}
	for n, r := range rules {
		if r.Local == nil || len(r.Remote) == 0 {
			return refuse("Invalid input for field 'rules/%d': local, which may be empty, and at least one remote are required.", n)
		}
		for _, remote := range r.Remote {
			conditions := 0
			for _, c := range [][]string{remote.AnyOneOf, remote.NotAnyOf, remote.Blacklist, remote.Whitelist} {
				if c != nil {
					conditions++
				}
			}
			if remote.Type == "" || conditions > 1 {
				return refuse("Invalid input for field 'rules/%d/remote': each needs a type and at most one of any_one_of, not_any_of, blacklist and whitelist.", n)
			}
		}
	}
	return nil
}

// MappingPut stores a new or changed mapping. Error kind: Invalid.
func MappingPut(tx *statestore.Txn, m Mapping) (Mapping, error) {
	if err := fits("mapping", "/mapping/id", m.ID); err != nil {
		return m, err
	}
	if err := m.check(); err != nil {
		return m, err
	}
	m.Rules = m.Rules.Clone()
	Mappings.Put(tx, m)
	return m, nil
}

// MappingDelete deletes a mapping. Error kind: NotFound.
func MappingDelete(tx *statestore.Txn, id string) error {
	if !Mappings.Delete(tx, id) {
		return missing("mapping", id)
	}
	return nil
}

// ProtocolPut stores a new or changed protocol. Error kinds: NotFound for its provider,
// Invalid for a mapping that there is not.
func ProtocolPut(tx *statestore.Txn, p Protocol) (Protocol, error) {
	const kind = "federation protocol"
	if _, err := IdentityProviderGet(tx, p.ProviderID); err != nil {
		return p, err
	}
	if err := fits(kind, "/protocol/id", p.ID); err != nil {
		return p, err
	}
	if _, ok := Mappings.Get(tx, p.MappingID); !ok {
		return p, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'mapping_id': there is no mapping %.100q.", p.MappingID).At("/protocol/mapping_id")
	}
	Protocols.Put(tx, p)
	return p, nil
}

// ProtocolDelete deletes a protocol of an identity provider. Error kind: NotFound.
func ProtocolDelete(tx *statestore.Txn, provider, id string) error {
	p, err := ProtocolGet(tx, provider, id)
	if err == nil {
		Protocols.Delete(tx, p.key())
	}
	return err
}

// ServiceProviderPut stores a new or changed service provider. Error kind: Invalid.
func ServiceProviderPut(tx *statestore.Txn, p ServiceProvider) (ServiceProvider, error) {
	const kind, at = "service provider", "/service_provider"
	if err := fits(kind, at+"/id", p.ID); err != nil {
		return p, err
	}
	for field, url := range map[string]string{"auth_url": p.AuthURL, "sp_url": p.URL} {
		if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") || len(url) > 255 {
			return p, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field '%s': %.100q is not an http or https URL of at most 255 characters.", field, url).At(at + "/" + field)
		}
	}
	ServiceProviders.Put(tx, p)
	return p, nil
}

// ServiceProviderDelete deletes a service provider. Error kind: NotFound.
func ServiceProviderDelete(tx *statestore.Txn, id string) error {
	if !ServiceProviders.Delete(tx, id) {
		return missing("service provider", id)
	}
	return nil
}

// fits refuses an id that a path cannot name.
func fits(kind, at, id string) error {
	if id == "" || len(id) > 64 {
		return cloud.Errorf(cloud.Invalid, kind, "The id of a %s has 1 to 64 characters.", kind).At(at)
	}
	return nil
}
