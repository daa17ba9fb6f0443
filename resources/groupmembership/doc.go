// Package groupmembership is the Terraform resource cloudlet_group_membership:
// that a user is in a group of the identity API v3.
package groupmembership
