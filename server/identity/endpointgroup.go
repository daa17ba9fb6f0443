package identity

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// EndpointGroup is the set of endpoints that have all of some properties.
type EndpointGroup struct {
	ID, Name, Description string
	Filters               map[string]string // by property: service_id, region_id, interface
}

// EndpointFilter puts an endpoint, or those of a group, into a project's catalog. A
// project without any has all endpoints.
type EndpointFilter struct{ ProjectID, EndpointID, GroupID string }

func (f EndpointFilter) key() string { return statestore.Key(f.ProjectID, f.EndpointID, f.GroupID) }

// The tables of Keystone's extension OS-EP-FILTER.
var (
	EndpointGroups  = statestore.NewTable(statestore.TableDef[EndpointGroup]{Name: "endpoint_group", Version: 1, Key: func(g *EndpointGroup) string { return g.ID }})
	EndpointFilters = statestore.NewTable(statestore.TableDef[EndpointFilter]{Name: "endpoint_filter", Version: 1, Key: func(f *EndpointFilter) string { return f.key() },
		Indexes: []statestore.Index[EndpointFilter]{
			{Name: "project", Keys: func(f *EndpointFilter) []string { return []string{f.ProjectID} }},
			{Name: "endpoint", Keys: func(f *EndpointFilter) []string { return nonEmpty(f.EndpointID) }},
			{Name: "group", Keys: func(f *EndpointFilter) []string { return nonEmpty(f.GroupID) }},
		}})
)

// EndpointGroupGet returns an endpoint group by id. Error kind: NotFound.
func EndpointGroupGet(r statestore.Reader, id string) (EndpointGroup, error) {
	return get(EndpointGroups, r, "endpoint group", id)
}

// EndpointGroupPut stores a new or changed endpoint group. Error kind: Invalid.
func EndpointGroupPut(tx *statestore.Txn, g EndpointGroup) (EndpointGroup, error) {
	if err := checkName("endpoint_group", g.Name, "/endpoint_group/name"); err != nil {
		return g, err
	}
	for name := range g.Filters {
		if !slices.Contains([]string{"service_id", "region_id", "interface"}, name) {
			return g, cloud.Errorf(cloud.Invalid, "endpoint_group", "Invalid input for field 'filters': there is no filter by %s.", name).At("/endpoint_group/filters/" + name)
		}
	}
	if is, ok := g.Filters["interface"]; ok && !slices.Contains(Interfaces, is) {
		return g, cloud.Errorf(cloud.Invalid, "endpoint_group", "Invalid input for field 'filters/interface': there is no interface %q.", is).At("/endpoint_group/filters/interface")
	}
	if g.ID == "" {
		g.ID = newID(tx)
	}
	EndpointGroups.Put(tx, g)
	return g, nil
}

// EndpointGroupDelete deletes an endpoint group, also from projects. Error kind: NotFound.
func EndpointGroupDelete(tx *statestore.Txn, id string) error {
	if !EndpointGroups.Delete(tx, id) {
		return missing("endpoint group", id)
	}
	dropEndpointFilters(tx, "group", id)
	return nil
}

// Has reports whether an endpoint is in the group.
func (g EndpointGroup) Has(e Endpoint) bool {
	is := map[string]string{"service_id": e.ServiceID, "region_id": e.RegionID, "interface": e.Interface}
	for name, want := range g.Filters {
		if is[name] != want {
			return false
		}
	}
	return true
}

func dropEndpointFilters(tx *statestore.Txn, index, value string) {
	for _, f := range slices.Collect(EndpointFilters.By(tx, index, value)) {
		EndpointFilters.Delete(tx, f.key())
	}
}

// EndpointFilterPut adds to a project's catalog. Error kind: NotFound.
func EndpointFilterPut(tx *statestore.Txn, f EndpointFilter) error {
	if _, err := ProjectGet(tx, f.ProjectID); err != nil {
		return err
	}
	if _, ok := Endpoints.Get(tx, f.EndpointID); f.EndpointID != "" && !ok {
		return missing("endpoint", f.EndpointID)
	}
	if _, ok := EndpointGroups.Get(tx, f.GroupID); f.GroupID != "" && !ok {
		return missing("endpoint group", f.GroupID)
	}
	EndpointFilters.Put(tx, f)
	return nil
}

// EndpointFilterGet tells whether it was added. Error kind: NotFound.
func EndpointFilterGet(r statestore.Reader, f EndpointFilter) error {
	if _, ok := EndpointFilters.Get(r, f.key()); !ok {
		return cloud.Errorf(cloud.NotFound, "endpoint filter", "Endpoint %s%s is not associated with project %s.", f.EndpointID, f.GroupID, f.ProjectID)
	}
	return nil
}

// EndpointFilterDelete takes it out again. Error kind: NotFound.
func EndpointFilterDelete(tx *statestore.Txn, f EndpointFilter) error {
	if err := EndpointFilterGet(tx, f); err != nil {
		return err
	}
	EndpointFilters.Delete(tx, f.key())
	return nil
}

// EndpointsOf returns a test of which endpoints were added to a project's catalog,
// and whether any was.
func EndpointsOf(r statestore.Reader, projectID string) (has func(Endpoint) bool, any bool) {
	ids := map[string]bool{}
	var groups []EndpointGroup
	for f := range EndpointFilters.By(r, "project", projectID) {
		any = true
		ids[f.EndpointID] = true
		if g, ok := EndpointGroups.Get(r, f.GroupID); ok {
			groups = append(groups, g)
		}
	}
	return func(e Endpoint) bool {
		return ids[e.ID] || slices.ContainsFunc(groups, func(g EndpointGroup) bool { return g.Has(e) })
	}, any
}
