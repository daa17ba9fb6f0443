package client

import (
	"context"
	"errors"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Token gets a new token with the provider's credentials, for a scope; an empty one
// is the provider's own.
func (c *Client) Token(ctx context.Context, scope gophercloud.AuthScope) (tokens.CreateResult, error) {
	auth := c.auth
	switch own := scope == (gophercloud.AuthScope{}); {
	case !own && (auth.ApplicationCredentialID != "" || auth.ApplicationCredentialName != ""):
		return tokens.CreateResult{}, errors.New("an application credential is for one project, and gives no token for another scope; leave the scope out, or give the provider a password")
	case !own:
		auth.Scope, auth.TenantID, auth.TenantName = &scope, "", ""
	case auth.TokenID != "" && c.Scope != (gophercloud.AuthScope{}):
		auth.Scope = &c.Scope // that of the provider's token
	}
	got := tokens.Create(ctx, c.Identity, &auth)
	return got, got.Err
}

// Revoke ends a token. One that has ended already is no error.
func (c *Client) Revoke(ctx context.Context, token string) error {
	err := tokens.Revoke(ctx, c.Identity, token).Err
	if NotFound(err) {
		return nil
	}
	return err
}
