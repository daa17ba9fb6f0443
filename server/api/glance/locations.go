package glance

import (
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
)

// locationWire is a place of an image's bytes. Those in this cloud's own stores
// come first and cannot be changed.
type locationWire struct {
	URL        string            `json:"url"`
	Metadata   map[string]string `json:"metadata"`
	Validation *validationWire   `json:"validation_data,omitzero"`
}

// validationWire is what a user says of the bytes at a place.
type validationWire struct {
	Checksum  string `json:"checksum,omitzero"`
	HashAlgo  string `json:"os_hash_algo,omitzero"`
	HashValue string `json:"os_hash_value,omitzero"`
}

// render renders an image with what the caller may see of it.
func (a *api) render(rq *front.Request, i image.Image) imageWire {
	w := render(i)
	if !a.Locations || !rq.Can("image:location:get", targetOf(i, false)) {
		return w
	}
	ls := []locationWire{}
	for _, s := range i.InStores() {
		ls = append(ls, locationWire{URL: "cloudlet://" + s + "/" + i.SHA256, Metadata: map[string]string{"store": s}})
	}
	for _, l := range i.Locations {
		m := l.Metadata
		if m == nil {
			m = map[string]string{}
		}
		ls = append(ls, locationWire{URL: l.URL, Metadata: m})
	}
	w.Locations = &ls
	if len(ls) > 0 {
		w.DirectURL = ls[0].URL
	}
	return w
}

// location reads an operation on the locations of an image.
func (a *api) location(rq *front.Request, o operation) (image.LocationChange, error) {
	rule := map[string]string{"remove": "image:location:delete"}[o.op]
	if rule == "" {
		rule = "image:location:set"
	}
	if err := rq.Require(rule, rq.Target); err != nil {
		return nil, err
	}
	switch {
	case o.op == "replace" && len(o.at) == 0:
		var ls []locationWire
		if err := json.Unmarshal(o.value, &ls, json.RejectUnknownMembers(true)); err != nil {
			return nil, invalid(o.name, "Invalid locations: a list of objects with url and metadata is required.")
		}
		return func(i image.Image) (image.Image, error) { return replaceLocations(i, ls) }, nil
	case o.op == "add" && len(o.at) == 1:
		return a.addLocation(o)
	case o.op == "remove" && len(o.at) == 1:
		n, err := strconv.Atoi(o.at[0])
		if err != nil {
			return nil, invalid(o.name, "Invalid JSON pointer for this resource: %.20q is no number of a location.", o.at[0])
		}
		return func(i image.Image) (image.Image, error) { return image.LocationRemove(i, n-len(i.InStores())) }, nil
	}
	return nil, invalid(o.name, "Operation %q is not possible on this part of the locations.", o.op)
}

// addLocation reads a location that is to be added, at whatever position.
func (a *api) addLocation(o operation) (image.LocationChange, error) {
	var l locationWire
	if err := json.Unmarshal(o.value, &l, json.RejectUnknownMembers(true)); err != nil {
		return nil, invalid(o.name, "Invalid location: an object with url and metadata is required.")
	}
	if err := a.Fetcher.Check(l.URL); err != nil {
		return nil, cloud.AsError(err).At("/locations")
	}
	var sums image.Sums
	if v := l.Validation; v != nil {
		sums = image.Sums{MD5: v.Checksum, SHA512: v.HashValue, Algo: v.HashAlgo}
	}
	return func(i image.Image) (image.Image, error) {
		return image.LocationAdd(i, image.Location{URL: l.URL, Metadata: l.Metadata}, sums)
	}, nil
}

// replaceLocations changes the metadata of those that are not in a store.
func replaceLocations(i image.Image, ls []locationWire) (image.Image, error) {
	own := min(len(i.InStores()), len(ls))
	var to []image.Location
	for _, l := range ls[own:] {
		to = append(to, image.Location{URL: l.URL, Metadata: l.Metadata})
	}
	return image.LocationsReplace(i, to)
}
