package identity

import (
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// DefaultDomain is the id of the domain that always exists.
const DefaultDomain = "default"

// Domain is a set of projects and users with its own names.
type Domain struct {
	ID, Name, Description string
	Enabled               bool
	Tags                  []string
}

// Project owns resources.
type Project struct {
	ID, Name, DomainID, Description string
	ParentID                        string // the project above, or the domain's id
	Enabled                         bool
	Tags                            []string
}

// User is somebody who can authenticate.
type User struct {
	ID, Name, DomainID, Description, Email string
	DefaultProjectID                       string // scope of an authentication that names none
	ProjectID                              string // an attribute that old clients set and read; it means nothing
	Enabled                                bool
	PasswordHash                           string // PHC string; empty: no password, no login
	PasswordExpiresAt                      time.Time
	ValidAfter                             time.Time // tokens issued before are void
}

// Role is a name that policy grants things to.
type Role struct {
	ID, Name, Description string
	DomainID              string   // empty: for all domains
	Implies               []string // ids of the roles that come with it
}

// ScopeKind is what a token or an assignment is for.
type ScopeKind string

// The kinds of scope.
const (
	Unscoped      ScopeKind = ""
	ProjectScope  ScopeKind = "project"
	DomainScope   ScopeKind = "domain"
	SystemScope   ScopeKind = "system"
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

// Assignment gives a user a role in a scope. An inherited one counts in the
// projects below its domain or project, not in the scope itself.
type Assignment struct {
	RoleID, UserID string
	Scope          Scope
	Inherited      bool
}

func (a Assignment) key() string {
	inherited := ""
	if a.Inherited {
		inherited = inheritedMark
	}
	return statestore.Key(a.UserID, string(a.Scope.Kind), a.Scope.ID, a.RoleID, inherited)
}

// Region is a place that endpoints are in.
type Region struct{ ID, ParentID, Description string }

// Service is an entry of the catalog.
type Service struct {
	ID, Name, Type, Description string
	Enabled                     bool
}

// Endpoint is where a service is reached. A URL that begins with a slash is
// below the address at which the client reached Cloudlet.
type Endpoint struct {
	ID, ServiceID, RegionID, Interface, URL, Name string
	Enabled                                       bool
}

// Revocation voids one token until it would have expired.
type Revocation struct {
	AuditID   string
	ExpiresAt time.Time
}

// Key seals tokens. The newest one seals; all of them open.
type Key struct {
	ID        string
	Secret    []byte
	CreatedAt time.Time
}

func folded(parts ...string) string {
	for i := range parts {
		parts[i] = strings.ToLower(parts[i])
	}
	return statestore.Key(parts...)
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
		}})
	Roles = statestore.NewTable(statestore.TableDef[Role]{Name: "role", Version: 1, Key: func(r *Role) string { return r.ID },
		Indexes: []statestore.Index[Role]{{Name: "name", Unique: true, Keys: func(r *Role) []string { return []string{folded(r.DomainID, r.Name)} }}}})
	Assignments = statestore.NewTable(statestore.TableDef[Assignment]{Name: "role_assignment", Version: 1, Key: func(a *Assignment) string { return a.key() },
		Indexes: []statestore.Index[Assignment]{
			{Name: "user", Keys: func(a *Assignment) []string { return []string{a.UserID} }},
			{Name: "user_scope", Keys: func(a *Assignment) []string { return []string{statestore.Key(a.UserID, a.Scope.key())} }},
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
	Revocations = statestore.NewTable(statestore.TableDef[Revocation]{Name: "revocation", Version: 1, Key: func(r *Revocation) string { return r.AuditID }})
	Keys        = statestore.NewTable(statestore.TableDef[Key]{Name: "token_key", Version: 1, Key: func(k *Key) string { return k.ID }})

	// Tables are the package's tables, for statestore.Options.
	Tables = []statestore.AnyTable{Domains, Projects, Users, Roles, Assignments, Regions, Services, Endpoints, Revocations, Keys}
)
