package image

import (
	"encoding/hex"
	"maps"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Location is a place beyond this cloud that a user says an image's bytes are at.
// Nobody has looked at them: such an image can be downloaded, and imported from,
// but no instance starts from it before its bytes are in a store.
type Location struct {
	URL      string
	Metadata map[string]string
}

// Elsewhere reports whether the image's bytes are in none of this cloud's stores.
func (i Image) Elsewhere() bool { return len(i.Locations) > 0 && !i.HasData() }

// Sums are what a user says of bytes that are elsewhere, as hex.
type Sums struct {
	MD5, SHA512 string
	Algo        string // of SHA512; "sha512" if not empty
}

const maxLocations = 10

// LocationAdd returns the image with one more location. A queued one becomes
// active. sums may be empty; if not, they must be those that the image has.
// Error kinds: Invalid, Conflict, Quota.
func LocationAdd(i Image, l Location, sums Sums) (Image, error) {
	const op, at = "LocationAdd", "/locations"
	refuse := func(format string, args ...any) (Image, error) { return i, invalid(op, at, format, args...) }
	if i.Status != Queued && i.Status != Active {
		return i, fault(cloud.Conflict, op, i.ID, at, "It's not allowed to add locations to an image whose status is %s.", i.Status)
	}
	if slices.ContainsFunc(i.Locations, func(x Location) bool { return x.URL == l.URL }) {
		return refuse("The location %.200q is there already.", l.URL)
	}
	if len(i.Locations) >= maxLocations {
		return i, fault(cloud.Quota, op, i.ID, at, "The limit has been exceeded on the number of allowed image locations. Attempted: %d, Maximum: %d", len(i.Locations)+1, maxLocations)
	}
	known := i.MD5 != "" || i.SHA512 != ""
	other := sums.Algo != "" && sums.Algo != "sha512"
	if known && (other || sums.MD5 != "" && sums.MD5 != i.MD5 || sums.SHA512 != "" && sums.SHA512 != i.SHA512) {
		return i, fault(cloud.Conflict, op, i.ID, at, "The validation_data is not what the image has: its bytes would be others.")
	}
	if other || !isHex(sums.MD5, 16) || !isHex(sums.SHA512, 64) {
		return refuse("The validation_data must hold a checksum of 32 and an os_hash_value of 128 hex digits, with os_hash_algo sha512.")
	}
	if i.Status == Queued {
		if i.Signed() {
			return refuse("The image is signed: its bytes must be uploaded or imported, so that its signature can be checked.")
		}
		if i.DiskFormat == "" || i.ContainerFormat == "" {
			return refuse("Properties disk_format, container_format must be set prior to saving data.")
		}
		i.Status, i.MD5, i.SHA512 = Active, sums.MD5, sums.SHA512
	}
	i.Locations = append(slices.Clone(i.Locations), l)
	return i, nil
}

func isHex(s string, size int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && (s == "" || len(b) == size)
}

// LocationRemove returns the image without one of its locations, by number. Error
// kinds: Invalid if there is none of that number, Forbidden for the last place
// of the bytes.
func LocationRemove(i Image, n int) (Image, error) {
	const op, at = "LocationRemove", "/locations"
	if n < 0 || n >= len(i.Locations) {
		return i, invalid(op, at, "Invalid position for location: there is none of the number %d that can be removed.", n)
	}
	if len(i.Locations) == 1 && !i.HasData() {
		return i, fault(cloud.Forbidden, op, i.ID, at, "Cannot remove last location in the image.")
	}
	i.Locations = slices.Delete(slices.Clone(i.Locations), n, n+1)
	return i, nil
}

// LocationsReplace returns the image with other metadata of the same locations.
// Error kinds: Invalid if they are not the same.
func LocationsReplace(i Image, to []Location) (Image, error) {
	same := len(to) == len(i.Locations)
	for n := range to {
		same = same && to[n].URL == i.Locations[n].URL
	}
	if !same {
		return i, invalid("LocationsReplace", "/locations", "Replacing locations from a non-empty list to another is disallowed: only their metadata may change.")
	}
	i.Locations = nil
	for _, l := range to {
		i.Locations = append(i.Locations, Location{l.URL, maps.Clone(l.Metadata)})
	}
	return i, nil
}
