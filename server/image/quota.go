package image

import (
	"io"
	"math"

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
			return over(op, projectID, x.name, x.limit, (x.has+x.unit-1)/x.unit, (x.more+x.unit-1)/x.unit)
		}
	}
	return nil
}

// over is the refusal of what would bring a project above a limit.
func over(op, projectID, name string, limit, has, more int64) error {
	return fault(cloud.Quota, op, "", "", "Project %s is over a limit for [Resource %s is over limit of %d due to current usage %d and delta %d].", projectID, name, limit, has, more)
}

// room is how many bytes a project may bring at a moment; negative: any number.
type room struct {
	left int64
	err  error // of one more
}

// room returns how much a project has in its stores, or in staging, where free bytes
// will be given back. It is a bound on one who streams: within decides at the end.
func (c *Content) room(r statestore.Reader, op, projectID string, staged bool, free int64) room {
	l := c.Limits(r, projectID)
	name, limit := "image_size_total", l.SizeTotal
	if staged {
		name, limit = "image_stage_total", l.StageTotal
	}
	if limit < 0 || limit > math.MaxInt64/mib {
		return room{left: -1}
	}
	u := UsageGet(r, projectID)
	has := u.Size
	if staged {
		has = u.Staged - free
	}
	left := max(0, limit*mib-has)
	return room{left, over(op, projectID, name, limit, (has+mib-1)/mib, left/mib+1)}
}

// cap returns r such that it ends with the refusal when it brings more.
func (m room) cap(r io.Reader) io.Reader {
	if m.left < 0 {
		return r
	}
	return &capped{r, m}
}

type capped struct {
	io.Reader
	room
}

func (c *capped) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return 0, c.room.err
	}
	return n, err
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
		return over(op, i.ProjectID, "image_count_uploading", l.Uploading, l.Uploading, 1)
	}
	return c.within(tx, op, i.ProjectID, Usage{Size: 1})
}
