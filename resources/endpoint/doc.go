// Package endpoint is the Terraform resource cloudlet_endpoint: an address of a
// service in the catalog, of the identity API v3.
package endpoint
