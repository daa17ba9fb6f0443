// Package limit is the Terraform resource and data source cloudlet_limit: how much of
// something one project, or one domain, may have.
package limit
