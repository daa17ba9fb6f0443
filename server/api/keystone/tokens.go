package keystone

import (
	"errors"
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

const subjectHeader = "X-Subject-Token"

func (a *api) tokenRoutes() []front.Route {
	return []front.Route{
		{Method: "POST", Path: "/auth/tokens", Rule: front.Public, Handle: a.tokenIssue},
		{Method: "GET", Path: "/auth/tokens", Rule: "identity:token:validate", Target: a.subjectTarget, Handle: a.tokenShow},
		{Method: "DELETE", Path: "/auth/tokens", Rule: "identity:token:revoke", Target: a.subjectTarget, Handle: a.tokenRevoke},
	}
}

// subject opens the token that the call is about. Error kind: NotFound for one
// that is not valid.
func (a *api) subject(rq *front.Request) (identity.Token, error) {
	validate := a.Authority.Validate
	if filterOf(rq).on("allow_expired") && rq.HTTP.Method != "DELETE" && (rq.Caller.Admin() || rq.Caller.HasRole("service")) {
		validate = a.Authority.ValidateExpired
	}
	t, err := validate(rq.Read(), rq.HTTP.Header.Get(subjectHeader))
	if cloud.Is(err, cloud.Unauthenticated) {
		err = cloud.Errorf(cloud.NotFound, "token", "The resource could not be found.")
	}
	return t, err
}

func (a *api) subjectTarget(rq *front.Request) (cloud.Target, error) {
	t, err := a.subject(rq)
	return cloud.Target{UserID: t.UserID}, err
}

func (a *api) tokenIssue(rq *front.Request) (*front.Response, error) {
	var b authBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	c, err := b.credentials()
	if err == nil && slices.Contains(c.Methods, "oauth1") {
		c.OAuth, err = oauthOf(rq, "oauth_token")
	}
	if err != nil {
		return nil, err
	}
	scope, err := b.scope()
	if err != nil {
		return nil, err
	}
	c.Receipt = rq.HTTP.Header.Get(receiptHeader)
	text, t, err := a.Authority.Issue(rq.Context(), rq.Read(), c, scope)
	if missing, ok := errors.AsType[*identity.MissingFactors](err); ok {
		if err := spend(rq, missing.Proven); err != nil {
			return nil, err
		}
		return receiptAnswer(rq, missing), nil
	}
	c.Methods = t.Methods // with those that a receipt or a token has proven
	if err := a.noted(rq, c, err); err != nil {
		return nil, err
	}
	if err := spend(rq, t); err != nil {
		return nil, err
	}
	return tokenAnswer(front.Created(renderToken(rq, t)), text), nil
}

// spend takes what the authentication used up. Error kind: Unauthenticated if
// another one did meanwhile.
func spend(rq *front.Request, t identity.Token) error {
	if !t.Spends() {
		return nil
	}
	return rq.Write(t.Spend)
}

func (a *api) tokenShow(rq *front.Request) (*front.Response, error) {
	t, err := a.subject(rq)
	return tokenAnswer(front.OK(renderToken(rq, t)), rq.HTTP.Header.Get(subjectHeader)), err
}

func tokenAnswer(resp *front.Response, token string) *front.Response {
	return resp.With(subjectHeader, token).With("Vary", "X-Auth-Token")
}

func (a *api) tokenRevoke(rq *front.Request) (*front.Response, error) {
	t, err := a.subject(rq)
	if err != nil {
		return nil, err
	}
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		identity.TokenRevoke(tx, t)
		return nil
	})
}

const receiptHeader = "Openstack-Auth-Receipt"

type receiptWire struct {
	Methods   []string `json:"methods"`
	User      inDomain `json:"user"`
	ExpiresAt string   `json:"expires_at"`
	IssuedAt  string   `json:"issued_at"`
}

