package identity

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Authority issues and checks tokens, and holds passwords to the rules.
type Authority struct {
	Clock cloud.Clock
	Settings
}

// Settings are what an operator decides about tokens and passwords.
type Settings struct {
	TokenLife  time.Duration // from the authentication on; 0: DefaultTokenLife
	Compliance Compliance
	// KeyRotation is how long a key seals tokens before a new one does; 0: until KeysRotate.
	KeyRotation time.Duration
	LimitModel  LimitModel // empty: FlatLimits
	// How many of these one user may have; 0: any number.
	CredentialUserLimit, AppCredentialUserLimit, TrustUserLimit int
	// How long OAuth tokens live from their making on; 0: for ever.
	RequestTokenLife, AccessTokenLife time.Duration
}

// UserRef names a user by id, or by name and domain.
type UserRef struct {
	UserID, UserName             string
	UserDomainID, UserDomainName string
}

// Credentials are what somebody shows to prove who they are: a password or a
// passcode with a user, or a token.
type Credentials struct {
	UserRef
	Password      string
	Passcode      PasscodeProof
	AppCredential AppCredentialProof
	Token         string
	OAuth         OAuthRequest
	Receipt       string   // of an attempt before that lacked methods
	Methods       []string // as asked for: some of Methods
}

// PasscodeProof is a passcode of a user's.
type PasscodeProof struct {
	UserRef
	Code string
}

// MissingFactors is the error of an authentication that was right but is not
// enough: the user's rules ask for more methods.
type MissingFactors struct {
	Receipt  string     // counts, for some minutes, for what was proven
	Proven   Token      // what that is
	Required [][]string // the sets of methods of which one is enough
}

// Error implements error.
func (*MissingFactors) Error() string { return "more methods of authentication are required" }

// receiptLife is for how long a receipt counts: Keystone's [receipt] expiration.
const receiptLife = 5 * time.Minute

// ScopeRef names a scope by id, or by name and domain.
type ScopeRef struct {
	Kind                 ScopeKind
	ID, Name             string
	DomainID, DomainName string
	Explicit             bool // unscoped was asked for: the default project does not count
}

// Issue authenticates and returns a new token. It blocks for a password hash
// (about 20 ms). Error kinds: Unauthenticated, without a hint of what was wrong,
// but for an expired password, which is told to who knows it; NotFound for a token
// that is not valid, as in Keystone; or *MissingFactors.
func (a Authority) Issue(ctx context.Context, r statestore.Reader, c Credentials, s ScopeRef) (string, Token, error) {
	t := a.begin(c.Methods)
	if err := a.continues(r, c, &t); err != nil {
		return "", Token{}, err
	}
	for _, m := range c.Methods {
		if prove := provers[m]; prove != nil {
			if err := prove(a, ctx, r, c, &t); err != nil {
				return "", Token{}, err
			}
		}
	}
	if err := a.enough(r, t); err != nil {
		return "", Token{}, err
	}
	return a.finish(r, t, s)
}

// begin returns a token that is for nobody yet.
func (a Authority) begin(methods []string) Token {
	now := a.Clock.Now()
	return Token{Methods: methods, IssuedAt: now, ExpiresAt: now.Add(a.tokenLife()).Truncate(time.Second), AuditIDs: []string{auditID()}}
}

// finish gives a token its scope and seals it. Error kind: Unauthenticated.
func (a Authority) finish(r statestore.Reader, t Token, s ScopeRef) (string, Token, error) {
	if s == (ScopeRef{}) {
		if c, ok := AppCredentials.Get(r, t.AppCredentialID); ok {
			s = ScopeRef{Kind: ProjectScope, ID: c.ProjectID}
		} else if access, ok := OAuthTokens.Get(r, t.AccessTokenID); ok {
			s = ScopeRef{Kind: ProjectScope, ID: access.ProjectID}
		}
	}
	var scope Scope
	var ok bool
	if s.Kind == TrustScope {
		scope, ok = a.entrust(r, &t, s.ID)
	} else {
		scope, ok = a.resolveScope(r, t.UserID, s)
	}
	if !ok {
		return "", Token{}, errToken()
	}
	t.Scope, t.Epoch = scope, epochOf(r, t)
	if _, err := a.check(r, t); err != nil {
		return "", Token{}, err
	}
	text, err := seal(r, t)
	return text, t, err
}

// prover proves one method and adds to the token who that was.
type prover func(a Authority, ctx context.Context, r statestore.Reader, c Credentials, t *Token) error

