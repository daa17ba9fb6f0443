package keystone

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) appCredentialRoutes() []front.Route {
	const of, one = "/users/{id}/application_credentials", "/users/{id}/application_credentials/{credential}"
	t := userTarget
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:application_credential:list", Target: t, Handle: appCredentialList},
		{Method: "POST", Path: of, Rule: "identity:application_credential:create", Target: t, Handle: a.lasting(a.appCredentialCreate)},
		{Method: "GET", Path: one, Rule: "identity:application_credential:get", Target: t, Handle: appCredentialShow},
		{Method: "DELETE", Path: one, Rule: "identity:application_credential:delete", Target: t, Handle: a.lasting(appCredentialDelete)},
	}
}

// lasting guards a row that makes, tells the secret of or takes away what outlives the caller's
// token: what was lent for a purpose must not become more than that.
func (a *api) lasting(h front.Handler) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		t, err := a.Authority.Validate(rq.Read(), rq.Token)
		if err != nil {
			return nil, err
		}
		if t.Restricted(rq.Read()) {
			return nil, cloud.Errorf(cloud.Forbidden, "", "A token that was lent, by a trust, by OAuth or a restricted application credential, cannot be used to manage credentials, trusts or access tokens.")
		}
		return h(rq)
	}
}

type appCredentialWire struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Description  any              `json:"description"`
	UserID       string           `json:"user_id"`
	ProjectID    string           `json:"project_id"`
	Secret       string           `json:"secret,omitzero"` // told once
	ExpiresAt    any              `json:"expires_at"`
	Unrestricted bool             `json:"unrestricted"`
	Roles        []lentRole       `json:"roles"`
	AccessRules  []accessRuleWire `json:"access_rules,omitzero"`
	Links        self             `json:"links"`
}

// lentRole is a role of an application credential or a trust.
type lentRole struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	DomainID any    `json:"domain_id"`
	Links    self   `json:"links"`
}

func renderLent(rq *front.Request, ids []string) []lentRole {
	roles := []lentRole{}
	for _, id := range ids {
		if role, ok := identity.Roles.Get(rq.Read(), id); ok {
			roles = append(roles, lentRole{role.ID, role.Name, orNull(role.DomainID), selfLink(rq, "/roles/"+role.ID)})
		}
	}
	return roles
}

var appCredentialColumns = columns[appCredentialWire]{"id": func(c *appCredentialWire) string { return c.ID }, "name": func(c *appCredentialWire) string { return c.Name }}

func renderAppCredential(rq *front.Request, c identity.AppCredential) appCredentialWire {
	return appCredentialWire{ID: c.ID, Name: c.Name, Description: orNull(c.Description), UserID: c.UserID, ProjectID: c.ProjectID, ExpiresAt: stampOrNull(c.ExpiresAt),
		Unrestricted: c.Unrestricted, Roles: renderLent(rq, c.RoleIDs), AccessRules: renderAccessRules(rq.Read(), c),
		Links: selfLink(rq, "/users/"+c.UserID+"/application_credentials/"+c.ID)}
}

func appCredentialList(rq *front.Request) (*front.Response, error) {
	u, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f := filterOf(rq)
	var out []appCredentialWire
	for c := range identity.AppCredentials.By(rq.Read(), "user", u.ID) {
		if f.text("name", c.Name) {
			out = append(out, renderAppCredential(rq, c))
		}
	}
	return paged(rq, "application_credentials", out, appCredentialColumns)
}

func appCredentialShow(rq *front.Request) (*front.Response, error) {
	c, err := identity.AppCredentialGet(rq.Read(), rq.PathValue("id"), rq.PathValue("credential"))
	return front.OK(map[string]appCredentialWire{"application_credential": renderAppCredential(rq, c)}), err
}

func appCredentialDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		return identity.AppCredentialDelete(tx, rq.PathValue("id"), rq.PathValue("credential"))
	})
}

// roleRef names a role by id, or by name and domain.
type roleRef struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Domain  *domainRef     `json:"domain"`
	Unknown jsontext.Value `json:",embed"`
}

