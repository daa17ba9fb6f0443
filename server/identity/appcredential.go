package identity

import (
	"context"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// AppCredential lets a program authenticate as a user in one project, with some of
// the user's roles. It is worth something only while the user holds all of them.
type AppCredential struct {
	ID, Name, UserID, ProjectID, Description string
	SecretHash                               string // PHC string
	RoleIDs                                  []string
	ExpiresAt                                time.Time // zero: never
	Unrestricted                             bool      // its tokens may make credentials and trusts
	Limited                                  bool      // its tokens may only make the calls of RuleIDs
	RuleIDs                                  []string  `json:",omitempty"`
}

// AccessRule is a call of some service's API that a user has let some application
// credential make.
type AccessRule struct {
	ID, UserID string
	cloud.AccessRule
}

// How many access rules one credential, and all that a user ever made, may have.
const (
	maxRules     = 100
	maxUserRules = 1000
)

// The tables of application credentials. Names are unique within a user.
var (
	AppCredentials = statestore.NewTable(statestore.TableDef[AppCredential]{Name: "application_credential", Version: 1, Key: func(c *AppCredential) string { return c.ID },
		Indexes: []statestore.Index[AppCredential]{
			{Name: "name", Unique: true, Keys: func(c *AppCredential) []string { return []string{folded(c.UserID, c.Name)} }},
			{Name: "user", Keys: func(c *AppCredential) []string { return []string{c.UserID} }},
			{Name: "project", Keys: func(c *AppCredential) []string { return []string{c.ProjectID} }},
			{Name: "rule", Keys: func(c *AppCredential) []string { return c.RuleIDs }},
		}})
	AccessRules = statestore.NewTable(statestore.TableDef[AccessRule]{Name: "access_rule", Version: 1, Key: func(a *AccessRule) string { return a.ID },
		Indexes: []statestore.Index[AccessRule]{
			{Name: "call", Unique: true, Keys: func(a *AccessRule) []string { return []string{statestore.Key(a.UserID, a.Service, a.Method, a.Path)} }},
			{Name: "user", Keys: func(a *AccessRule) []string { return []string{a.UserID} }},
		}})
)

// AppCredentialGet returns a user's application credential by id. Error kind: NotFound.
func AppCredentialGet(r statestore.Reader, userID, id string) (AppCredential, error) {
	c, ok := AppCredentials.Get(r, id)
	if !ok || c.UserID != userID {
		return c, missing("application credential", id)
	}
	return c, nil
}

// AppCredentialMake stores a new application credential; rules are the calls that it
// may make if it is limited, each new or by its id. Error kinds: Invalid, NotFound
// for a rule, Conflict, Quota.
func (a Authority) AppCredentialMake(tx *statestore.Txn, c AppCredential, rules []AccessRule) (AppCredential, error) {
	const kind = "application_credential"
	if err := checkName(kind, c.Name, "/"+kind+"/name"); err != nil {
		return c, err
	}
	if !c.ExpiresAt.IsZero() && !tx.Now().Before(c.ExpiresAt) {
		return c, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'expires_at': it is in the past.").At("/" + kind + "/expires_at")
	}
	if _, ok := AppCredentials.First(tx, "name", folded(c.UserID, c.Name)); ok {
		return c, taken("application credential", c.Name)
	}
	if len(c.RoleIDs) == 0 || !holds(RolesIn(tx, c.UserID, Scope{ProjectScope, c.ProjectID}), c.RoleIDs) {
		return c, cloud.Errorf(cloud.Invalid, kind, "Invalid application credential: Could not find role assignment: the user must hold each of its roles in project %s.", c.ProjectID).At("/" + kind + "/roles")
	}
	if err := room("application credentials", AppCredentials.Count(tx, "user", c.UserID), a.AppCredentialUserLimit); err != nil {
		return c, err
	}
	if len(rules) > maxRules {
		return c, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'access_rules': at most %d are allowed.", maxRules).At("/" + kind + "/access_rules")
	}
	for _, rule := range rules {
		rule.UserID = c.UserID
		rule, err := accessRulePut(tx, rule)
		if err != nil {
			return c, err
		}
		c.RuleIDs = append(c.RuleIDs, rule.ID)
	}
	if c.ID == "" {
		c.ID = newID(tx)
	}
	AppCredentials.Put(tx, c)
	return c, nil
}

// AppCredentialDelete deletes a user's application credential. Its access rules
// stay. Error kind: NotFound.
func AppCredentialDelete(tx *statestore.Txn, userID, id string) error {
	if _, err := AppCredentialGet(tx, userID, id); err != nil {
		return err
	}
	AppCredentials.Delete(tx, id)
	return nil
}

// AccessRuleGet returns a user's access rule by id. Error kind: NotFound.
func AccessRuleGet(r statestore.Reader, userID, id string) (AccessRule, error) {
	a, ok := AccessRules.Get(r, id)
	if !ok || a.UserID != userID {
		return a, missing("access rule", id)
	}
	return a, nil
}

// RulesOf returns what a limited credential may call.
func (c AppCredential) RulesOf(r statestore.Reader) []AccessRule {
	var rules []AccessRule
	for _, id := range c.RuleIDs {
		if a, ok := AccessRules.Get(r, id); ok {
			rules = append(rules, a)
		}
	}
	return rules
}

// accessRulePut returns the user's rule of that id or for that call, new if there is none.
func accessRulePut(tx *statestore.Txn, a AccessRule) (AccessRule, error) {
	if a.ID != "" {
		return AccessRuleGet(tx, a.UserID, a.ID)
	}
	if same, ok := AccessRules.First(tx, "call", statestore.Key(a.UserID, a.Service, a.Method, a.Path)); ok {
		return same, nil
	}
	if err := room("access rules", AccessRules.Count(tx, "user", a.UserID), maxUserRules); err != nil {
		return a, err
	}
	a.ID = newID(tx)
	AccessRules.Put(tx, a)
	return a, nil
}

// AccessRuleDelete deletes a user's access rule. Error kinds: NotFound, Forbidden
// for one that a credential has.
func AccessRuleDelete(tx *statestore.Txn, userID, id string) error {
	if _, err := AccessRuleGet(tx, userID, id); err != nil {
		return err
	}
	if c, used := AppCredentials.First(tx, "rule", id); used {
		return cloud.Errorf(cloud.Forbidden, "access rule", "Unable to delete access rule %s because the application credential %s has it.", id, c.ID)
	}
	AccessRules.Delete(tx, id)
	return nil
}

// dropAppCredentials deletes those that index finds under a value, and of a user
// the access rules.
func dropAppCredentials(tx *statestore.Txn, index, value string) {
	for _, c := range slices.Collect(AppCredentials.By(tx, index, value)) {
		AppCredentials.Delete(tx, c.ID)
	}
	if index == "user" {
		for _, a := range slices.Collect(AccessRules.By(tx, "user", value)) {
			AccessRules.Delete(tx, a.ID)
		}
	}
}

// AppCredentialProof is an application credential with its secret: by id, or by name
// and user.
type AppCredentialProof struct {
	UserRef
	ID, Name, Secret string
}

// appCredentialProve adds to a token that an application credential was shown.
func (a Authority) appCredentialProve(ctx context.Context, r statestore.Reader, p AppCredentialProof, t *Token) error {
	c, ok := AppCredentials.Get(r, p.ID)
	if p.ID == "" {
		u, _ := findUser(r, p.UserRef)
		c, ok = AppCredentials.First(r, "name", folded(u.ID, p.Name))
	}
	match, err := passwordMatches(ctx, c.SecretHash, p.Secret)
	if err != nil {
		return err
	}
	if !ok || !match || t.UserID != "" && t.UserID != c.UserID {
		return errToken()
	}
	t.UserID, t.AppCredentialID = c.UserID, c.ID
	if !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(t.ExpiresAt) {
		t.ExpiresAt = c.ExpiresAt
	}
	return nil
}

// appCredentialOf returns what a token rests on; false if that no longer counts.
func (a Authority) appCredentialOf(r statestore.Reader, t Token) (AppCredential, bool) {
	c, ok := AppCredentials.Get(r, t.AppCredentialID)
	return c, ok && c.UserID == t.UserID && t.Scope == Scope{ProjectScope, c.ProjectID} &&
		(c.ExpiresAt.IsZero() || a.Clock.Now().Before(c.ExpiresAt))
}

// limit puts the caller's access rules into effect, if the token rests on an application
// credential. Error kind: Unauthenticated if that no longer counts.
func (a Authority) limit(r statestore.Reader, t Token, caller *cloud.Caller) error {
	if t.AppCredentialID == "" {
		return nil
	}
	c, ok := a.appCredentialOf(r, t)
	if !ok {
		return errToken()
	}
	caller.Limited = c.Limited
	for _, rule := range c.RulesOf(r) {
		caller.AccessRules = append(caller.AccessRules, rule.AccessRule)
	}
	return nil
}

// holds reports whether each role is among those that somebody has.
func holds(has []Role, ids []string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool {
		return !slices.ContainsFunc(has, func(role Role) bool { return role.ID == id })
	})
}