// provers are those of the methods, but for token, which comes before all.
var provers = map[string]prover{
	"password": func(a Authority, ctx context.Context, r statestore.Reader, c Credentials, t *Token) error {
		u, err := a.passwordProve(ctx, r, c)
		if err != nil {
			return err
		}
		if t.UserID != "" && t.UserID != u.ID {
			return errToken()
		}
		if t.UserID = u.ID; a.expired(u) {
			return cloud.Errorf(cloud.Unauthenticated, "", "The password is expired and needs to be changed for user: %s.", u.ID)
		}
		return nil
	},
	"totp": func(a Authority, _ context.Context, r statestore.Reader, c Credentials, t *Token) error {
		return a.passcodeProve(r, c, t)
	},
	"application_credential": func(a Authority, ctx context.Context, r statestore.Reader, c Credentials, t *Token) error {
		return a.appCredentialProve(ctx, r, c.AppCredential, t)
	},
	"oauth1": func(a Authority, _ context.Context, r statestore.Reader, c Credentials, t *Token) error {
		return a.oauthProve(r, c.OAuth, t)
	},
}

// continues begins a token with what an earlier one, or a receipt, has proven.
func (a Authority) continues(r statestore.Reader, c Credentials, t *Token) error {
	merge := func(methods []string) {
		for _, m := range methods {
			if !slices.Contains(t.Methods, m) {
				t.Methods = append(slices.Clone(t.Methods), m)
			}
		}
	}
	if c.Receipt != "" {
		old, ok := open(r, c.Receipt)
		if !ok || !old.Receipt {
			return errToken()
		}
		if _, err := a.check(r, old); err != nil {
			return err
		}
		t.UserID = old.UserID
		merge(old.Methods)
	}
	if c.Token == "" {
		return nil
	}
	old, err := a.Validate(r, c.Token)
	if err != nil {
		return cloud.Errorf(cloud.NotFound, "token", "Failed to validate token")
	}
	if t.UserID != "" && t.UserID != old.UserID {
		return errToken()
	}
	if old.Delegated() {
		return cloud.Errorf(cloud.Forbidden, "token", "A token that rests on a trust or on OAuth cannot be used to make another one.")
	}
	// A token made from a token does not live longer than the first.
	t.AppCredentialID = old.AppCredentialID
	t.UserID, t.ExpiresAt = old.UserID, old.ExpiresAt
	t.AuditIDs = append(t.AuditIDs, old.AuditIDs[len(old.AuditIDs)-1])
	merge(old.Methods)
	return nil
}

// unmet returns the user's rules if the methods are not enough for any of them. Rules that
// name only methods which are not offered do not count.
func unmet(u User, methods []string) [][]string {
	rules, _ := factorRules(u.Options[MultiFactorRules])
	rules = slices.DeleteFunc(rules, func(rule []string) bool {
		return slices.ContainsFunc(rule, func(m string) bool { return !slices.Contains(Methods, m) })
	})
	met := func(rule []string) bool {
		return !slices.ContainsFunc(rule, func(m string) bool { return !slices.Contains(methods, m) })
	}
	if string(u.Options[MultiFactorEnabled]) == "false" || slices.ContainsFunc(rules, met) {
		return nil
	}
	return rules
}

// enough returns MissingFactors unless the methods are enough for the user's rules.
func (a Authority) enough(r statestore.Reader, t Token) error {
	u, _ := Users.Get(r, t.UserID)
	rules := unmet(u, t.Methods)
	if len(rules) == 0 {
		return nil
	}
	proven := Token{UserID: t.UserID, Methods: t.Methods, IssuedAt: t.IssuedAt, ExpiresAt: t.IssuedAt.Add(receiptLife).Truncate(time.Second), AuditIDs: t.AuditIDs, Receipt: true, spending: t.spending}
	proven.Epoch = epochOf(r, proven)
	if _, err := a.check(r, proven); err != nil {
		return err
	}
	text, err := seal(r, proven)
	if err != nil {
		return err
	}
	return &MissingFactors{Receipt: text, Proven: proven, Required: rules}
}

// Methods are those that a token can be had by.
var Methods = []string{"password", "token", "totp", "application_credential", "oauth1"}