// rolesNamed returns the ids of the roles. Error kinds: Invalid, NotFound.
func rolesNamed(r statestore.Reader, refs []roleRef, at string) (ids []string, err error) {
	for _, ref := range refs {
		var role identity.Role
		switch {
		case ref.ID != "":
			role, err = identity.RoleGet(r, ref.ID)
		case ref.Name != "" && ref.Domain != nil:
			role, err = identity.RoleNamed(r, ref.Domain.ID, ref.Name)
		case ref.Name != "":
			role, err = identity.RoleNamed(r, "", ref.Name)
		default:
			err = cloud.Errorf(cloud.Invalid, "role", "Invalid input for field 'roles': a role needs an id or a name.").At(at)
		}
		if err != nil {
			return nil, cloud.AsError(err).At(at)
		}
		if !slices.Contains(ids, role.ID) {
			ids = append(ids, role.ID)
		}
	}
	return ids, nil
}

type appCredentialBody struct {
	AppCredential struct {
		Name         string                     `json:"name"`
		Description  optional[string]           `json:"description"`
		Secret       optional[secret]           `json:"secret"`
		ExpiresAt    optional[string]           `json:"expires_at"`
		Roles        []roleRef                  `json:"roles"`
		Unrestricted bool                       `json:"unrestricted"`
		AccessRules  optional[[]accessRuleBody] `json:"access_rules"`
		Unknown      jsontext.Value             `json:",embed"`
	} `json:"application_credential"`
}

// moments are the forms in which clients give a time; without a zone it is UTC.
var moments = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// momentOf reads a time; empty is zero. Error kind: Invalid.
func momentOf(kind, field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range moments {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field '%s': a time such as 2026-11-24T23:00:00Z is required.", field).At("/" + kind + "/" + field)
}

func (a *api) appCredentialCreate(rq *front.Request) (*front.Response, error) {
	var b appCredentialBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	c, err := b.row(rq)
	if err != nil {
		return nil, err
	}
	if len(c.RoleIDs) == 0 {
		if c.RoleIDs, err = a.ownRoles(rq); err != nil {
			return nil, err
		}
	}
	secret := cmp.Or(string(b.AppCredential.Secret.Value), newAppSecret())
	if c.SecretHash, err = identity.PasswordHash(rq.Context(), secret); err != nil {
		return nil, cloud.AsError(err).At("/application_credential/secret")
	}
	err = made(rq, identity.AppCredentials, &c, &c.ID, func(tx *statestore.Txn, c identity.AppCredential) (identity.AppCredential, error) {
		return a.Authority.AppCredentialMake(tx, c, accessRulesGiven(b.AppCredential.AccessRules.Value))
	})
	answer := renderAppCredential(rq, c)
	answer.Secret = secret
	return front.Created(map[string]appCredentialWire{"application_credential": answer}), err
}

// ownRoles are the ids of the roles that the request's token has.
func (a *api) ownRoles(rq *front.Request) (ids []string, err error) {
	t, err := a.Authority.Validate(rq.Read(), rq.Token)
	if err != nil {
		return nil, err
	}
	for _, role := range identity.RolesOf(rq.Read(), t) {
		ids = append(ids, role.ID)
	}
	return ids, nil
}

// newAppSecret is a random secret of the length that Keystone's have.
func newAppSecret() string {
	b := make([]byte, 64)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// row is what the body says, for the caller's project. Error kinds: Invalid,
// NotFound for a role, Forbidden without a project.
func (b *appCredentialBody) row(rq *front.Request) (c identity.AppCredential, err error) {
	w := b.AppCredential
	if rq.Caller.UserID != rq.PathValue("id") {
		return c, cloud.Errorf(cloud.Forbidden, "application_credential", "Users make application credentials for themselves only.")
	}
	if rq.Caller.ProjectID == "" {
		return c, cloud.Errorf(cloud.Forbidden, "application_credential", "An application credential is for a project: a token for one is required.")
	}
	if err := required("application_credential", "name", w.Name); err != nil {
		return c, err
	}
	c = identity.AppCredential{Name: w.Name, Description: w.Description.Value, UserID: rq.PathValue("id"), ProjectID: rq.Caller.ProjectID,
		Unrestricted: w.Unrestricted, Limited: w.AccessRules.Set && w.AccessRules.Value != nil}
	if c.ExpiresAt, err = momentOf("application_credential", "expires_at", w.ExpiresAt.Value); err != nil {
		return c, err
	}
	if c.RoleIDs, err = rolesNamed(rq.Read(), w.Roles, "/application_credential/roles"); err != nil {
		return c, err
	}
	return c, checkAccessRules(w.AccessRules.Value)
}
