// Package project is the Terraform resource and data source cloudlet_project: a
// project of the identity API v3, which owns what is made in it.
package project
