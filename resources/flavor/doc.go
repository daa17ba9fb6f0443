// Package flavor is the Terraform resource and data source cloudlet_flavor: a
// size of instance, of the compute API v2.1. Administrators make them.
package flavor
