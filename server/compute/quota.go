package compute

import (
	"fmt"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// quotaUse is one limit and what is about to be taken of it.
type quotaUse struct {
	name  string // of the limit
	what  string // for users
	used  int
	take  int
	limit int // -1: none
}

func (q quotaUse) exceeded() bool { return q.limit >= 0 && q.used+q.take > q.limit }

func (q quotaUse) refusal() *cloud.Error {
	return &cloud.Error{Kind: cloud.Quota, Op: "QuotaCheck", Resource: "quota", ID: q.name,
		Msg: fmt.Sprintf("Quota exceeded for %s: Requested %d, but already used %d of %d %s", q.name, q.take, q.used, q.limit, q.name)}
}

// overQuota returns a Quota error if the use exceeds its limit. In a plan
// session what was there before it may yet go: only what the session itself
// took (session counts it) refuses, the rest is a warning.
func overQuota(tx *statestore.Txn, q quotaUse, session func() int) error {
	if !q.exceeded() {
		return nil
	}
	if tx.Base() == nil {
		return q.refusal()
	}
	own := q
	own.used = session()
	if own.exceeded() {
		return own.refusal()
	}
	tx.Warn(fmt.Sprintf("This plan takes %d %s more, and %d of %d are in use: it only succeeds if %d are freed first.",
		q.take+own.used, q.what, q.used-own.used, q.limit, q.used+q.take-q.limit))
	return nil
}

// checkQuota refuses what would bring the project over its limits: n more
// instances of the flavor. Error kind: Quota.
func checkQuota(tx *statestore.Txn, projectID string, f FlavorCopy, n int) error {
	u := UsageOf(tx, projectID)
	var session *Usage // counted at most once
	own := func() Usage {
		if session == nil {
			session = &Usage{}
			for _, i := range sessionInstances(tx) {
				if i.ProjectID == projectID {
					session.Instances++
					session.Resources = session.Resources.Plus(i.Claim())
				}
			}
		}
		return *session
	}
	for _, q := range []struct {
		quotaUse
		own func() int
	}{
		{quotaUse{QuotaInstances, "instances", u.Instances, n, limitOf(tx, projectID, QuotaInstances)}, func() int { return own().Instances }},
		{quotaUse{QuotaCores, "cores", u.Resources.VCPUs, n * f.VCPUs, limitOf(tx, projectID, QuotaCores)}, func() int { return own().Resources.VCPUs }},
		{quotaUse{QuotaRAM, "MiB of memory", u.Resources.MemoryMiB, n * f.MemoryMiB, limitOf(tx, projectID, QuotaRAM)}, func() int { return own().Resources.MemoryMiB }},
	} {
		if err := overQuota(tx, q.quotaUse, q.own); err != nil {
			return err
		}
	}
	return nil
}

// withinQuota returns how many more instances of the flavor the quota allows, at
// most n.
func withinQuota(r statestore.Reader, projectID string, f FlavorCopy, n int) int {
	u := UsageOf(r, projectID)
	fit := func(name string, used, each int) {
		if limit := limitOf(r, projectID, name); limit >= 0 && each > 0 {
			n = min(n, max(0, limit-used)/each)
		}
	}
	fit(QuotaInstances, u.Instances, 1)
	fit(QuotaCores, u.Resources.VCPUs, f.VCPUs)
	fit(QuotaRAM, u.Resources.MemoryMiB, f.MemoryMiB)
	return n
}

// sessionInstances returns the instances that a plan session made, and those that
// it has changed, if only by saying so: they stay. It walks all instances: for
// refusals and warnings only.
func sessionInstances(tx *statestore.Txn) []Instance {
	var own []Instance
	for i := range Instances.All(tx) {
		if was, there := Instances.Get(tx.Base(), i.ID); !there || !was.UpdatedAt.Equal(i.UpdatedAt) {
			own = append(own, i)
		}
	}
	return own
}

// checkStays makes sure, in a plan session, that an instance which the plan
// leaves where it is has room beside what the plan makes. Error kinds: Quota,
// NoCapacity.
func checkStays(tx *statestore.Txn, op string, i Instance) error {
	if tx.Base() == nil {
		return nil
	}
	const at = "/server/flavorRef"
	release(tx, i)
	err := checkQuota(tx, i.ProjectID, i.Flavor, 1)
	claim(tx, i)
	if err != nil {
		return cloud.AsError(err).At(at)
	}
	waits := slices.ContainsFunc(sessionInstances(tx), func(o Instance) bool { return o.HostID == "" })
	if waits && !possible(tx, i, requestOf(tx, i, "")) {
		return &cloud.Error{Kind: cloud.NoCapacity, Op: op, Resource: "instance", ID: i.ID, Field: at,
			Msg: fmt.Sprintf("Instance %s stays, and there is no room beside it for all the instances that the plan makes.", i.Name)}
	}
	return nil
}
