package nova

import (
	"cmp"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) limitRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/limits", Rule: "compute:limit:get", Handle: limitsShow},
		{Method: "GET", Path: "/os-quota-sets/{id}", Rule: "compute:quota:get", Target: quotaTarget, Handle: quotaShow},
		{Method: "GET", Path: "/os-quota-sets/{id}/detail", Rule: "compute:quota:get", Target: quotaTarget, Handle: quotaDetail},
		{Method: "GET", Path: "/os-quota-sets/{id}/defaults", Rule: front.Authenticated, Handle: quotaDefaults},
		{Method: "PUT", Path: "/os-quota-sets/{id}", Rule: "compute:quota:update", Target: quotaTarget, Handle: quotaUpdate},
		{Method: "DELETE", Path: "/os-quota-sets/{id}", Rule: "compute:quota:delete", Target: quotaTarget, Handle: quotaDelete},
		{Method: "GET", Path: "/os-quota-class-sets/{id}", Rule: "compute:limit:get", Handle: classShow},
		{Method: "PUT", Path: "/os-quota-class-sets/{id}", Rule: "compute:quota:update", Handle: classUpdate},
	}
}

func quotaTarget(rq *front.Request) (cloud.Target, error) {
	return cloud.Target{ProjectID: rq.PathValue("id")}, nil
}

// Limits that Nova has and this cloud does not count; told as long as the
// microversion knows them.
var (
	networkQuotas = map[string]int{"floating_ips": -1, "fixed_ips": -1, "security_groups": -1, "security_group_rules": -1} // until 2.35
	fileQuotas    = map[string]int{"injected_files": 0, "injected_file_content_bytes": 0, "injected_file_path_bytes": 0}   // until 2.56
)

// limitsFor returns the limits by the names that the microversion has.
func limitsFor(rq *front.Request, projectID string, class bool) map[string]int {
	m := compute.Limits(rq.Read(), projectID)
	if !rq.Version.AtLeast(36) || class && !rq.Version.AtLeast(50) {
		maps.Copy(m, networkQuotas)
	}
	if !rq.Version.AtLeast(57) {
		maps.Copy(m, fileQuotas)
	}
	if class && !rq.Version.AtLeast(50) {
		delete(m, compute.QuotaGroups)
		delete(m, compute.QuotaGroupMembers)
	}
	return m
}

