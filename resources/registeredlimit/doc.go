// Package registeredlimit is the Terraform resource cloudlet_registered_limit, with
// its data source: how much of something each project may have, unless a
// cloudlet_limit says otherwise.
package registeredlimit
