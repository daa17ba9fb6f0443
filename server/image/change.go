package image

import (
	"maps"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// ImageChange is what is to be of an image; nil leaves a thing as it is, or as
// the default when the image is made.
type ImageChange struct {
	Name                        *string
	ProjectID                   *string     // the owner; default: the caller's project
	Visibility                  *Visibility // default: Shared
	Protected, Hidden           *bool
	DiskFormat, ContainerFormat *string // one of DiskFormats, ContainerFormats; changed while queued only
	MinDisk, MinRAM             *int    // GiB, MiB
	Tags                        *[]string
	Properties                  *map[string]string // all of them
	Locations                   []LocationChange   // in this order, after all else
}

// apply makes the change to an image, which keeps what the change holds.
func (ch ImageChange) apply(i Image) Image {
	set(&i.Name, ch.Name)
	set(&i.ProjectID, ch.ProjectID)
	set(&i.Visibility, ch.Visibility)
	set(&i.Protected, ch.Protected)
	set(&i.Hidden, ch.Hidden)
	set(&i.DiskFormat, ch.DiskFormat)
	set(&i.ContainerFormat, ch.ContainerFormat)
	set(&i.MinDisk, ch.MinDisk)
	set(&i.MinRAM, ch.MinRAM)
	if ch.Tags != nil {
		i.Tags = slices.Compact(slices.Sorted(slices.Values(*ch.Tags)))
	}
	if ch.Properties != nil {
		i.Properties = maps.Clone(*ch.Properties)
	}
	return i
}

// set stores *from in to, unless from is nil.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// ImageCreate makes an image without bytes, with the given id or, if that is
// empty, a fresh one. Error kinds: Invalid, Quota, Conflict if the id is taken, or was a public image's.
func ImageCreate(tx *statestore.Txn, c cloud.Caller, id string, ch ImageChange) (Image, error) {
	const op = "ImageCreate"
	if id != "" && (!isUUID(id) || id == cloud.UnknownID) {
		return Image{}, invalid(op, "/id", "Invalid image id %.50q: it must be a UUID, and not the zero one.", id)
	}
	if id == "" {
		id = tx.NewID()
	}
	_, taken := Images.Get(tx, id)
	if _, was := retirees.Get(tx, id); taken || was {
		return Image{}, fault(cloud.Conflict, op, id, "/id", "Image ID %s already exists!", id)
	}
	i := ch.apply(Image{ID: id, ProjectID: c.ProjectID, Status: Queued, Visibility: Shared, CreatedAt: tx.Now(), UpdatedAt: tx.Now()})
	if i.ProjectID == "" {
		return Image{}, invalid(op, "/owner", "Your token is not scoped to a project: name the project that the image is to belong to in owner.")
	}
	if err := check(op, i); err != nil {
		return Image{}, err
	}
	Images.Put(tx, i)
	return i, nil
}

// ImageUpdate changes an image. Error kinds: NotFound, Invalid, Quota, Forbidden
// for a format that is settled.
func ImageUpdate(tx *statestore.Txn, c cloud.Caller, id string, ch ImageChange) (Image, error) {
	const op = "ImageUpdate"
	was, err := ImageGet(tx, c, id)
	if err != nil {
		return Image{}, err
	}
	i := ch.apply(was)
	if err := check(op, i); err != nil {
		return Image{}, err
	}
	if was.Status != Queued && i.DiskFormat != was.DiskFormat {
		return Image{}, fault(cloud.Forbidden, op, id, "/disk_format", "Attribute disk_format can be only replaced for a queued image.")
	}
	if was.Status != Queued && i.ContainerFormat != was.ContainerFormat {
		return Image{}, fault(cloud.Forbidden, op, id, "/container_format", "Attribute container_format can be only replaced for a queued image.")
	}
	if p, changes := sealChanges(was, i); changes && was.Status != Queued && was.Status != Uploading {
		return Image{}, fault(cloud.Forbidden, op, id, "/"+p, "Attribute %s can be changed before the image has its bytes only.", p)
	}
	for _, ch := range ch.Locations {
		if i, err = ch(i); err != nil {
			return Image{}, err
		}
	}
	if err := checkLocations(op, i.Locations); err != nil {
		return Image{}, err
	}
	return touch(tx, i), nil
}

// LocationChange is one change of where an image's bytes are: see LocationAdd and
// the like.
type LocationChange func(Image) (Image, error)

// touch stores a changed image.
func touch(tx *statestore.Txn, i Image) Image {
	i.UpdatedAt = tx.Now()
	Images.Put(tx, i)
	return i
}

// ImageDelete removes an image with its members and imports, ends one under way, and returns what
// it was. Its bytes are for Content.Forget to remove, after the transaction. Error kinds:
// NotFound, Forbidden for a protected one.
func ImageDelete(tx *statestore.Txn, c cloud.Caller, id string) (Image, error) {
	const op = "ImageDelete"
	i, err := ImageGet(tx, c, id)
	if err != nil {
		return Image{}, err
	}
	if i.Protected {
		return Image{}, fault(cloud.Forbidden, op, id, "", "Image %s is protected and cannot be deleted.", id)
	}
	remove(tx, i)
	return i, nil
}

// remove removes an image's row with all that hangs on it.
func remove(tx *statestore.Txn, i Image) {
	for _, m := range slices.Collect(Members.By(tx, "image", i.ID)) {
		Members.Delete(tx, statestore.Key(m.ImageID, m.ProjectID))
	}
	if i.TaskID != "" {
		task.Tasks.Delete(tx, i.TaskID)
	}
	if i.Imported {
		forgetImports(tx, i.ID, 0)
	}
	if i.Visibility == Public {
		retirees.Put(tx, retired{i.ID})
	}
	Cache.Delete(tx, i.ID)
	Images.Delete(tx, i.ID)
}

// ImageDelete is ImageDelete for good, or, if deletion is delayed and the image has
// bytes, what makes the image be gone for everybody at once and its bytes later.
// What it returns is for Forget. Error kinds: as ImageDelete.
func (c *Content) ImageDelete(tx *statestore.Txn, caller cloud.Caller, id string) (Image, error) {
	i, err := ImageDelete(tx, caller, id)
	if err != nil || c.delay <= 0 || !i.HasData() {
		return i, err
	}
	late := i
	late.Status, _ = Next(i.Status, DeleteLater)
	late.WasDeactivated = i.Status == Deactivated
	late.TaskID, late.Staged, late.StagedSize, late.ImportLeft = "", "", 0, nil
	touch(tx, late)
	clean(tx, late, c.delay)
	return i, nil
}

// ImageDeactivate keeps all but administrators from the image's bytes. Error
// kinds: NotFound, Forbidden for an image that has no bytes.
func ImageDeactivate(tx *statestore.Txn, c cloud.Caller, id string) (Image, error) {
	return step(tx, c, "ImageDeactivate", id, Deactivate)
}

// ImageReactivate undoes ImageDeactivate. Error kinds: the same.
func ImageReactivate(tx *statestore.Txn, c cloud.Caller, id string) (Image, error) {
	return step(tx, c, "ImageReactivate", id, Reactivate)
}

func step(tx *statestore.Txn, c cloud.Caller, op, id string, e Event) (Image, error) {
	i, err := ImageGet(tx, c, id)
	if err != nil {
		return Image{}, err
	}
	to, ok := Next(i.Status, e)
	switch {
	case !ok:
		return Image{}, fault(cloud.Forbidden, op, id, "", "An image that is %s cannot %s; it must be active or deactivated.", i.Status, e)
	case to == i.Status:
		return i, nil
	}
	i.Status = to
	return touch(tx, i), nil
}

// TagAdd gives an image a tag, if it has not got it. Error kinds: NotFound,
// Invalid, Quota.
func TagAdd(tx *statestore.Txn, c cloud.Caller, id, tag string) error {
	i, err := ImageGet(tx, c, id)
	if err != nil || slices.Contains(i.Tags, tag) {
		return err
	}
	tags := append(slices.Clone(i.Tags), tag)
	_, err = ImageUpdate(tx, c, id, ImageChange{Tags: &tags})
	return err
}

// TagRemove takes a tag away. Error kinds: NotFound, also for a tag that it has not got.
func TagRemove(tx *statestore.Txn, c cloud.Caller, id, tag string) error {
	i, err := ImageGet(tx, c, id)
	if err != nil {
		return err
	}
	at, ok := slices.BinarySearch(i.Tags, tag)
	if !ok {
		return fault(cloud.NotFound, "TagRemove", id, "", "Image %s has no tag %.255q.", id, tag)
	}
	tags := slices.Delete(slices.Clone(i.Tags), at, at+1)
	_, err = ImageUpdate(tx, c, id, ImageChange{Tags: &tags})
	return err
}
