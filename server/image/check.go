package image

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// DiskFormats are the formats that an image's bytes may have. Those of Amazon
// (ami, ari, aki: a file system, a ramdisk, a kernel) are bytes without a format.
var DiskFormats = []string{"ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"}

// ContainerFormats are what may be said of what the bytes are wrapped in. The
// bytes must be of the disk format all the same.
var ContainerFormats = []string{"ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"}

// Limits of Glance: characters of texts, and how many a single image has.
const (
	maxText       = 255
	maxValue      = 65535
	MaxProperties = 128
	MaxTags       = 128
	MaxMembers    = 128
	maxAll        = 256 << 10 // bytes of all properties: Glance has no such bound, but keeps no images in memory
	maxNumber     = 1<<31 - 1
)

// check refuses an image that breaks a rule about its fields.
func check(op string, i Image) error {
	if utf8.RuneCountInString(i.Name) > maxText {
		return invalid(op, "/name", "Invalid name: it has more than %d characters.", maxText)
	}
	if utf8.RuneCountInString(i.ProjectID) > maxText {
		return invalid(op, "/owner", "Invalid owner: it has more than %d characters.", maxText)
	}
	if !slices.Contains([]Visibility{Private, Shared, Community, Public}, i.Visibility) {
		return invalid(op, "/visibility", "Invalid visibility value: %.50q. It must be public, community, shared or private.", i.Visibility)
	}
	if i.DiskFormat != "" && !slices.Contains(DiskFormats, i.DiskFormat) {
		return invalid(op, "/disk_format", "Invalid disk_format %.50q: it must be one of %s.", i.DiskFormat, strings.Join(DiskFormats, ", "))
	}
	if i.ContainerFormat != "" && !slices.Contains(ContainerFormats, i.ContainerFormat) {
		return invalid(op, "/container_format", "Invalid container_format %.50q: it must be one of %s.", i.ContainerFormat, strings.Join(ContainerFormats, ", "))
	}
	if i.MinDisk < 0 || i.MinDisk > maxNumber {
		return invalid(op, "/min_disk", "Invalid min_disk %d: it must be a number from 0 to %d.", i.MinDisk, maxNumber)
	}
	if i.MinRAM < 0 || i.MinRAM > maxNumber {
		return invalid(op, "/min_ram", "Invalid min_ram %d: it must be a number from 0 to %d.", i.MinRAM, maxNumber)
	}
	if err := checkTags(op, i.Tags); err != nil {
		return err
	}
	return checkProperties(op, i.Properties)
}

func checkTags(op string, tags []string) error {
	for _, t := range tags {
		if t == "" || utf8.RuneCountInString(t) > maxText {
			return invalid(op, "/tags", "Invalid tag %.50q: a tag has 1 to %d characters.", t, maxText)
		}
	}
	if len(tags) > MaxTags {
		return fault(cloud.Quota, op, "", "/tags", "Attempted: %d, Maximum: %d tags of an image.", len(tags), MaxTags)
	}
	return nil
}

func checkProperties(op string, properties map[string]string) error {
	total := 0
	for k, v := range properties {
		total += len(k) + len(v)
		field := "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		if k == "" || utf8.RuneCountInString(k) > maxText {
			return invalid(op, field, "Invalid property %.50q: its name must have 1 to %d characters.", k, maxText)
		}
		if len(v) > maxValue {
			return invalid(op, field, "Invalid property %.50q: its value has more than %d bytes.", k, maxValue)
		}
	}
	if len(properties) > MaxProperties {
		return fault(cloud.Quota, op, "", "", "Attempted: %d, Maximum: %d properties of an image.", len(properties), MaxProperties)
	}
	if total > maxAll {
		return fault(cloud.Quota, op, "", "", "Attempted: %d, Maximum: %d bytes of all properties of an image.", total, maxAll)
	}
	return nil
}

// Bounds of one location, in bytes.
const (
	maxURL      = 2048
	maxMetadata = 4096 // all names and values
)

// checkLocations refuses locations that are too large to be kept.
func checkLocations(op string, ls []Location) error {
	for _, l := range ls {
		total := 0
		for k, v := range l.Metadata {
			total += len(k) + len(v)
		}
		if len(l.URL) > maxURL || total > maxMetadata {
			return invalid(op, "/locations", "Invalid location: its URL may have %d bytes and its metadata %d.", maxURL, maxMetadata)
		}
	}
	return nil
}

// isUUID reports whether s has the form of a UUID (RFC 9562).
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for n, r := range s {
		if n == 8 || n == 13 || n == 18 || n == 23 {
			if r != '-' {
				return false
			}
		} else if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}
