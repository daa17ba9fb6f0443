package compute

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// InstanceChange is what is to change of an instance; nil leaves a thing as it is.
type InstanceChange struct {
	Name        *string
	Hostname    *string
	Description *string
	UserData    *string // base64; the guest reads it at its next boot
	AccessIPv4  *string
	AccessIPv6  *string
	DiskConfig  *string
}

// InstanceUpdate changes an instance. Error kinds: NotFound, Invalid, Conflict if
// it is locked or being deleted.
func InstanceUpdate(tx *statestore.Txn, c cloud.Caller, id string, ch InstanceChange) (Instance, error) {
	const op = "InstanceUpdate"
	i, err := instanceToEdit(tx, c, op, id, "update")
	if err != nil {
		return i, err
	}
	if err := checkStays(tx, op, i); err != nil {
		return i, err
	}
	was := i
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&i.Name, ch.Name)
	set(&i.Hostname, ch.Hostname)
	set(&i.Description, ch.Description)
	set(&i.UserData, ch.UserData)
	set(&i.AccessIPv4, ch.AccessIPv4)
	set(&i.AccessIPv6, ch.AccessIPv6)
	set(&i.DiskConfig, ch.DiskConfig)
	i.Name = trim(i.Name)
	if err := cmp.Or(checkName(op, "/server/name", i.Name), checkUserData(op, i.UserData), checkAccess(op, i.AccessIPv4, i.AccessIPv6), checkDiskConfig(op, i.DiskConfig)); err != nil {
		return was, err
	}
	if i.Hostname != was.Hostname && !hostnamePattern.MatchString(i.Hostname) {
		return was, invalid(op, "instance", "/server/hostname", "Invalid input for field/attribute hostname. Value: %s. It must be a host name of at most 63 letters, digits and inner hyphens (RFC 1123).", i.Hostname)
	}
	if len(i.Description) > 255 {
		return was, invalid(op, "instance", "/server/description", "Invalid input for field/attribute description: it is longer than 255 characters.")
	}
	told := i.Name != was.Name || i.Hostname != was.Hostname || i.UserData != was.UserData
	touch(tx, &i, told)
	return i, nil
}

// instanceToEdit is instanceToChange for what is not a step of life: it is
// refused on an instance that is being deleted.
func instanceToEdit(tx *statestore.Txn, c cloud.Caller, op, id, verb string) (Instance, error) {
	i, err := instanceToChange(tx, c, op, id)
	if err != nil {
		return i, err
	}
	if i.State == Deleting {
		return i, i.refusal(op, verb)
	}
	return i, nil
}

// InstanceMetadataSet adds and replaces metadata items, all of them if replace
// is set (items not given are then removed). Error kinds: NotFound, Invalid,
// Quota, Conflict.
func InstanceMetadataSet(tx *statestore.Txn, c cloud.Caller, id string, items map[string]string, replace bool) (Instance, error) {
	const op = "InstanceMetadataSet"
	i, err := instanceToEdit(tx, c, op, id, "update metadata")
	if err != nil {
		return i, err
	}
	if err := checkMetadata(op, "/metadata", items); err != nil {
		return i, err
	}
	next := map[string]string{}
	if !replace {
		maps.Copy(next, i.Metadata)
	}
	maps.Copy(next, items)
	if limit := limitOf(tx, i.ProjectID, QuotaMetadata); limit >= 0 && len(next) > limit {
		return i, &cloud.Error{Kind: cloud.Quota, Op: op, Resource: "instance", ID: id, Field: "/metadata",
			Msg: fmt.Sprintf("Maximum number of metadata items exceeds %d", limit)}
	}
	if maps.Equal(next, i.Metadata) {
		return i, nil
	}
	i.Metadata = next
	touch(tx, &i, true)
	return i, nil
}

// InstanceMetadataUnset removes one metadata item. Error kinds: NotFound also if
// there is no such item, Conflict.
func InstanceMetadataUnset(tx *statestore.Txn, c cloud.Caller, id, key string) error {
	const op = "InstanceMetadataUnset"
	i, err := instanceToEdit(tx, c, op, id, "delete metadata")
	if err != nil {
		return err
	}
	if _, ok := i.Metadata[key]; !ok {
		return &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: "instance", ID: id, Msg: "Metadata item was not found"}
	}
	i.Metadata = maps.Clone(i.Metadata)
	delete(i.Metadata, key)
	touch(tx, &i, true)
	return nil
}

// InstanceTagsSet replaces the instance's tags. Error kinds: NotFound, Invalid,
// Conflict.
func InstanceTagsSet(tx *statestore.Txn, c cloud.Caller, id string, tags []string) (Instance, error) {
	const op = "InstanceTagsSet"
	i, err := instanceToEdit(tx, c, op, id, "update tags")
	if err != nil {
		return i, err
	}
	if i.Tags, err = checkTags(op, "/tags", tags); err != nil {
		return i, err
	}
	touch(tx, &i, false)
	return i, nil
}

// InstanceTagAdd adds one tag and reports whether it is new.
func InstanceTagAdd(tx *statestore.Txn, c cloud.Caller, id, tag string) (added bool, err error) {
	i, err := InstanceGet(tx, c, id)
	if err != nil || slices.Contains(i.Tags, tag) {
		return false, err
	}
	_, err = InstanceTagsSet(tx, c, id, append(slices.Clone(i.Tags), tag))
	return err == nil, err
}

// InstanceTagRemove removes one tag; NotFound if the instance does not have it.
func InstanceTagRemove(tx *statestore.Txn, c cloud.Caller, id, tag string) error {
	i, err := InstanceGet(tx, c, id)
	if err != nil {
		return err
	}
	if !slices.Contains(i.Tags, tag) {
		return &cloud.Error{Kind: cloud.NotFound, Op: "InstanceTagRemove", Resource: "instance", ID: id,
			Msg: fmt.Sprintf("Instance %s has no tag '%s'", id, tag)}
	}
	_, err = InstanceTagsSet(tx, c, id, slices.DeleteFunc(slices.Clone(i.Tags), func(t string) bool { return t == tag }))
	return err
}
