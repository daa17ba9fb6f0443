// Package group is the Terraform resource and data source cloudlet_group: a group
// of users of the identity API v3.
package group
