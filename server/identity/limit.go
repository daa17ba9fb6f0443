package identity

import (
	"cmp"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Countable is what a limit is about: a resource of a service, in one region or in
// all.
type Countable struct{ ServiceID, RegionID, Resource string }

func (c Countable) key() string { return statestore.Key(c.ServiceID, c.RegionID, c.Resource) }

// RegisteredLimit is how much each project may have of something, unless a limit of its own
// says otherwise. -1 is any amount.
type RegisteredLimit struct {
	ID string
	Countable
	Default     int
	Description string
}

// Limit is how much one project, or one domain, may have of it.
type Limit struct {
	ID                  string
	ProjectID, DomainID string // one of them
	RegisteredID        string
	Countable           // as of the registered limit
	Max                 int
	Description         string
}

func (l Limit) key() string { return statestore.Key(l.ProjectID, l.DomainID, l.Countable.key()) }

// maxLimit is the largest limit, as in Keystone.
const maxLimit = 1<<31 - 1

// LimitModel says how the limits of a project and of what is above it hang together.
type LimitModel string

// The models, by Keystone's names.
const (
	FlatLimits   LimitModel = "flat"             // not at all
	StrictLimits LimitModel = "strict_two_level" // a project's is at most its domain's
)

// LimitModels has what there is to know of each.
var LimitModels = map[LimitModel]string{
	FlatLimits:   "Limit enforcement and validation does not take project hierarchy into consideration.",
	StrictLimits: "This model requires project hierarchy never exceeds a depth of two: a domain and its projects. No project's limit exceeds that of its domain.",
}

// The tables of limits.
var (
	RegisteredLimits = statestore.NewTable(statestore.TableDef[RegisteredLimit]{Name: "registered_limit", Version: 1, Key: func(l *RegisteredLimit) string { return l.ID },
		Indexes: []statestore.Index[RegisteredLimit]{
			{Name: "countable", Unique: true, Keys: func(l *RegisteredLimit) []string { return []string{l.key()} }},
			{Name: "service", Keys: func(l *RegisteredLimit) []string { return []string{l.ServiceID} }},
			{Name: "region", Keys: func(l *RegisteredLimit) []string { return nonEmpty(l.RegionID) }},
		}})
	Limits = statestore.NewTable(statestore.TableDef[Limit]{Name: "limit", Version: 1, Key: func(l *Limit) string { return l.ID },
		Indexes: []statestore.Index[Limit]{
			{Name: "of", Unique: true, Keys: func(l *Limit) []string { return []string{l.key()} }},
			{Name: "owner", Keys: func(l *Limit) []string { return []string{cmp.Or(l.ProjectID, l.DomainID)} }},
			{Name: "registered", Keys: func(l *Limit) []string { return []string{l.RegisteredID} }},
		}})
)

// RegisteredLimitGet returns a registered limit by id. Error kind: NotFound.
func RegisteredLimitGet(r statestore.Reader, id string) (RegisteredLimit, error) {
	return get(RegisteredLimits, r, "registered limit", id)
}

// RegisteredLimitPut stores a new or changed registered limit. Error kinds: Invalid,
// Conflict, Forbidden for another resource of one that limits rest on.
func RegisteredLimitPut(tx *statestore.Txn, l RegisteredLimit) (RegisteredLimit, error) {
	const kind = "registered_limit"
	if err := checkName(kind, l.Resource, "/"+kind+"/resource_name"); err != nil {
		return l, err
	}
	if l.Default < -1 || l.Default > maxLimit {
		return l, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'default_limit': %d is not between -1 and %d.", l.Default, maxLimit).At("/" + kind + "/default_limit")
	}
	if _, ok := Services.Get(tx, l.ServiceID); !ok {
		return l, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'service_id': there is no service %s.", l.ServiceID).At("/" + kind + "/service_id")
	}
	if _, ok := Regions.Get(tx, l.RegionID); l.RegionID != "" && !ok {
		return l, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'region_id': there is no region %s.", l.RegionID).At("/" + kind + "/region_id")
	}
	if same, ok := RegisteredLimits.First(tx, "countable", l.key()); ok && same.ID != l.ID {
		return l, taken("registered limit", l.Resource).At("/registered_limit/resource_name")
	}
	if old, ok := RegisteredLimits.Get(tx, l.ID); ok && old.Countable != l.Countable {
		if _, used := Limits.First(tx, "registered", l.ID); used {
			return l, limitsRest(l.ID, "update")
		}
	}
	if l.ID == "" {
		l.ID = newID(tx)
	}
	RegisteredLimits.Put(tx, l)
	return l, nil
}

func limitsRest(id, verb string) error {
	return cloud.Errorf(cloud.Forbidden, "registered limit", "Unable to %s registered limit %s because there are project limits associated with it.", verb, id)
}

// RegisteredLimitDelete deletes a registered limit. Error kinds: NotFound, Forbidden
// for one that limits rest on.
func RegisteredLimitDelete(tx *statestore.Txn, id string) error {
	if _, err := RegisteredLimitGet(tx, id); err != nil {
		return err
	}
	if _, used := Limits.First(tx, "registered", id); used {
		return limitsRest(id, "delete")
	}
	RegisteredLimits.Delete(tx, id)
	return nil
}

// dropRegistered deletes those that index finds under a value, with the limits that rest on them.
func dropRegistered(tx *statestore.Txn, index, value string) {
	for _, l := range slices.Collect(RegisteredLimits.By(tx, index, value)) {
		dropLimits(tx, "registered", l.ID)
		RegisteredLimits.Delete(tx, l.ID)
	}
}

func dropLimits(tx *statestore.Txn, index, value string) {
	for _, l := range slices.Collect(Limits.By(tx, index, value)) {
		Limits.Delete(tx, l.ID)
	}
}

// LimitGet returns a limit by id. Error kind: NotFound.
func LimitGet(r statestore.Reader, id string) (Limit, error) { return get(Limits, r, "limit", id) }

// LimitPut stores a new or changed limit; LimitCheck is to be asked before the transaction
// ends. Error kinds: Invalid, Conflict, Forbidden without a registered limit of the same.
func LimitPut(tx *statestore.Txn, l Limit) (Limit, error) {
	wrong := func(field, format string, args ...any) error {
		return cloud.Errorf(cloud.Invalid, "limit", "Invalid input for field '"+field+"': "+format, args...).At("/limit/" + field)
	}
	if l.Max < -1 || l.Max > maxLimit {
		return l, wrong("resource_limit", "%d is not between -1 and %d.", l.Max, maxLimit)
	}
	if (l.ProjectID == "") == (l.DomainID == "") {
		return l, wrong("project_id", "a limit is of one project or of one domain.")
	}
	if _, ok := Projects.Get(tx, l.ProjectID); l.ProjectID != "" && !ok {
		return l, wrong("project_id", "there is no project %s.", l.ProjectID)
	}
	if _, ok := Domains.Get(tx, l.DomainID); l.DomainID != "" && !ok {
		return l, wrong("domain_id", "there is no domain %s.", l.DomainID)
	}
	registered, ok := RegisteredLimits.First(tx, "countable", l.Countable.key())
	if !ok {
		return l, cloud.Errorf(cloud.Forbidden, "limit", "Unable to create a limit that has no corresponding registered limit.").At("/limit/resource_name")
	}
	l.RegisteredID = registered.ID
	if same, ok := Limits.First(tx, "of", l.key()); ok && same.ID != l.ID {
		return l, taken("limit", l.Resource).At("/limit/resource_name")
	}
	if l.ID == "" {
		l.ID = newID(tx)
	}
	Limits.Put(tx, l)
	return l, nil
}

// LimitCheck refuses what the model does not allow: of the strict one, a project's limit above
// its domain's, and a domain's below one of its projects'. As in Keystone, the sum of the
// projects' limits may be above their domain's. Error kind: Forbidden.
func (a Authority) LimitCheck(r statestore.Reader, l Limit) error {
	if a.LimitModel != StrictLimits {
		return nil
	}
	refuse := func(why string) error {
		return cloud.Errorf(cloud.Forbidden, "limit", "The limit of %s does not fit the model strict_two_level: %s.", l.Resource, why).At("/limit/resource_limit")
	}
	if l.ProjectID == "" {
		for p := range Projects.By(r, "domain", l.DomainID) {
			own, ok := Limits.First(r, "of", Limit{ProjectID: p.ID, Countable: l.Countable}.key())
			if ok && exceeds(own.Max, l.Max) {
				return refuse("project " + p.ID + " has more")
			}
		}
		return nil
	}
	p, _ := Projects.Get(r, l.ProjectID)
	if p.ParentID != p.DomainID {
		return refuse("the project is below another one")
	}
	registered, _ := RegisteredLimits.Get(r, l.RegisteredID)
	most := registered.Default
	if of, ok := Limits.First(r, "of", Limit{DomainID: p.DomainID, Countable: l.Countable}.key()); ok {
		most = of.Max
	}
	if exceeds(l.Max, most) {
		return refuse("its domain has less")
	}
	return nil
}

// LimitDelete deletes a limit. Error kind: NotFound.
func LimitDelete(tx *statestore.Txn, id string) error {
	if !Limits.Delete(tx, id) {
		return missing("limit", id)
	}
	return nil
}

// LimitFor returns the most that a project may have of a resource of the services of a
// type in a region: by its own limit, or else by what is registered. What is said of
// the region goes before what is said of all. In the model strict_two_level a project
// without a limit has its domain's, if that is less. Not ok: nothing is registered.
func (a Authority) LimitFor(r statestore.Reader, serviceType, region, resource, projectID string) (most int, ok bool) {
	for s := range Services.By(r, "type", serviceType) {
		for _, of := range []Countable{{s.ID, region, resource}, {s.ID, "", resource}} {
			if registered, ok := RegisteredLimits.First(r, "countable", of.key()); ok {
				return a.limitOf(r, registered, projectID), true
			}
		}
	}
	return 0, false
}

func (a Authority) limitOf(r statestore.Reader, registered RegisteredLimit, projectID string) int {
	if own, ok := Limits.First(r, "of", Limit{ProjectID: projectID, Countable: registered.Countable}.key()); ok {
		return own.Max
	}
	most := registered.Default
	if p, ok := Projects.Get(r, projectID); ok && a.LimitModel == StrictLimits {
		if of, ok := Limits.First(r, "of", Limit{DomainID: p.DomainID, Countable: registered.Countable}.key()); ok && exceeds(most, of.Max) {
			most = of.Max
		}
	}
	return most
}

// exceeds reports whether a limit is more than another; -1 is any amount.
func exceeds(low, high int) bool { return high != -1 && (low == -1 || low > high) }
