package image

import (
	"iter"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Visible reports whether the caller may see and use the image, by its id.
func Visible(r statestore.Reader, c cloud.Caller, i Image) bool {
	if i.Status == PendingDelete {
		return false
	}
	if c.Admin() || c.Owns(i.ProjectID) || i.Visibility == Public || i.Visibility == Community {
		return true
	}
	return Offered(r, c, i)
}

// Offered reports whether the image is shared with the caller's project.
func Offered(r statestore.Reader, c cloud.Caller, i Image) bool {
	if i.Visibility != Shared || c.ProjectID == "" {
		return false
	}
	_, ok := Members.Get(r, statestore.Key(i.ID, c.ProjectID))
	return ok
}

// ImageGet returns the image if the caller may see it. Error kinds: NotFound,
// also for one that the caller may not see.
func ImageGet(r statestore.Reader, c cloud.Caller, id string) (Image, error) {
	i, ok := Images.Get(r, id)
	if !ok || !Visible(r, c, i) {
		return Image{}, cloud.Missing("image", id)
	}
	return i, nil
}

// ImagesVisible yields every image that the caller may see, each once. It walks
// no rows of projects that have nothing to do with the caller, unless that is
// an administrator.
func ImagesVisible(r statestore.Reader, c cloud.Caller) iter.Seq[Image] {
	return func(yield func(Image) bool) {
		for i := range imagesOf(r, c) {
			if i.Status != PendingDelete && !yield(i) {
				return
			}
		}
	}
}

func imagesOf(r statestore.Reader, c cloud.Caller) iter.Seq[Image] {
	if c.Admin() {
		return Images.All(r)
	}
	return func(yield func(Image) bool) {
		if c.ProjectID != "" {
			for i := range Images.By(r, "owner", c.ProjectID) {
				if !yield(i) {
					return
				}
			}
			for m := range Members.By(r, "project", c.ProjectID) {
				i, ok := Images.Get(r, m.ImageID)
				if ok && i.Visibility == Shared && !c.Owns(i.ProjectID) && !yield(i) {
					return
				}
			}
		}
		for _, v := range []Visibility{Public, Community} {
			for i := range Images.By(r, "visibility", string(v)) {
				if !c.Owns(i.ProjectID) && !yield(i) {
					return
				}
			}
		}
	}
}
