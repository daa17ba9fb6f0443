package keystone

import (
	"cmp"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func regionRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/regions", Rule: "identity:region:list", Handle: regionList},
		{Method: "POST", Path: "/regions", Rule: "identity:region:create", Handle: regionCreate},
		{Method: "PUT", Path: "/regions/{id}", Rule: "identity:region:create", Handle: regionCreate},
		{Method: "GET", Path: "/regions/{id}", Rule: "identity:region:get", Handle: regionShow},
		{Method: "PATCH", Path: "/regions/{id}", Rule: "identity:region:update", Handle: regionUpdate},
		{Method: "DELETE", Path: "/regions/{id}", Rule: "identity:region:delete", Handle: deleter(identity.RegionDelete)},
	}
}

type regionWire struct {
	ID          string         `json:"id"`
	Description string         `json:"description"`
	ParentID    any            `json:"parent_region_id"`
	Links       self           `json:"links"`
	Extra       identity.Extra `json:",embed"`
}

var regionColumns = columns[regionWire]{"id": func(r *regionWire) string { return r.ID }, "name": func(r *regionWire) string { return r.ID }}

func renderRegion(rq *front.Request, r identity.Region) regionWire {
	return regionWire{r.ID, r.Description, orNull(r.ParentID), selfLink(rq, "/regions/"+r.ID), r.Extra}
}

type regionBody struct {
	Region struct {
		ID          optional[string] `json:"id"`
		Description optional[string] `json:"description"`
		ParentID    optional[string] `json:"parent_region_id"`
		Enabled     optional[bool]   `json:"enabled"` // clients send it; a region is always enabled
		Extra       identity.Extra   `json:",embed"`
	} `json:"region"`
}

func (b *regionBody) apply(r *identity.Region) error {
	b.Region.Description.to(&r.Description)
	b.Region.ParentID.to(&r.ParentID)
	if !b.Region.Enabled.or(true) {
		return cloud.Errorf(cloud.Invalid, "region", "Invalid input for field 'enabled': a region cannot be disabled.").At("/region/enabled")
	}
	return cmp.Or(keep("region", &r.Extra, b.Region.Extra), immutable("region", "id", b.Region.ID, r.ID))
}

func regionList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []regionWire
	for r := range identity.Regions.All(rq.Read()) {
		if f.text("parent_region_id", r.ParentID) && f.text("name", r.ID) {
			out = append(out, renderRegion(rq, r))
		}
	}
	return paged(rq, "regions", out, regionColumns)
}

func regionShow(rq *front.Request) (*front.Response, error) {
	r, err := identity.RegionGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]regionWire{"region": renderRegion(rq, r)}), err
}

// regionCreate makes a region with the id that path or body names, or a new one.
func regionCreate(rq *front.Request) (*front.Response, error) {
	var b regionBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	r := identity.Region{ID: cmp.Or(rq.PathValue("id"), b.Region.ID.Value)}
	b.Region.ID.Set = b.Region.ID.Value != ""
	if err := b.apply(&r); err != nil {
		return nil, err
	}
	err := made(rq, identity.Regions, &r, &r.ID, func(tx *statestore.Txn, r identity.Region) (identity.Region, error) {
		if _, taken := identity.Regions.Get(tx, r.ID); taken {
			return r, cloud.Errorf(cloud.Conflict, "region", "Conflict occurred attempting to store region - Duplicate ID, %s.", r.ID).At("/region/id")
		}
		return identity.RegionPut(tx, r)
	})
	return front.Created(map[string]regionWire{"region": renderRegion(rq, r)}), err
}

func regionUpdate(rq *front.Request) (*front.Response, error) {
	var b regionBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	r, err := edited(rq, identity.RegionGet, b.apply, identity.RegionPut)
	return front.OK(map[string]regionWire{"region": renderRegion(rq, r)}), err
}
