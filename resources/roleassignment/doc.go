// Package roleassignment is the Terraform resource cloudlet_role_assignment: that
// a user or a group has a role in a project, in a domain, or in the system, or in
// the projects below one; and the data source cloudlet_role_assignments, which lists
// such.
package roleassignment
