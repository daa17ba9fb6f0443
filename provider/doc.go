// Package provider is the Terraform provider cloudlet: its configuration and
// the list of its resources and data sources, each of which is a package under
// resources/. It speaks protocol 6 and needs nothing but the OpenStack API.
//
// Its pages in docs/ are made of the schema and of examples/ by 'go generate';
// TestDocs fails when they are not current.
//
// It imports nothing of server/.
package provider

//go:generate go test . -run TestDocs -update