// expanded returns roles with those that they imply, each once.
func expanded(r statestore.Reader, ids []string) []Role {
	var roles []Role
	seen := map[string]bool{}
	var add func(id string)
	add = func(id string) {
		role, ok := Roles.Get(r, id)
		if !ok || seen[id] {
			return
		}
		seen[id] = true
		if role.DomainID == "" {
			roles = append(roles, role)
		}
		for _, implied := range role.Implies {
			add(implied)
		}
	}
	for _, id := range ids {
		add(id)
	}
	return roles
}

// RolesOf returns the roles that a token has. One that rests on an application
// credential, a trust or OAuth has those of it, and none if its user has lost one.
func RolesOf(r statestore.Reader, t Token) []Role {
	owner, lent := t.UserID, []string(nil)
	switch {
	case t.AppCredentialID != "":
		c, _ := AppCredentials.Get(r, t.AppCredentialID)
		lent = c.RoleIDs
	case t.TrustID != "":
		trust, _ := Trusts.Get(r, t.TrustID)
		owner, lent = trust.TrustorID, trust.RoleIDs
	case t.AccessTokenID != "":
		access, _ := OAuthTokens.Get(r, t.AccessTokenID)
		lent = access.RoleIDs
	default:
		return RolesIn(r, owner, t.Scope)
	}
	if !holds(RolesIn(r, owner, t.Scope), lent) {
		return nil
	}
	return expanded(r, lent)
}

// Delegated reports whether a token speaks for somebody who let another act for them.
func (t Token) Delegated() bool { return t.TrustID != "" || t.AccessTokenID != "" }

// Restricted reports whether a token may not make what outlives it: credentials and
// trusts.
func (t Token) Restricted(r statestore.Reader) bool {
	c, _ := AppCredentials.Get(r, t.AppCredentialID)
	return t.Delegated() || t.AppCredentialID != "" && !c.Unrestricted
}
