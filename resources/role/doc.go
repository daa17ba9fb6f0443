// Package role is the Terraform resource and data source cloudlet_role: a role of
// the identity API v3, for all domains or for one.
package role