// receiptAnswer tells which methods are still missing. It is a 401 with a receipt
// for those that were right.
func receiptAnswer(rq *front.Request, m *identity.MissingFactors) *front.Response {
	u, _ := identity.Users.Get(rq.Read(), m.Proven.UserID)
	body := map[string]any{"required_auth_methods": m.Required, "receipt": receiptWire{m.Proven.Methods,
		inDomain{nameOfDomain(rq.Read(), u.DomainID), u.ID, u.Name}, stamp(m.Proven.ExpiresAt), stamp(m.Proven.IssuedAt)}}
	return (&front.Response{Status: http.StatusUnauthorized, Body: body}).With(receiptHeader, m.Receipt).With("Vary", "X-Auth-Token")
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type inDomain struct {
	Domain named  `json:"domain"`
	ID     string `json:"id"`
	Name   string `json:"name"`
}

type tokenProject struct {
	Domain *named `json:"domain"`
	ID     string `json:"id"`
	Name   string `json:"name"`
}

type tokenUser struct {
	inDomain
	PasswordExpiresAt any `json:"password_expires_at"`
}

type tokenWire struct {
	Methods       []string            `json:"methods"`
	User          tokenUser           `json:"user"`
	AuditIDs      []string            `json:"audit_ids"`
	ExpiresAt     string              `json:"expires_at"`
	IssuedAt      string              `json:"issued_at"`
	Project       *tokenProject       `json:"project,omitzero"`
	IsDomain      any                 `json:"is_domain,omitzero"` // with a project
	Domain        *named              `json:"domain,omitzero"`
	System        *systemRef          `json:"system,omitzero"`
	AppCredential *tokenAppCredential `json:"application_credential,omitzero"`
	Trust         *tokenTrust         `json:"OS-TRUST:trust,omitzero"`
	OAuth         *tokenOAuth         `json:"OS-OAUTH1,omitzero"`
	Roles         []named             `json:"roles,omitzero"`   // not if unscoped
	Catalog       []catalogEntry      `json:"catalog,omitzero"` // not if unscoped
	// ServiceProviders are the clouds that trust this one's users, if there are any.
	ServiceProviders []tokenServiceProvider `json:"service_providers,omitzero"`
}

// tokenAppCredential tells what a token rests on.
type tokenAppCredential struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Restricted  bool             `json:"restricted"`
	AccessRules []accessRuleWire `json:"access_rules,omitzero"`
}

// tokenTrust tells what a token rests on.
type tokenTrust struct {
	ID            string `json:"id"`
	Impersonation bool   `json:"impersonation"`
	Trustor       onlyID `json:"trustor_user"`
	Trustee       onlyID `json:"trustee_user"`
}

// tokenOAuth tells what a token rests on.
type tokenOAuth struct {
	AccessTokenID string `json:"access_token_id"`
	ConsumerID    string `json:"consumer_id"`
}

type onlyID struct {
	ID string `json:"id"`
}

func nameOfDomain(r statestore.Reader, id string) named {
	d, _ := identity.Domains.Get(r, id)
	return named{id, d.Name}
}

func renderToken(rq *front.Request, t identity.Token) map[string]tokenWire {
	r := rq.Read()
	u, _ := identity.Users.Get(r, t.UserID)
	w := tokenWire{Methods: t.Methods, AuditIDs: t.AuditIDs, ExpiresAt: stamp(t.ExpiresAt), IssuedAt: stamp(t.IssuedAt),
		User: tokenUser{inDomain{nameOfDomain(r, u.DomainID), u.ID, u.Name}, passwordEnd(u)}, ServiceProviders: serviceProviders(r)}
	if c, ok := identity.AppCredentials.Get(r, t.AppCredentialID); ok {
		w.AppCredential = &tokenAppCredential{c.ID, c.Name, !c.Unrestricted, renderAccessRules(r, c)}
	}
	if trust, ok := identity.Trusts.Get(r, t.TrustID); ok {
		w.Trust = &tokenTrust{trust.ID, trust.Impersonation, onlyID{trust.TrustorID}, onlyID{trust.TrusteeID}}
	}
	if access, ok := identity.OAuthTokens.Get(r, t.AccessTokenID); ok {
		w.OAuth = &tokenOAuth{access.ID, access.ConsumerID}
	}
	switch t.Scope.Kind {
	case identity.Unscoped:
		return map[string]tokenWire{"token": w}
	case identity.ProjectScope:
		p, _ := identity.ProjectGet(r, t.Scope.ID)
		w.Project, w.IsDomain = &tokenProject{nil, p.ID, p.Name}, p.IsDomain
		if !p.IsDomain {
			d := nameOfDomain(r, p.DomainID)
			w.Project.Domain = &d
		}
	case identity.DomainScope:
		d := nameOfDomain(r, t.Scope.ID)
		w.Domain = &d
	case identity.SystemScope:
		w.System = &systemRef{All: true}
	}
	for _, role := range identity.RolesOf(r, t) {
		w.Roles = append(w.Roles, named{role.ID, role.Name})
	}
	if !rq.Query().Has("nocatalog") {
		w.Catalog = renderCatalog(rq, t)
	}
	return map[string]tokenWire{"token": w}
}