func limitsShow(rq *front.Request) (*front.Response, error) {
	project := rq.Caller.ProjectID
	if id := rq.Query().Get("tenant_id"); id != "" && id != project {
		if err := rq.Require("compute:quota:get", cloud.Target{ProjectID: id}); err != nil {
			return nil, err
		}
		project = id
	}
	l, u := compute.Limits(rq.Read(), project), compute.UsageOf(rq.Read(), project)
	groups := compute.Groups.Count(rq.Read(), "project", project)
	abs := map[string]int{
		"maxServerMeta": l[compute.QuotaMetadata], "maxTotalInstances": l[compute.QuotaInstances], "maxTotalCores": l[compute.QuotaCores],
		"maxTotalRAMSize": l[compute.QuotaRAM], "maxTotalKeypairs": l[compute.QuotaKeyPairs], "maxServerGroups": l[compute.QuotaGroups],
		"maxServerGroupMembers": l[compute.QuotaGroupMembers], "totalInstancesUsed": u.Instances, "totalCoresUsed": u.Resources.VCPUs,
		"totalRAMUsed": u.Resources.MemoryMiB, "totalServerGroupsUsed": groups,
	}
	if !rq.Version.AtLeast(57) {
		maps.Copy(abs, map[string]int{"maxPersonality": 0, "maxPersonalitySize": 0})
	}
	if !rq.Version.AtLeast(39) {
		abs["maxImageMeta"] = l[compute.QuotaMetadata]
	}
	if !rq.Version.AtLeast(36) {
		maps.Copy(abs, map[string]int{"maxTotalFloatingIps": -1, "maxSecurityGroups": -1, "maxSecurityGroupRules": -1, "totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0})
	}
	return front.OK(map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": abs}}), nil
}

func withID[V any](id string, m map[string]V) map[string]any {
	out := make(map[string]any, len(m)+1)
	for k, x := range m {
		out[k] = x
	}
	if id != "" {
		out["id"] = id
	}
	return out
}

func quotaShow(rq *front.Request) (*front.Response, error) {
	id := rq.PathValue("id")
	return front.OK(map[string]any{"quota_set": withID(id, limitsFor(rq, id, false))}), nil
}

func quotaDefaults(rq *front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"quota_set": withID(rq.PathValue("id"), limitsFor(rq, compute.DefaultClass, false))}), nil
}

type quotaDetailWire struct {
	Limit    int `json:"limit"`
	InUse    int `json:"in_use"`
	Reserved int `json:"reserved"`
}

func quotaDetail(rq *front.Request) (*front.Response, error) {
	id := rq.PathValue("id")
	u := compute.UsageOf(rq.Read(), id)
	used := map[string]int{compute.QuotaInstances: u.Instances, compute.QuotaCores: u.Resources.VCPUs, compute.QuotaRAM: u.Resources.MemoryMiB,
		compute.QuotaGroups: compute.Groups.Count(rq.Read(), "project", id)}
	out := map[string]quotaDetailWire{}
	for name, limit := range limitsFor(rq, id, false) {
		out[name] = quotaDetailWire{Limit: limit, InUse: used[name]}
	}
	return front.OK(map[string]any{"quota_set": withID(id, out)}), nil
}

// decodeQuota reads {member: {name: limit}}. Limits that this cloud does not
// count are taken and have no effect, as in Nova.
func decodeQuota(rq *front.Request, member string) (limits map[string]int, force bool, err error) {
	var b map[string]map[string]jsontext.Value
	if err := rq.Decode(&b); err != nil {
		return nil, false, err
	}
	if len(b) != 1 || b[member] == nil {
		return nil, false, cloud.Errorf(cloud.Invalid, "quota", "Invalid input for field %s: it is a required property.", member)
	}
	limits = map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(b[member])) {
		raw := b[member][name]
		at := "/" + member + "/" + name
		if name == "force" {
			var f boolean
			if json.Unmarshal(raw, &f) != nil {
				return nil, false, cloud.Errorf(cloud.Invalid, "quota", "Invalid input for field force: %s is not a boolean.", raw).At(at)
			}
			force = bool(f)
			continue
		}
		if name == "tenant_id" || name == "id" {
			continue
		}
		var n integer
		if json.Unmarshal(raw, &n) != nil {
			return nil, false, cloud.Errorf(cloud.Invalid, "quota", "Invalid input for field/attribute %s. Value: %s. It is not of type 'integer'.", name, raw).At(at)
		}
		_, gone := fileQuotas[name]
		_, moved := networkQuotas[name]
		if !gone && !moved {
			limits[name] = int(n)
		}
	}
	return limits, force, nil
}

func quotaUpdate(rq *front.Request) (*front.Response, error) {
	limits, force, err := decodeQuota(rq, "quota_set")
	if err != nil {
		return nil, err
	}
	id := rq.PathValue("id")
	if err := rq.Write(func(tx *statestore.Txn) error { return compute.QuotaSet(tx, id, limits, force) }); err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"quota_set": withID("", limitsFor(rq, id, false))}), nil
}

func quotaDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error { compute.QuotaReset(tx, rq.PathValue("id")); return nil })
	return front.Accepted(nil), err
}

func classShow(rq *front.Request) (*front.Response, error) {
	id := rq.PathValue("id")
	return front.OK(map[string]any{"quota_class_set": withID(id, limitsFor(rq, compute.DefaultClass, true))}), nil
}

func classUpdate(rq *front.Request) (*front.Response, error) {
	if id := rq.PathValue("id"); cmp.Or(id, compute.DefaultClass) != compute.DefaultClass {
		return nil, cloud.Errorf(cloud.Invalid, "quota", "There is one quota class, %s; %s has no effect.", compute.DefaultClass, id)
	}
	limits, _, err := decodeQuota(rq, "quota_class_set")
	if err != nil {
		return nil, err
	}
	if err := rq.Write(func(tx *statestore.Txn) error { return compute.QuotaSet(tx, compute.DefaultClass, limits, true) }); err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"quota_class_set": withID("", limitsFor(rq, compute.DefaultClass, true))}), nil
}
