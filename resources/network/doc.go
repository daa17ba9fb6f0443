// Package network is the Terraform resource and data source cloudlet_network:
// a network of the network API v2.0, a tenant's own or one that an
// administrator maps onto a physical network.
package network
