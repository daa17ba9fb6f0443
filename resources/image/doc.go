// Package image is the Terraform resource and data source cloudlet_image: an
// image of the image API v2, made from a file, from a URL or from another image.
//
// What the image's bytes are is told by their SHA-512. Of a file the plan reckons
// it, of another image the API tells it, of what is at a URL the configuration may
// say it. If it differs from that of the bytes in the cloud, because either
// changed, the image is replaced: the API never changes an image's bytes. All else
// about an image changes in place.
package image
