package identity

import (
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Interfaces are the kinds of endpoint.
var Interfaces = []string{"public", "internal", "admin"}

// RegionPut stores a region. Error kinds: Invalid, also for a circle; NotFound for
// its parent.
func RegionPut(tx *statestore.Txn, r Region) (Region, error) {
	if r.ID == "" {
		r.ID = newID(tx)
	}
	if len(r.ID) > 255 {
		return r, cloud.Errorf(cloud.Invalid, "region", "The id of a region has at most 255 characters.").At("/region/id")
	}
	for above := r.ParentID; above != ""; {
		parent, ok := Regions.Get(tx, above)
		if !ok {
			return r, missing("region", above).At("/region/parent_region_id")
		}
		if above == r.ID {
			return r, cloud.Errorf(cloud.Invalid, "region", "The specified parent region %s would create a circular region hierarchy.", r.ParentID).At("/region/parent_region_id")
		}
		above = parent.ParentID
	}
	Regions.Put(tx, r)
	return r, nil
}

// RegionDelete deletes a region and those below it, unless one of them has
// endpoints. Error kinds: NotFound, Forbidden.
func RegionDelete(tx *statestore.Txn, id string) error {
	if _, ok := Regions.Get(tx, id); !ok {
		return missing("region", id)
	}
	all := regionsBelow(tx, id)
	for _, below := range all {
		if _, ok := Endpoints.First(tx, "region", below); ok {
			return cloud.Errorf(cloud.Forbidden, "region", "Unable to delete region %s because it or its child regions have associated endpoints.", id)
		}
	}
	for _, below := range all {
		dropPolicyUses(tx, "region", below)
		dropRegistered(tx, "region", below)
		Regions.Delete(tx, below)
	}
	return nil
}

// regionsBelow returns a region's id and those of the regions below it.
func regionsBelow(r statestore.Reader, id string) []string {
	all := []string{id}
	for child := range Regions.All(r) {
		if child.ParentID == id {
			all = append(all, regionsBelow(r, child.ID)...)
		}
	}
	return all
}

// ServicePut stores a service. Error kind: Invalid.
func ServicePut(tx *statestore.Txn, s Service) (Service, error) {
	if s.Type == "" || len(s.Type) > 255 {
		return s, cloud.Errorf(cloud.Invalid, "service", "Invalid input for field 'type': a type such as compute is required.").At("/service/type")
	}
	if s.Name != "" {
		if err := checkName("service", s.Name, "/service/name"); err != nil {
			return s, err
		}
	}
	if s.ID == "" {
		s.ID = newID(tx)
	}
	Services.Put(tx, s)
	return s, nil
}

// ServiceDelete deletes a service and its endpoints. Error kind: NotFound.
func ServiceDelete(tx *statestore.Txn, id string) error {
	if !Services.Delete(tx, id) {
		return missing("service", id)
	}
	for _, e := range slices.Collect(Endpoints.By(tx, "service", id)) {
		endpointRemove(tx, e.ID)
	}
	dropPolicyUses(tx, "service", id)
	dropRegistered(tx, "service", id)
	return nil
}

func endpointRemove(tx *statestore.Txn, id string) bool {
	dropPolicyUses(tx, "endpoint", id)
	dropEndpointFilters(tx, "endpoint", id)
	return Endpoints.Delete(tx, id)
}

// EndpointURL returns an endpoint's URL with a project and a user in the places that it has
// for them, such as $(project_id)s. It reports false if one place is for something else, or for
// a project and there is none.
func EndpointURL(url, projectID, userID string) (string, bool) {
	if !strings.Contains(url, "(") {
		return url, true
	}
	of := map[string]string{"project_id": projectID, "tenant_id": projectID, "user_id": userID}
	for name, id := range of {
		if id != "" {
			url = strings.NewReplacer("$("+name+")s", id, "%("+name+")s", id).Replace(url)
		}
	}
	return url, !strings.Contains(url, "$(") && !strings.Contains(url, "%(")
}

// EndpointPut stores an endpoint. Error kinds: Invalid, NotFound.
func EndpointPut(tx *statestore.Txn, e Endpoint) (Endpoint, error) {
	if !slices.Contains(Interfaces, e.Interface) {
		return e, cloud.Errorf(cloud.Invalid, "endpoint", "Invalid input for field 'interface': %q is not one of %s.", e.Interface, strings.Join(Interfaces, ", ")).At("/endpoint/interface")
	}
	if !strings.HasPrefix(e.URL, "http://") && !strings.HasPrefix(e.URL, "https://") && !strings.HasPrefix(e.URL, "/") {
		return e, cloud.Errorf(cloud.Invalid, "endpoint", "Invalid input for field 'url': %q is not an http or https URL.", e.URL).At("/endpoint/url")
	}
	if _, ok := EndpointURL(e.URL, "project", "user"); !ok {
		return e, cloud.Errorf(cloud.Invalid, "endpoint", "Invalid input for field 'url': %q has a place for something else than $(project_id)s, $(tenant_id)s and $(user_id)s.", e.URL).At("/endpoint/url")
	}
	if len(e.URL) > 225 || len(e.Name) > 255 {
		return e, cloud.Errorf(cloud.Invalid, "endpoint", "Invalid input for field 'url': at most 225 characters are allowed, and 255 in the name.").At("/endpoint/url")
	}
	if _, ok := Services.Get(tx, e.ServiceID); !ok {
		return e, missing("service", e.ServiceID).At("/endpoint/service_id")
	}
	if _, ok := Regions.Get(tx, e.RegionID); e.RegionID != "" && !ok {
		return e, missing("region", e.RegionID).At("/endpoint/region_id")
	}
	if e.ID == "" {
		e.ID = newID(tx)
	}
	Endpoints.Put(tx, e)
	return e, nil
}

// EndpointDelete deletes an endpoint. Error kind: NotFound.
func EndpointDelete(tx *statestore.Txn, id string) error {
	if !endpointRemove(tx, id) {
		return missing("endpoint", id)
	}
	return nil
}
