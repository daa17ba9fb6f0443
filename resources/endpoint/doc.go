// Package endpoint is the Terraform resource and data source cloudlet_endpoint: an
// address of a service in the catalog, of the identity API v3.
package endpoint
