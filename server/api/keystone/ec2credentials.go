package keystone

import (
	"encoding/base64"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// ec2Routes are the credentials of type ec2 by their access keys.
func (a *api) ec2Routes() []front.Route {
	const of, one = "/users/{id}/credentials/OS-EC2", "/users/{id}/credentials/OS-EC2/{access}"
	t := userTarget
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:ec2_credential:list", Target: t, Handle: a.lasting(ec2List)},
		{Method: "POST", Path: of, Rule: "identity:ec2_credential:create", Target: t, Handle: a.lasting(a.ec2Create)},
		{Method: "GET", Path: one, Rule: "identity:ec2_credential:get", Target: t, Handle: a.lasting(ec2Show)},
		{Method: "DELETE", Path: one, Rule: "identity:ec2_credential:delete", Target: t, Handle: a.lasting(ec2Delete)},
	}
}

// signatureRoutes serve services that were sent a signature instead of a token.
func (a *api) signatureRoutes() []front.Route {
	return []front.Route{
		{Method: "POST", Path: "/ec2tokens", Rule: "identity:ec2_token:create", Handle: a.ec2Token},
		{Method: "POST", Path: "/s3tokens", Rule: "identity:ec2_token:create", Handle: a.s3Token},
	}
}

type ec2Wire struct {
	Access   string `json:"access"`
	Secret   string `json:"secret"`
	UserID   string `json:"user_id"`
	TenantID string `json:"tenant_id"`
	TrustID  any    `json:"trust_id"`
	Links    self   `json:"links"`
}

func renderEC2(rq *front.Request, c identity.Credential, pair identity.EC2Blob) ec2Wire {
	return ec2Wire{pair.Access, pair.Secret, c.UserID, c.ProjectID, null, selfLink(rq, "/users/"+c.UserID+"/credentials/OS-EC2/"+pair.Access)}
}

func ec2List(rq *front.Request) (*front.Response, error) {
	u, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var out []ec2Wire
	for c := range identity.StoredCredentials.By(rq.Read(), "user", u.ID) {
		var pair identity.EC2Blob
		if c.Type == identity.EC2Type && json.Unmarshal([]byte(c.Blob(rq.Read())), &pair) == nil {
			out = append(out, renderEC2(rq, c, pair))
		}
	}
	return list(rq, "credentials", out), nil
}

// ec2Named returns the credential that the path names. Error kind: NotFound.
func ec2Named(r statestore.Reader, rq *front.Request) (identity.Credential, identity.EC2Blob, error) {
	c, pair, err := identity.EC2Pair(r, rq.PathValue("access"))
	if err == nil && c.UserID != rq.PathValue("id") {
		err = cloud.Errorf(cloud.NotFound, "credential", "Could not find credential: %s.", rq.PathValue("access"))
	}
	return c, pair, err
}

func ec2Show(rq *front.Request) (*front.Response, error) {
	c, pair, err := ec2Named(rq.Read(), rq)
	return front.OK(map[string]ec2Wire{"credential": renderEC2(rq, c, pair)}), err
}

func (a *api) ec2Create(rq *front.Request) (*front.Response, error) {
	var b struct {
		TenantID string `json:"tenant_id"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if err := required("credential", "tenant_id", b.TenantID); err != nil {
		return nil, err
	}
	pair := identity.NewEC2Pair()
	blob, err := json.Marshal(pair)
	if err != nil {
		return nil, err
	}
	c := identity.Credential{UserID: rq.PathValue("id"), ProjectID: b.TenantID, Type: identity.EC2Type}
	err = made(rq, identity.StoredCredentials, &c, &c.ID, func(tx *statestore.Txn, c identity.Credential) (identity.Credential, error) {
		return a.Authority.CredentialPut(tx, c, string(blob))
	})
	return front.Created(map[string]ec2Wire{"credential": renderEC2(rq, c, pair)}), err
}

func ec2Delete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		c, _, err := ec2Named(tx, rq)
		if err != nil {
			return err
		}
		return identity.CredentialDelete(tx, c.ID)
	})
}

type signedWire struct {
	Access    string            `json:"access"`
	Signature string            `json:"signature"`
	Verb      string            `json:"verb"`
	Host      string            `json:"host"`
	Path      string            `json:"path"`
	Params    map[string]string `json:"params"`
	Headers   map[string]string `json:"headers"`
	BodyHash  string            `json:"body_hash"`
	Token     string            `json:"token"` // of s3tokens: the text that was signed
	Unknown   jsontext.Value    `json:",embed"`
}

// signature reads the body; clients know it by two names. Error kind: Invalid.
func signature(rq *front.Request) (s signedWire, err error) {
	var b struct {
		Credentials    *signedWire `json:"credentials"`
		EC2Credentials *signedWire `json:"ec2Credentials"`
	}
	if err := rq.Decode(&b); err != nil {
		return s, err
	}
	if b.Credentials == nil {
		b.Credentials = b.EC2Credentials
	}
	if b.Credentials == nil {
		return s, expecting("credentials", "request body", "/credentials")
	}
	return *b.Credentials, nil
}

func (a *api) ec2Token(rq *front.Request) (*front.Response, error) {
	s, err := signature(rq)
	if err != nil {
		return nil, err
	}
	text, t, err := a.Authority.IssueSigned(rq.Context(), rq.Read(), identity.Signed{Access: s.Access, Signature: s.Signature, Verb: s.Verb, Host: s.Host, Path: s.Path,
		Params: s.Params, Headers: s.Headers, BodyHash: s.BodyHash})
	if err != nil {
		return nil, err
	}
	return tokenAnswer(front.OK(renderToken(rq, t)), text), nil
}

func (a *api) s3Token(rq *front.Request) (*front.Response, error) {
	s, err := signature(rq)
	if err != nil {
		return nil, err
	}
	signed, err := base64.URLEncoding.DecodeString(s.Token)
	if err != nil {
		signed, err = base64.StdEncoding.DecodeString(s.Token)
	}
	if err != nil {
		return nil, cloud.Errorf(cloud.Invalid, "", "Invalid input for field 'token': the text that was signed is required, in base64.").At("/credentials/token")
	}
	text, t, err := a.Authority.IssueS3(rq.Context(), rq.Read(), s.Access, string(signed), s.Signature)
	if err != nil {
		return nil, err
	}
	return tokenAnswer(front.OK(renderToken(rq, t)), text), nil
}
