// Package image is the Terraform resource and data source cloudlet_image: an
// image of the image API v2, uploaded from a file.
//
// What the image's bytes are is told by their SHA-512, which the plan reckons
// from the file and the API from what it has. If they differ, because either
// changed, the image is replaced: the API never changes an image's bytes. All
// else about an image changes in place.
package image
