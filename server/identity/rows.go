package identity

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/statestore"
)

// DefaultDomain is the id of the domain that always exists.
const DefaultDomain = "default"

// Extra are members that clients keep with a resource and Keystone does not know.
type Extra map[string]jsontext.Value

// Domain is a set of projects and users with its own names.
type Domain struct {
	ID, Name, Description string
	Enabled               bool
	Tags                  []string
	Options               Options `json:",omitempty"`
	Extra                 Extra   `json:",omitempty"`
}

// Project owns resources. One that acts as a domain is never stored: it is how
// ProjectGet shows a domain, with the domain's id and no domain or parent.
type Project struct {
	ID, Name, DomainID, Description string
	ParentID                        string // the project above, or the domain's id
	Enabled, IsDomain               bool
	Tags                            []string
	Options                         Options `json:",omitempty"`
	Extra                           Extra   `json:",omitempty"`
}

// User is somebody who can authenticate.
type User struct {
	ID, Name, DomainID, Description, Email string
	DefaultProjectID                       string // scope of an authentication that names none
	ProjectID                              string // an attribute that old clients set and read; it means nothing
	Enabled                                bool
	PasswordHash                           string // PHC string; empty: no password, no login
	PasswordExpiresAt                      time.Time
	PasswordChangedAt                      time.Time
	PasswordHistory                        []string  // the hashes before, the latest first
	FailedLogins                           int       // since the last that succeeded
	FailedAt                               time.Time // the last that failed
	ActiveAt                               time.Time // the last that succeeded, to the day; kept if inactivity counts
	ValidAfter                             time.Time // the tokens from before are void: see Token.Epoch
	Options                                Options   `json:",omitempty"`
	Extra                                  Extra     `json:",omitempty"`
}

// Group is a set of users to whom roles are given together.
type Group struct {
	ID, Name, DomainID, Description string
	Extra                           Extra `json:",omitempty"`
}

// Membership puts a user into a group.
type Membership struct{ GroupID, UserID string }

func (m Membership) key() string { return statestore.Key(m.GroupID, m.UserID) }

// Role is a name that policy grants things to.
type Role struct {
	ID, Name, Description string
	DomainID              string   // empty: for all domains
	Implies               []string // ids of the roles that come with it
	Options               Options  `json:",omitempty"`
	Extra                 Extra    `json:",omitempty"`
}

// ScopeKind is what a token or an assignment is for.
type ScopeKind string

// The kinds of scope.
const (
	Unscoped      ScopeKind = ""
	ProjectScope  ScopeKind = "project"
	DomainScope   ScopeKind = "domain"
	SystemScope   ScopeKind = "system"
	TrustScope    ScopeKind = "trust" // as asked for: the token is for the trust's project
	systemID                = "all"
	inheritedMark           = "inherited"
)

// Scope is a project, a domain, the system, or nothing.
type Scope struct {
	Kind ScopeKind
	ID   string // of the project or domain; "all" for the system
}

// System is the scope of the system as a whole.
var System = Scope{SystemScope, systemID}

func (s Scope) key() string { return statestore.Key(string(s.Kind), s.ID) }

// Assignment gives a user or a group a role in a scope: one of UserID and GroupID
// is set. An inherited one counts in the projects below its domain or project,
// not in the scope itself.
type Assignment struct {
	RoleID, UserID string
	GroupID        string `json:",omitempty"`
	Scope          Scope
	Inherited      bool
}

// groupMark begins the actor that a group is: no id of a user does.
const groupMark = "group:"

// actor is who was given the role.
func (a Assignment) actor() string {
	if a.GroupID != "" {
		return groupMark + a.GroupID
	}
	return a.UserID
}

func (a Assignment) key() string {
	inherited := ""
	if a.Inherited {
		inherited = inheritedMark
	}
	return statestore.Key(a.actor(), string(a.Scope.Kind), a.Scope.ID, a.RoleID, inherited)
}

// Region is a place that endpoints are in.
type Region struct {
	ID, ParentID, Description string
	Extra                     Extra `json:",omitempty"`
}

// Service is an entry of the catalog.
type Service struct {
	ID, Name, Type, Description string
	Enabled                     bool
	Extra                       Extra `json:",omitempty"`
}

// Endpoint is where a service is reached. A URL that begins with a slash is
// below the address at which the client reached Cloudlet.
type Endpoint struct {
	ID, ServiceID, RegionID, Interface, URL, Name string
	Enabled                                       bool
	Extra                                         Extra `json:",omitempty"`
}

// Revocation voids one token until it would have expired.
type Revocation struct {
	AuditID   string
	ExpiresAt time.Time
}

