package image

import (
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Limits bound what a project has of images; a negative number is no bound. They
// have the names and units of Glance's registered limits.
type Limits struct {
	SizeTotal  int64 // image_size_total: MiB in stores, an image in two counting twice
	StageTotal int64 // image_stage_total: MiB staged for imports
	CountTotal int64 // image_count_total
	Uploading  int64 // image_count_uploading: uploads and imports at once
}

// NoLimits bounds nothing.
var NoLimits = Limits{-1, -1, -1, -1}

// Usage is what a project has, in bytes and numbers.
type Usage struct{ Size, Staged, Count, Uploading int64 }

// UsageGet reckons what a project has.
func UsageGet(r statestore.Reader, projectID string) (u Usage) {
	for i := range Images.By(r, "owner", projectID) {
		if i.Status == PendingDelete {
			continue
		}
		u.Count++
		u.Size += i.Size * int64(len(i.InStores()))
		u.Staged += i.StagedSize
		if i.Status == Saving || i.Status == Uploading || i.TaskID != "" {
			u.Uploading++
		}
	}
	return u
}

// Limits returns the bounds of a project.
func (c *Content) Limits(r statestore.Reader, projectID string) Limits {
	if c.limits == nil {
		return NoLimits
	}
	return c.limits(r, projectID)
}

const mib = 1 << 20

// within refuses, as Quota, what would bring a project above its bounds: more
// images, bytes in stores, bytes in staging, uploads.
func (c *Content) within(r statestore.Reader, op, projectID string, more Usage) error {
	l := c.Limits(r, projectID)
	if l == NoLimits {
		return nil
	}
	u := UsageGet(r, projectID)
	for _, x := range []struct {
		name             string
		limit, has, more int64
		unit             int64
	}{
		{"image_count_total", l.CountTotal, u.Count, more.Count, 1},
		{"image_size_total", l.SizeTotal, u.Size, more.Size, mib},
		{"image_stage_total", l.StageTotal, u.Staged, more.Staged, mib},
		{"image_count_uploading", l.Uploading, u.Uploading, more.Uploading, 1},
	} {
		if x.limit >= 0 && x.more > 0 && (x.has+x.more+x.unit-1)/x.unit > x.limit {
			return fault(cloud.Quota, op, "", "", "Project %s is over a limit for [Resource %s is over limit of %d due to current usage %d and delta %d].",
				projectID, x.name, x.limit, (x.has+x.unit-1)/x.unit, (x.more+x.unit-1)/x.unit)
		}
	}
	return nil
}

// ImageCreate is ImageCreate within the project's limits.
func (c *Content) ImageCreate(tx *statestore.Txn, caller cloud.Caller, id string, ch ImageChange) (Image, error) {
	owner := caller.ProjectID
	if ch.ProjectID != nil {
		owner = *ch.ProjectID
	}
	if err := c.within(tx, "ImageCreate", owner, Usage{Count: 1}); err != nil {
		return Image{}, err
	}
	return ImageCreate(tx, caller, id, ch)
}

// beginWithin refuses an upload of an image that begins although the project has
// no room, or too many already.
func (c *Content) beginWithin(tx *statestore.Txn, op string, i Image) error {
	if l := c.Limits(tx, i.ProjectID); l.Uploading >= 0 && UsageGet(tx, i.ProjectID).Uploading > l.Uploading { // i counts
		return fault(cloud.Quota, op, i.ID, "", "Project %s is over a limit for [Resource image_count_uploading is over limit of %d due to current usage %d and delta 1].",
			i.ProjectID, l.Uploading, l.Uploading)
	}
	return c.within(tx, op, i.ProjectID, Usage{Size: 1})
}
