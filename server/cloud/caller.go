package cloud

import (
	"crypto/rand"
	"fmt"
	"slices"
)

// UnknownID names, in a plan session, a thing that the plan will make but that
// has no id yet. No real resource ever has it.
const UnknownID = "00000000-0000-0000-0000-000000000000"

// Caller is who makes a request, as proven by its token. The zero Caller is
// nobody. It is a value; Roles is shared and must not be changed.
type Caller struct {
	UserID, UserName       string
	UserDomainID           string
	ProjectID, ProjectName string // set if the token is scoped to a project
	ProjectDomainID        string
	DomainID               string   // set if the token is scoped to a domain
	System                 bool     // the token is scoped to the system
	Roles                  []string // names, implied ones included
	Limited                bool     // may make the calls of AccessRules only
	AccessRules            []AccessRule
	Service                bool   // an internal caller: the server itself
	RequestID              string // X-Openstack-Request-Id of the request
	ChosenID               string // UUID that the client wants for what its call makes; "" for one of the cloud's choosing
}

// HasRole reports whether the caller holds the role, by name.
func (c Caller) HasRole(name string) bool { return slices.Contains(c.Roles, name) }

// Admin reports whether the caller holds the admin role in its scope.
func (c Caller) Admin() bool { return c.Service || c.HasRole("admin") }

// Owns reports whether a resource of the project is the caller's own.
func (c Caller) Owns(projectID string) bool {
	return c.Service || projectID != "" && projectID == c.ProjectID
}

// Own is the target of a call that is about nothing but the caller's own scope.
func (c Caller) Own() Target {
	return Target{ProjectID: c.ProjectID, UserID: c.UserID, DomainID: c.DomainID}
}

// NewID returns a random UUID (RFC 9562, version 4) in its 36-character form.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Target is what a policy rule is asked about: the owner of a resource and how
// far it is opened. The zero Target stands for a thing without an owner.
type Target struct {
	ProjectID string
	UserID    string
	DomainID  string
	Public    bool              // everyone may see it: a public image, a shared network
	Attr      map[string]string // what else a rule looks at, by the API's own attribute name
}
