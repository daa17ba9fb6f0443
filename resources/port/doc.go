// Package port is the Terraform resource and data source cloudlet_port: a place in a
// network, with its addresses, that an instance is plugged into; of the network API
// v2.0.
package port
