// Package applicationcredential is the Terraform resource and data source
// cloudlet_application_credential: what a program
// authenticates with as the calling user, in one project. The secret is
// write-only: it is in no plan and no state.
package applicationcredential
