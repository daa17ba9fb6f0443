// Package user is the Terraform resource and data source cloudlet_user: a user of the
// identity API v3. The password is write-only: it is in no plan and no state.
package user
