// Package provider is the Terraform provider cloudlet: its configuration and
// the list of its resources and data sources, each of which is a package under
// resources/. It speaks protocol 6 and needs nothing but the OpenStack API.
//
// It imports nothing of server/.
package provider