func folded(parts ...string) string {
	for i := range parts {
		parts[i] = strings.ToLower(parts[i])
	}
	return statestore.Key(parts...)
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// The tables. Names are unique within a domain, without regard to case, as in
// Keystone on MySQL.
var (
	Domains = statestore.NewTable(statestore.TableDef[Domain]{Name: "domain", Version: 1, Key: func(d *Domain) string { return d.ID },
		Indexes: []statestore.Index[Domain]{{Name: "name", Unique: true, Keys: func(d *Domain) []string { return []string{folded(d.Name)} }}}})
	Projects = statestore.NewTable(statestore.TableDef[Project]{Name: "project", Version: 1, Key: func(p *Project) string { return p.ID },
		Indexes: []statestore.Index[Project]{
			{Name: "name", Unique: true, Keys: func(p *Project) []string { return []string{folded(p.DomainID, p.Name)} }},
			{Name: "domain", Keys: func(p *Project) []string { return []string{p.DomainID} }},
			{Name: "parent", Keys: func(p *Project) []string { return []string{p.ParentID} }},
		}})
	Users = statestore.NewTable(statestore.TableDef[User]{Name: "user", Version: 1, Key: func(u *User) string { return u.ID },
		Indexes: []statestore.Index[User]{
			{Name: "name", Unique: true, Keys: func(u *User) []string { return []string{folded(u.DomainID, u.Name)} }},
			{Name: "domain", Keys: func(u *User) []string { return []string{u.DomainID} }},
			{Name: "default_project", Keys: func(u *User) []string { return nonEmpty(u.DefaultProjectID) }},
		}})
	Groups = statestore.NewTable(statestore.TableDef[Group]{Name: "group", Version: 1, Key: func(g *Group) string { return g.ID },
		Indexes: []statestore.Index[Group]{
			{Name: "name", Unique: true, Keys: func(g *Group) []string { return []string{folded(g.DomainID, g.Name)} }},
			{Name: "domain", Keys: func(g *Group) []string { return []string{g.DomainID} }},
		}})
	Memberships = statestore.NewTable(statestore.TableDef[Membership]{Name: "membership", Version: 1, Key: func(m *Membership) string { return m.key() },
		Indexes: []statestore.Index[Membership]{
			{Name: "group", Keys: func(m *Membership) []string { return []string{m.GroupID} }},
			{Name: "user", Keys: func(m *Membership) []string { return []string{m.UserID} }},
		}})
	Roles = statestore.NewTable(statestore.TableDef[Role]{Name: "role", Version: 1, Key: func(r *Role) string { return r.ID },
		Indexes: []statestore.Index[Role]{{Name: "name", Unique: true, Keys: func(r *Role) []string { return []string{folded(r.DomainID, r.Name)} }}}})
	Assignments = statestore.NewTable(statestore.TableDef[Assignment]{Name: "role_assignment", Version: 1, Key: func(a *Assignment) string { return a.key() },
		Indexes: []statestore.Index[Assignment]{
			{Name: "actor", Keys: func(a *Assignment) []string { return []string{a.actor()} }},
			{Name: "actor_scope", Keys: func(a *Assignment) []string { return []string{statestore.Key(a.actor(), a.Scope.key())} }},
			{Name: "scope", Keys: func(a *Assignment) []string { return []string{a.Scope.key()} }},
			{Name: "role", Keys: func(a *Assignment) []string { return []string{a.RoleID} }},
		}})
	Regions  = statestore.NewTable(statestore.TableDef[Region]{Name: "region", Version: 1, Key: func(r *Region) string { return r.ID }})
	Services = statestore.NewTable(statestore.TableDef[Service]{Name: "service", Version: 1, Key: func(s *Service) string { return s.ID },
		Indexes: []statestore.Index[Service]{{Name: "type", Keys: func(s *Service) []string { return []string{s.Type} }}}})
	Endpoints = statestore.NewTable(statestore.TableDef[Endpoint]{Name: "endpoint", Version: 1, Key: func(e *Endpoint) string { return e.ID },
		Indexes: []statestore.Index[Endpoint]{
			{Name: "service", Keys: func(e *Endpoint) []string { return []string{e.ServiceID} }},
			{Name: "region", Keys: func(e *Endpoint) []string { return []string{e.RegionID} }},
		}})
	Revocations = statestore.NewTable(statestore.TableDef[Revocation]{Name: "revocation", Version: 1, Key: func(r *Revocation) string { return r.AuditID },
		Indexes: []statestore.Index[Revocation]{{Name: "expires", Keys: func(r *Revocation) []string { return []string{r.ExpiresAt.UTC().Format("20060102T150405")} }}}})
	Keys = statestore.NewTable(statestore.TableDef[Key]{Name: "token_key", Version: 1, Key: func(k *Key) string { return k.ID }})

	// Tables are the package's tables, for statestore.Options.
	Tables = []statestore.AnyTable{Domains, DomainConfigs, Projects, Users, Groups, Memberships, Roles, Assignments, Regions, Services, Endpoints, Revocations, Keys,
		StoredCredentials, AppCredentials, AccessRules, Trusts,
		Policies, PolicyUses, EndpointGroups, EndpointFilters, IdentityProviders, Mappings, Protocols, ServiceProviders, Consumers, OAuthTokens, OAuthNonces, retirees, RegisteredLimits, Limits}
)
