// Package domain is the Terraform resource and data source cloudlet_domain: a
// domain of the identity API v3, with users, groups and projects of its own.
package domain