// passwordProve returns the user if the password is theirs and the account is not
// locked.
func (a Authority) passwordProve(ctx context.Context, r statestore.Reader, c Credentials) (User, error) {
	u, ok := findUser(r, c.UserRef)
	match, err := passwordMatches(ctx, u.PasswordHash, c.Password)
	if err != nil {
		return User{}, err
	}
	if !ok || !match {
		return User{}, errToken().Because(wrongProof{u.ID})
	}
	if a.locked(u) {
		return User{}, errToken()
	}
	return u, nil
}

// PasswordProve returns the enabled user of that id if the password is theirs:
// for a change of password, which a token alone must not allow. It blocks as
// Issue does. Error kind: Unauthenticated, without a hint of what was wrong.
func (a Authority) PasswordProve(ctx context.Context, r statestore.Reader, userID, password string) (User, error) {
	u, err := a.passwordProve(ctx, r, Credentials{UserRef: UserRef{UserID: userID}, Password: password})
	if err != nil {
		return User{}, err
	}
	if d, alive := Domains.Get(r, u.DomainID); !a.Enabled(u) || !alive || !d.Enabled {
		return User{}, errToken()
	}
	return u, nil
}

// PasswordReplace gives a user a new hash in place of the one that was proven.
// Error kind: Unauthenticated if it has changed since.
func (a Authority) PasswordReplace(tx *statestore.Txn, proven User, hash string) error {
	u, ok := Users.Get(tx, proven.ID)
	if !ok || !u.Enabled || u.PasswordHash != proven.PasswordHash {
		return errToken()
	}
	a.PasswordSet(&u, hash, true)
	_, err := UserPut(tx, u)
	return err
}

func findUser(r statestore.Reader, c UserRef) (User, bool) {
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
	if !ok || t.Receipt {
		return Token{}, errToken()
	}
	_, err := a.check(r, t)
	return t, err
}

// ExpiredWindow is for how long after its end a token is still valid for a service
// that asks for it: Keystone's allow_expired_window.
const ExpiredWindow = 48 * time.Hour

// ValidateExpired is Validate for a service that goes on with what a user began: a
// token that has expired no longer ago than ExpiredWindow is valid.
func (a Authority) ValidateExpired(r statestore.Reader, token string) (Token, error) {
	t, ok := open(r, token)
	if !ok || t.Receipt {
		return Token{}, errToken()
	}
	late := t
	late.ExpiresAt = t.ExpiresAt.Add(ExpiredWindow)
	_, err := a.check(r, late)
	return t, err
}

// Authenticate returns who a token speaks for. Error kind: Unauthenticated.
func (a Authority) Authenticate(r statestore.Reader, token string) (cloud.Caller, error) {
	t, ok := open(r, token)
	if !ok || t.Receipt {
		return cloud.Caller{}, errToken()
	}
	return a.check(r, t)
}

// check is invariant I1, but for the sealing.
func (a Authority) check(r statestore.Reader, t Token) (cloud.Caller, error) {
	u, ok := Users.Get(r, t.UserID)
	if !ok || !a.Enabled(u) || !a.Clock.Now().Before(t.ExpiresAt) || !t.Epoch.Equal(epochOf(r, t)) || len(t.AuditIDs) == 0 {
		return cloud.Caller{}, errToken()
	}
	if _, revoked := Revocations.Get(r, t.AuditIDs[0]); revoked {
		return cloud.Caller{}, errToken()
	}
	if d, ok := Domains.Get(r, u.DomainID); !ok || !d.Enabled {
		return cloud.Caller{}, errToken()
	}
	c := cloud.Caller{UserID: u.ID, UserName: u.Name, UserDomainID: u.DomainID}
	switch t.Scope.Kind {
	case Unscoped:
		if t.AppCredentialID != "" || t.AccessTokenID != "" {
			return cloud.Caller{}, errToken()
		}
		return c, nil
	case ProjectScope:
		p, err := ProjectGet(r, t.Scope.ID)
		d, alive := Domains.Get(r, cmp.Or(p.DomainID, p.ID))
		if err != nil || !p.Enabled || !alive || !d.Enabled {
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
	if t.TrustID != "" && !a.trustHolds(r, t) || t.AccessTokenID != "" && !a.accessHolds(r, t) {
		return cloud.Caller{}, errToken()
	}
	if err := a.limit(r, t, &c); err != nil {
		return cloud.Caller{}, err
	}
	for _, role := range RolesOf(r, t) {
		c.Roles = append(c.Roles, role.Name)
	}
	if len(c.Roles) == 0 {
		return cloud.Caller{}, errToken()
	}
	return c, nil
}
