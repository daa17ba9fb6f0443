// Package authscope is the Terraform data source cloudlet_auth_scope: who the
// provider is, and what it works in.
package authscope
