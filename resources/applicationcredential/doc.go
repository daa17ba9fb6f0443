// Package applicationcredential is the Terraform resource
// cloudlet_application_credential, with its data source: what a program
// authenticates with as the calling user, in one project. The secret is
// write-only: it is in no plan and no state.
package applicationcredential
