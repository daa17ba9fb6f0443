package network

import (
	"fmt"
	"maps"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// The resources that a project's quota limits, by Neutron's names.
const (
	QuotaNetworks = "network"
	QuotaSubnets  = "subnet"
	QuotaPorts    = "port"
	QuotaGroups   = "security_group"
	QuotaRules    = "security_group_rule"
)

// QuotaDefaults are the limits of a project that an admin has not given others
// (Neutron's defaults). -1 is no limit.
var QuotaDefaults = map[string]int{QuotaNetworks: 100, QuotaSubnets: 100, QuotaPorts: 500, QuotaGroups: 10, QuotaRules: 100}

// Quota holds the limits that differ from the defaults for one project.
type Quota struct {
	ProjectID string
	Limits    map[string]int // by resource; -1 is no limit
}

// Quotas is the table of quotas.
var Quotas = statestore.NewTable(statestore.TableDef[Quota]{Name: "network_quota", Version: 1, Key: func(q *Quota) string { return q.ProjectID }})

// QuotaGet returns all limits of a project.
func QuotaGet(r statestore.Reader, projectID string) map[string]int {
	limits := maps.Clone(QuotaDefaults)
	q, _ := Quotas.Get(r, projectID)
	maps.Copy(limits, q.Limits)
	return limits
}

// maxProjectID bounds what a limit is kept for, in bytes: nobody is asked whether
// there is such a project.
const maxProjectID = 255

// QuotaSet changes the limits named in limits; those below what is in use only
// stop further growth. Error kinds: Invalid.
func QuotaSet(tx *statestore.Txn, projectID string, limits map[string]int) (map[string]int, error) {
	if len(projectID) > maxProjectID {
		return nil, invalid("QuotaSet", "quota", "", "The id of a project has at most %d characters.", maxProjectID)
	}
	q, _ := Quotas.Get(tx, projectID)
	q.ProjectID, q.Limits = projectID, maps.Clone(q.Limits)
	if q.Limits == nil {
		q.Limits = map[string]int{}
	}
	for resource, n := range limits {
		if _, ok := QuotaDefaults[resource]; !ok {
			return nil, invalid("QuotaSet", "quota", "/"+resource, "There is no quota for %s.", resource)
		}
		if n < -1 || n > 1<<31-1 {
			return nil, invalid("QuotaSet", "quota", "/"+resource, "Invalid input for %s. Reason: %d is not a limit: a number from 0, or -1 for none.", resource, n)
		}
		q.Limits[resource] = n
	}
	Quotas.Put(tx, q)
	return QuotaGet(tx, projectID), nil
}

// QuotaReset gives a project the defaults again. NotFound if it has them.
func QuotaReset(tx *statestore.Txn, projectID string) error {
	if !Quotas.Delete(tx, projectID) {
		return missing("QuotaReset", "quota", projectID, "Quota for tenant %s could not be found.")
	}
	return nil
}

// QuotaUse returns how much of each limited resource a project has.
func QuotaUse(r statestore.Reader, projectID string) map[string]int {
	return map[string]int{
		QuotaNetworks: Networks.Count(r, "project", projectID),
		QuotaSubnets:  Subnets.Count(r, "project", projectID),
		QuotaPorts:    Ports.Count(r, "project", projectID),
		QuotaGroups:   SecurityGroups.Count(r, "project", projectID),
		QuotaRules:    SecurityRules.Count(r, "project", projectID),
	}
}

// quotaTake refuses one more row of the table for the project if that is beyond
// its limit. It counts no further than the limit. In a plan session it refuses
// only what the rows of the session alone exceed (I9).
func quotaTake[T any](tx *statestore.Txn, op, resource, projectID string, t *statestore.Table[T], key func(T) string) error {
	limit := QuotaGet(tx, projectID)[resource]
	if limit < 0 || !reaches(tx, t, projectID, limit) {
		return nil
	}
	e := &cloud.Error{Kind: cloud.Quota, Op: op, Resource: resource,
		Msg: fmt.Sprintf("Quota exceeded for resources: ['%s']. The project may have %d and has as many.", resource, limit)}
	base := tx.Base()
	if base == nil {
		return e
	}
	before, fresh := 0, 0
	for row := range t.By(tx, "project", projectID) {
		if _, old := t.Get(base, key(row)); old {
			before++
		} else {
			fresh++
		}
	}
	if fresh >= limit {
		e.Msg = fmt.Sprintf("Quota exceeded for resources: ['%s']. The project may have %d; this plan alone makes more.", resource, limit)
		return e
	}
	tx.Warn(fmt.Sprintf("Quota exceeded for resources: ['%s']. The project may have %d; it keeps %d and this plan makes %d or more. This works only if other changes of the same plan remove some first.",
		resource, limit, before, fresh+1))
	return nil
}

// reaches reports whether the project has at least n rows.
func reaches[T any](r statestore.Reader, t *statestore.Table[T], projectID string, n int) bool {
	if n <= 0 {
		return true
	}
	for range t.By(r, "project", projectID) {
		if n--; n == 0 {
			return true
		}
	}
	return false
}
