// Package subnet is the Terraform resource and data source cloudlet_subnet: the
// addresses of a network, of the network API v2.0.
package subnet
