package keystone

import (
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

// authBody is what POST /auth/tokens takes.
type authBody struct {
	Auth *struct {
		Identity *authIdentity `json:"identity"`
		Scope    *authScope    `json:"scope"`
	} `json:"auth"`
}

type authIdentity struct {
	Methods  []string `json:"methods"`
	Password *struct {
		User *authUser `json:"user"`
	} `json:"password"`
	Token *struct {
		ID secret `json:"id"`
	} `json:"token"`
	AppCredential *authAppCredential `json:"application_credential"`
	TOTP          *struct {
		User *authUser `json:"user"`
	} `json:"totp"`
	OAuth *struct{} `json:"oauth1"`
}

type authUser struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Domain   *domainRef `json:"domain"`
	Password secret     `json:"password"`
	Passcode secret     `json:"passcode"`
}

type authAppCredential struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	User   *authUser `json:"user"`
	Secret secret    `json:"secret"`
}

type domainRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (d *domainRef) empty() bool { return d == nil || d.ID == "" && d.Name == "" }

// authScope is the word "unscoped", or an object with one member.
type authScope struct {
	Project  *projectRef `json:"project"`
	Domain   *domainRef  `json:"domain"`
	System   *systemRef  `json:"system"`
	Unscoped *struct{}   `json:"unscoped"`
	Trust    *struct {
		ID string `json:"id"`
	} `json:"OS-TRUST:trust"`
}

type projectRef struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Domain *domainRef `json:"domain"`
}

type systemRef struct {
	All bool `json:"all"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *authScope) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		type plain authScope
		return json.UnmarshalDecode(d, (*plain)(s))
	}
	t, err := d.ReadToken()
	if err == nil && t.String() != "unscoped" {
		return errors.New("the one word that is a scope is 'unscoped'")
	}
	s.Unscoped = &struct{}{}
	return err
}

// expecting is the complaint about a member that is missing in a part of the body.
func expecting(what, where, at string) error {
	return cloud.Errorf(cloud.Invalid, "", "Expecting to find %s in %s. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.", what, where).At(at)
}

// credentials returns who the body says is asking. Error kinds: Invalid, and
// Unauthenticated for a method that is not offered.
func (b *authBody) credentials() (c identity.Credentials, err error) {
	if b.Auth == nil {
		return c, expecting("auth", "request body", "/auth")
	}
	id := b.Auth.Identity
	if id == nil {
		return c, expecting("identity", "auth", "/auth/identity")
	}
	if len(id.Methods) == 0 {
		return c, expecting("methods", "identity", "/auth/identity/methods")
	}
	for _, m := range id.Methods {
		switch m {
		case "password":
			err = id.password(&c)
		case "token":
			err = id.token(&c)
		case "totp":
			err = id.totp(&c)
		case "application_credential":
			err = id.appCredential(&c)
		case "oauth1":
			// the header has the proof
		default:
			err = cloud.Errorf(cloud.Unauthenticated, "", "Attempted to authenticate with an unsupported method.")
		}
		if err != nil {
			return c, err
		}
		if !slices.Contains(c.Methods, m) {
			c.Methods = append(c.Methods, m)
		}
	}
	return c, nil
}

func (id *authIdentity) password(c *identity.Credentials) error {
	const at = "/auth/identity/password"
	if id.Password == nil {
		return expecting("password", "identity", at)
	}
	u := id.Password.User
	if u != nil {
		c.Password = string(u.Password)
	}
	return u.ref("password", &c.UserRef)
}

func (id *authIdentity) totp(c *identity.Credentials) error {
	if id.TOTP == nil {
		return expecting("totp", "identity", "/auth/identity/totp")
	}
	u := id.TOTP.User
	if u != nil {
		c.Passcode.Code = string(u.Passcode)
	}
	return u.ref("totp", &c.Passcode.UserRef)
}

func (id *authIdentity) appCredential(c *identity.Credentials) error {
	const at = "/auth/identity/application_credential"
	w := id.AppCredential
	switch {
	case w == nil:
		return expecting("application_credential", "identity", at)
	case w.ID == "" && w.Name == "":
		return expecting("id or name", "application_credential", at)
	case w.Secret == "":
		return expecting("secret", "application_credential", at+"/secret")
	}
	p := &c.AppCredential
	if p.ID, p.Name, p.Secret = w.ID, w.Name, string(w.Secret); p.ID != "" {
		return nil
	}
	return w.User.ref("application_credential", &p.UserRef)
}

// ref reads whom a method is about. Error kind: Invalid.
func (u *authUser) ref(method string, r *identity.UserRef) error {
	at := "/auth/identity/" + method
	switch {
	case u == nil:
		return expecting("user", method, at+"/user")
	case u.ID == "" && u.Name == "":
		return expecting("id or name", "user", at+"/user")
	case u.ID == "" && u.Domain.empty():
		return expecting("domain", "user", at+"/user/domain")
	}
	r.UserID, r.UserName = u.ID, u.Name
	if u.Domain != nil {
		r.UserDomainID, r.UserDomainName = u.Domain.ID, u.Domain.Name
	}
	return nil
}

func (id *authIdentity) token(c *identity.Credentials) error {
	if id.Token == nil || id.Token.ID == "" {
		return expecting("token", "identity", "/auth/identity/token/id")
	}
	c.Token = string(id.Token.ID)
	return nil
}

// scope returns what the token is to be for. Error kind: Invalid.
func (b *authBody) scope() (r identity.ScopeRef, err error) {
	s, n := b.Auth.Scope, 0
	if s == nil {
		return r, nil
	}
	if s.Project != nil {
		n++
		if s.Project.ID == "" && s.Project.Name == "" {
			return r, expecting("id or name", "project", "/auth/scope/project")
		}
		if s.Project.ID == "" && s.Project.Domain.empty() {
			return r, expecting("domain", "project", "/auth/scope/project/domain")
		}
		r = identity.ScopeRef{Kind: identity.ProjectScope, ID: s.Project.ID, Name: s.Project.Name}
		if s.Project.Domain != nil {
			r.DomainID, r.DomainName = s.Project.Domain.ID, s.Project.Domain.Name
		}
	}
	if s.Domain != nil {
		n++
		if s.Domain.empty() {
			return r, expecting("id or name", "domain", "/auth/scope/domain")
		}
		r = identity.ScopeRef{Kind: identity.DomainScope, ID: s.Domain.ID, Name: s.Domain.Name}
	}
	if s.System != nil {
		n++
		if !s.System.All {
			return r, expecting("all", "system", "/auth/scope/system/all")
		}
		r = identity.ScopeRef{Kind: identity.SystemScope}
	}
	if s.Trust != nil {
		n++
		if s.Trust.ID == "" {
			return r, expecting("id", "OS-TRUST:trust", "/auth/scope/OS-TRUST:trust/id")
		}
		r = identity.ScopeRef{Kind: identity.TrustScope, ID: s.Trust.ID}
	}
	if s.Unscoped != nil {
		n++
		r = identity.ScopeRef{Explicit: true}
	}
	if n != 1 {
		return r, cloud.Errorf(cloud.Invalid, "", "A token is for one project, one domain, the system, a trust, or unscoped: give one of them.").At("/auth/scope")
	}
	return r, nil
}
