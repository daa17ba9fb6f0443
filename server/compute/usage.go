package compute

import (
	"github.com/cloudlet/cloudlet/server/scheduler"
	"github.com/cloudlet/cloudlet/statestore"
)

// Usage is what a project's instances take of its quota. It is the sum over
// them, kept up with each claim.
type Usage struct {
	ProjectID string
	Instances int
	Resources scheduler.Resources
}

// Usages is the table of usage, by project.
var Usages = statestore.NewTable(statestore.TableDef[Usage]{
	Name:    "compute_usage",
	Version: 1,
	Key:     func(u *Usage) string { return u.ProjectID },
})

// UsageOf returns what a project's instances take.
func UsageOf(r statestore.Reader, projectID string) Usage {
	u, _ := Usages.Get(r, projectID)
	u.ProjectID = projectID
	return u
}

// claim takes what an instance needs of its host and of its project's quota.
func claim(tx *statestore.Txn, i Instance) { account(tx, i, 1) }

// release gives it back.
func release(tx *statestore.Txn, i Instance) { account(tx, i, -1) }

func account(tx *statestore.Txn, i Instance, n int) {
	c := i.Claim().Times(n)
	u := UsageOf(tx, i.ProjectID)
	u.Instances += n
	u.Resources = u.Resources.Plus(c)
	if u.Instances == 0 {
		Usages.Delete(tx, u.ProjectID)
	} else {
		Usages.Put(tx, u)
	}
	if h, ok := Hosts.Get(tx, i.HostID); ok {
		h.Used, h.Instances = h.Used.Plus(c), h.Instances+n
		Hosts.Put(tx, h)
	}
}

// Quota is what an admin set for a project: limits by name, only those set. The
// row of ProjectID "default" is the class that all projects start from.
type Quota struct {
	ProjectID string
	Limits    map[string]int // -1: no limit
}

// Quotas is the table of quotas, by project.
var Quotas = statestore.NewTable(statestore.TableDef[Quota]{
	Name:    "compute_quota",
	Version: 1,
	Key:     func(q *Quota) string { return q.ProjectID },
})

// DefaultClass is the ProjectID of the quota that all projects start from.
const DefaultClass = "default"

// The names of the limits.
const (
	QuotaInstances    = "instances"
	QuotaCores        = "cores"
	QuotaRAM          = "ram" // MiB
	QuotaKeyPairs     = "key_pairs"
	QuotaMetadata     = "metadata_items"
	QuotaGroups       = "server_groups"
	QuotaGroupMembers = "server_group_members"
)

// QuotaDefaults are the limits where no admin set any (Nova's own).
var QuotaDefaults = map[string]int{
	QuotaInstances: 10, QuotaCores: 20, QuotaRAM: 51200, QuotaKeyPairs: 100,
	QuotaMetadata: 128, QuotaGroups: 10, QuotaGroupMembers: 10,
}

// Limits returns the limits of a project, all of QuotaDefaults' names; of the
// default class for DefaultClass or "".
func Limits(r statestore.Reader, projectID string) map[string]int {
	limits := make(map[string]int, len(QuotaDefaults))
	for name := range QuotaDefaults {
		limits[name] = limitOf(r, projectID, name)
	}
	return limits
}

func limitOf(r statestore.Reader, projectID, name string) int {
	for _, id := range []string{projectID, DefaultClass} {
		if q, ok := Quotas.Get(r, id); ok {
			if n, ok := q.Limits[name]; ok {
				return n
			}
		}
	}
	return QuotaDefaults[name]
}

// maxProjectID bounds what a limit is kept for, in bytes: nobody is asked whether
// there is such a project.
const maxProjectID = 255

// QuotaSet sets some limits of a project (or of DefaultClass). Without force a
// limit under what is used already is refused. Error kind: Invalid.
func QuotaSet(tx *statestore.Txn, projectID string, limits map[string]int, force bool) error {
	if len(projectID) > maxProjectID {
		return invalid("QuotaSet", "quota", "", "The id of a project has at most %d characters.", maxProjectID)
	}
	used := UsageOf(tx, projectID)
	inUse := map[string]int{QuotaInstances: used.Instances, QuotaCores: used.Resources.VCPUs, QuotaRAM: used.Resources.MemoryMiB}
	q, _ := Quotas.Get(tx, projectID)
	next := Quota{ProjectID: projectID, Limits: map[string]int{}}
	for k, v := range q.Limits {
		next.Limits[k] = v
	}
	for name, n := range limits {
		if _, known := QuotaDefaults[name]; !known {
			return invalid("QuotaSet", "quota", "/quota_set/"+name, "Invalid input for field %s: there is no such limit.", name)
		}
		if n < -1 {
			return invalid("QuotaSet", "quota", "/quota_set/"+name, "Invalid input for field/attribute %s. Value: %d. %d is less than the minimum of -1", name, n, n)
		}
		if n >= 0 && n < inUse[name] && !force {
			return invalid("QuotaSet", "quota", "/quota_set/"+name, "Quota limit %d for %s must be greater than or equal to already used and reserved %d.", n, name, inUse[name])
		}
		next.Limits[name] = n
	}
	Quotas.Put(tx, next)
	return nil
}

// QuotaReset forgets what was set for a project: the defaults apply again.
func QuotaReset(tx *statestore.Txn, projectID string) { Quotas.Delete(tx, projectID) }
