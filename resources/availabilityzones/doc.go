// Package availabilityzones is the Terraform data source
// cloudlet_availability_zones: the zones that instances can be placed in, of the
// compute API v2.1.
package availabilityzones
