// Package registeredlimit is the Terraform resource and data source
// cloudlet_registered_limit: how much of something each project may have, unless a
// cloudlet_limit says otherwise.
package registeredlimit
