// Package keypair is the Terraform resource and data source cloudlet_keypair: a
// public SSH key that instances are made with, of the compute API v2.1.
//
// A private key is never in the plan or the state, and never leaves the machine
// that Terraform runs on: if the provider makes the key, it writes the private
// half to a file. A public key from an ephemeral resource is given by the
// write-only attribute public_key_wo.
package keypair
