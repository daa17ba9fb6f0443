package identity

import (
	"context"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Authority issues and checks tokens.
type Authority struct{ Clock cloud.Clock }

// Credentials are what somebody shows to prove who they are: a password with a
// user, or a token.
type Credentials struct {
	UserID, UserName             string
	UserDomainID, UserDomainName string
	Password                     string
	Token                        string
	Methods                      []string // as asked for: "password", "token"
}

// ScopeRef names a scope by id, or by name and domain.
type ScopeRef struct {
	Kind                 ScopeKind
	ID, Name             string
	DomainID, DomainName string
	Explicit             bool // unscoped was asked for: the default project does not count
}

// Issue authenticates and returns a new token. It blocks for a password hash
// (about 20 ms). Error kind: Unauthenticated, without a hint of what was wrong.
func (a Authority) Issue(ctx context.Context, r statestore.Reader, c Credentials, s ScopeRef) (string, Token, error) {
	now := a.Clock.Now()
	t := Token{Methods: c.Methods, IssuedAt: now, ExpiresAt: now.Add(TokenLife).Truncate(time.Second), AuditIDs: []string{auditID()}}
	if c.Token != "" {
		old, err := a.Validate(r, c.Token)
		if err != nil {
			return "", Token{}, err
		}
		// A token made from a token does not live longer than the first.
		t.UserID, t.ExpiresAt = old.UserID, old.ExpiresAt
		t.AuditIDs = append(t.AuditIDs, old.AuditIDs[len(old.AuditIDs)-1])
		for _, m := range old.Methods {
			if !slices.Contains(t.Methods, m) {
				t.Methods = append(t.Methods, m)
			}
		}
	}
	if slices.Contains(c.Methods, "password") {
		u, ok := findUser(r, c)
		match, err := passwordMatches(ctx, u.PasswordHash, c.Password)
		if err != nil {
			return "", Token{}, err
		}
		expired := !u.PasswordExpiresAt.IsZero() && !now.Before(u.PasswordExpiresAt)
		if !ok || !match || expired || t.UserID != "" && t.UserID != u.ID {
			return "", Token{}, errToken()
		}
		t.UserID = u.ID
	}
	scope, ok := a.resolveScope(r, t.UserID, s)
	if !ok {
		return "", Token{}, errToken()
	}
	t.Scope = scope
	if _, err := a.check(r, t); err != nil {
		return "", Token{}, err
	}
	text, err := seal(r, t)
	return text, t, err
}

// PasswordProve returns the enabled user of that id if the password is theirs:
// for a change of password, which a token alone must not allow. It blocks as
// Issue does. Error kind: Unauthenticated, without a hint of what was wrong.
func (a Authority) PasswordProve(ctx context.Context, r statestore.Reader, userID, password string) (User, error) {
	u, ok := Users.Get(r, userID)
	match, err := passwordMatches(ctx, u.PasswordHash, password)
	if err != nil {
		return User{}, err
	}
	if d, alive := Domains.Get(r, u.DomainID); !ok || !match || !u.Enabled || !alive || !d.Enabled {
		return User{}, errToken()
	}
	return u, nil
}

// PasswordReplace gives a user a new hash in place of the one that was proven.
// Error kind: Unauthenticated if it has changed since.
func PasswordReplace(tx *statestore.Txn, proven User, hash string) error {
	u, ok := Users.Get(tx, proven.ID)
	if !ok || !u.Enabled || u.PasswordHash != proven.PasswordHash {
		return errToken()
	}
	u.PasswordHash, u.PasswordExpiresAt = hash, time.Time{}
	_, err := UserPut(tx, u)
	return err
}

func findUser(r statestore.Reader, c Credentials) (User, bool) {
	if c.UserID != "" {
		return Users.Get(r, c.UserID)
	}
	domain := c.UserDomainID
	if c.UserDomainName != "" {
		d, ok := Domains.First(r, "name", folded(c.UserDomainName))
		if !ok {
			return User{}, false
		}
		domain = d.ID
	}
	return Users.First(r, "name", folded(domain, c.UserName))
}

func (a Authority) resolveScope(r statestore.Reader, userID string, s ScopeRef) (Scope, bool) {
	switch s.Kind {
	case SystemScope:
		return Scope{SystemScope, systemID}, true
	case DomainScope:
		if s.ID != "" {
			return Scope{DomainScope, s.ID}, true
		}
		d, ok := Domains.First(r, "name", folded(s.Name))
		return Scope{DomainScope, d.ID}, ok
	case ProjectScope:
		if s.ID != "" {
			return Scope{ProjectScope, s.ID}, true
		}
		domain := s.DomainID
		if s.DomainName != "" {
			d, ok := Domains.First(r, "name", folded(s.DomainName))
			if !ok {
				return Scope{}, false
			}
			domain = d.ID
		}
		p, ok := Projects.First(r, "name", folded(domain, s.Name))
		return Scope{ProjectScope, p.ID}, ok
	}
	u, _ := Users.Get(r, userID)
	if def := (Scope{ProjectScope, u.DefaultProjectID}); !s.Explicit && u.DefaultProjectID != "" && len(RolesIn(r, userID, def)) > 0 {
		if p, ok := Projects.Get(r, def.ID); ok && p.Enabled {
			return def, true
		}
	}
	return Scope{}, true
}

// Validate opens a token and checks that it is worth something now. Error kind:
// Unauthenticated.
func (a Authority) Validate(r statestore.Reader, token string) (Token, error) {
	t, ok := open(r, token)
	if !ok {
		return Token{}, errToken()
	}
	_, err := a.check(r, t)
	return t, err
}

// Authenticate returns who a token speaks for. Error kind: Unauthenticated.
func (a Authority) Authenticate(r statestore.Reader, token string) (cloud.Caller, error) {
	t, ok := open(r, token)
	if !ok {
		return cloud.Caller{}, errToken()
	}
	return a.check(r, t)
}

// check is invariant I1, but for the sealing.
func (a Authority) check(r statestore.Reader, t Token) (cloud.Caller, error) {
	u, ok := Users.Get(r, t.UserID)
	if !ok || !u.Enabled || !a.Clock.Now().Before(t.ExpiresAt) || t.IssuedAt.Before(u.ValidAfter) || len(t.AuditIDs) == 0 {
		return cloud.Caller{}, errToken()
	}
	for _, id := range t.AuditIDs {
		if _, revoked := Revocations.Get(r, id); revoked {
			return cloud.Caller{}, errToken()
		}
	}
	if d, ok := Domains.Get(r, u.DomainID); !ok || !d.Enabled {
		return cloud.Caller{}, errToken()
	}
	c := cloud.Caller{UserID: u.ID, UserName: u.Name, UserDomainID: u.DomainID}
	switch t.Scope.Kind {
	case Unscoped:
		return c, nil
	case ProjectScope:
		p, ok := Projects.Get(r, t.Scope.ID)
		d, alive := Domains.Get(r, p.DomainID)
		if !ok || !p.Enabled || !alive || !d.Enabled {
			return cloud.Caller{}, errToken()
		}
		c.ProjectID, c.ProjectName, c.ProjectDomainID = p.ID, p.Name, p.DomainID
	case DomainScope:
		if d, ok := Domains.Get(r, t.Scope.ID); !ok || !d.Enabled {
			return cloud.Caller{}, errToken()
		}
		c.DomainID = t.Scope.ID
	case SystemScope:
		c.System = true
	}
	for _, role := range RolesIn(r, u.ID, t.Scope) {
		c.Roles = append(c.Roles, role.Name)
	}
	if len(c.Roles) == 0 {
		return cloud.Caller{}, errToken()
	}
	return c, nil
}
