// Package region is the Terraform resource and data source cloudlet_region: a region
// of the catalog, of the identity API v3.
package region
