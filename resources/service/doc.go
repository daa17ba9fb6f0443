// Package service is the Terraform resource and data source cloudlet_service: a
// service of the catalog, of the identity API v3.
package service
