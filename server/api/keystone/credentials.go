package keystone

import (
	"cmp"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) credentialRoutes() []front.Route {
	t := credentialTarget
	return []front.Route{
		{Method: "GET", Path: "/credentials", Rule: "identity:credential:list", Handle: a.lasting(credentialList)},
		{Method: "POST", Path: "/credentials", Rule: "identity:credential:create", Target: newOf("credential", "user_id"), Handle: a.lasting(a.credentialCreate)},
		{Method: "GET", Path: "/credentials/{id}", Rule: "identity:credential:get", Target: t, Handle: a.lasting(credentialShow)},
		{Method: "PATCH", Path: "/credentials/{id}", Rule: "identity:credential:update", Target: t, Handle: a.lasting(a.credentialUpdate)},
		{Method: "DELETE", Path: "/credentials/{id}", Rule: "identity:credential:delete", Target: t, Handle: a.lasting(deleter(identity.CredentialDelete))},
	}
}

// newOf is the target of a row that makes what a user has: the user that a member of the
// body names, else the caller. A body that is wrong is told to those who may make
// one.
func newOf(kind, member string) func(*front.Request) (cloud.Target, error) {
	return func(rq *front.Request) (cloud.Target, error) {
		body, err := rq.Body()
		if err != nil {
			return cloud.Target{}, err
		}
		var b map[string]map[string]any
		t := cloud.Target{UserID: rq.Caller.UserID}
		if json.Unmarshal(body, &b) == nil {
			if id, ok := b[kind][member].(string); ok && id != "" {
				t.UserID = id
			}
		}
		return t, nil
	}
}

// credentialTarget is that of nobody for a credential that does not exist.
func credentialTarget(rq *front.Request) (cloud.Target, error) {
	c, _ := identity.StoredCredentials.Get(rq.Read(), rq.PathValue("id"))
	return cloud.Target{UserID: c.UserID}, nil
}

type credentialWire struct {
	ID        string         `json:"id"`
	UserID    string         `json:"user_id"`
	ProjectID any            `json:"project_id"`
	Type      string         `json:"type"`
	Blob      string         `json:"blob"`
	Links     self           `json:"links"`
	Extra     identity.Extra `json:",embed"`
}

var credentialColumns = columns[credentialWire]{"id": func(c *credentialWire) string { return c.ID }, "type": func(c *credentialWire) string { return c.Type },
	"user_id": func(c *credentialWire) string { return c.UserID }}

func renderCredential(rq *front.Request, c identity.Credential) credentialWire {
	return credentialWire{c.ID, c.UserID, orNull(c.ProjectID), c.Type, c.Blob(rq.Read()), selfLink(rq, "/credentials/"+c.ID), c.Extra}
}

type credentialBody struct {
	Credential struct {
		ID        optional[string] `json:"id"` // as in the path
		UserID    optional[string] `json:"user_id"`
		ProjectID optional[string] `json:"project_id"`
		Type      optional[string] `json:"type"`
		Blob      optional[secret] `json:"blob"`
		Extra     identity.Extra   `json:",embed"`
	} `json:"credential"`
}

func (b *credentialBody) apply(c *identity.Credential) error {
	w := b.Credential
	w.UserID.to(&c.UserID)
	w.ProjectID.to(&c.ProjectID)
	w.Type.to(&c.Type)
	return cmp.Or(keep("credential", &c.Extra, w.Extra), immutable("credential", "id", w.ID, c.ID))
}

// put returns what stores a credential that holds what the body says, else what it held.
func (b *credentialBody) put(a identity.Authority) func(*statestore.Txn, identity.Credential) (identity.Credential, error) {
	return func(tx *statestore.Txn, c identity.Credential) (identity.Credential, error) {
		return a.CredentialPut(tx, c, string(b.Credential.Blob.or(secret(c.Blob(tx)))))
	}
}

func credentialList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []credentialWire
	for c := range identity.StoredCredentials.All(rq.Read()) {
		if rq.Can("identity:credential:get", cloud.Target{UserID: c.UserID}) && f.text("user_id", c.UserID) && f.text("type", c.Type) {
			out = append(out, renderCredential(rq, c))
		}
	}
	return paged(rq, "credentials", out, credentialColumns)
}

func credentialShow(rq *front.Request) (*front.Response, error) {
	c, err := identity.CredentialGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]credentialWire{"credential": renderCredential(rq, c)}), err
}

func (a *api) credentialCreate(rq *front.Request) (*front.Response, error) {
	var b credentialBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	var c identity.Credential
	b.Credential.ID.Set = false
	if err := b.apply(&c); err != nil {
		return nil, err
	}
	c.UserID = cmp.Or(c.UserID, rq.Caller.UserID)
	err := made(rq, identity.StoredCredentials, &c, &c.ID, b.put(a.Authority))
	return front.Created(map[string]credentialWire{"credential": renderCredential(rq, c)}), err
}

func (a *api) credentialUpdate(rq *front.Request) (*front.Response, error) {
	var b credentialBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if w := b.Credential; w.UserID.Set {
		if err := rq.Require("identity:credential:create", cloud.Target{UserID: w.UserID.Value}); err != nil {
			return nil, err
		}
	}
	c, err := edited(rq, identity.CredentialGet, b.apply, b.put(a.Authority))
	return front.OK(map[string]credentialWire{"credential": renderCredential(rq, c)}), err
}
