// Package imagemember is the Terraform resource cloudlet_image_member: what a project
// says of an image that another project shares with it. The other side, the offer,
// is the attribute members of cloudlet_image.
//
// The offer is not the project's to make or to take back: the resource comes with
// it, is gone with it, and is destroyed by leaving it undecided.
package imagemember
