// Package quota is the Terraform resource and data source cloudlet_quota: how much
// a project may have, of the compute API's quota sets and the network API's quotas.
//
// A project always has a quota. To create the resource is to set the limits that the
// configuration gives; the others stay as they are. To destroy it gives the project
// the cloud's defaults again. If one service refuses, the other is put back.
package quota
