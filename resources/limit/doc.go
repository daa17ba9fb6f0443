// Package limit is the Terraform resource cloudlet_limit, with its data source: how
// much of something one project, or one domain, may have.
package limit
