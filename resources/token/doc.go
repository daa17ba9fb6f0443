// Package token is the ephemeral resource cloudlet_token: a token of the identity
// API, for a program or a provider that is configured with one.
//
// It is in no state and no plan. Terraform opens it anew in each plan and each
// apply, and closes it at the end, which revokes the token.
package token
