package neutron

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func quotaRoutes() []front.Route {
	const get = "network:quota:get"
	t := quotaTarget
	return []front.Route{
		{Method: "GET", Path: "/quotas", Rule: "network:quota:list", Handle: quotaList},
		{Method: "GET", Path: "/quotas/tenant", Rule: front.Authenticated, Handle: quotaProject("tenant")},
		{Method: "GET", Path: "/quotas/project", Rule: front.Authenticated, Handle: quotaProject("project")},
		{Method: "GET", Path: "/quotas/{id}", Rule: get, Target: t, Handle: quotaShow},
		{Method: "GET", Path: "/quotas/{id}/default", Rule: get, Target: t, Handle: quotaDefault},
		{Method: "GET", Path: "/quotas/{id}/details", Rule: get, Target: t, Handle: quotaDetails},
		{Method: "GET", Path: "/quotas/{id}/details.json", Rule: get, Target: t, Handle: quotaDetails},
		{Method: "PUT", Path: "/quotas/{id}", Rule: "network:quota:update", Target: t, Handle: quotaUpdate},
		{Method: "DELETE", Path: "/quotas/{id}", Rule: "network:quota:delete", Target: t, Handle: quotaDelete},
	}
}

func quotaTarget(rq *front.Request) (cloud.Target, error) {
	return cloud.Target{ProjectID: rq.PathValue("id")}, nil
}

// quotaList lists the projects that have limits of their own.
func quotaList(rq *front.Request) (*front.Response, error) {
	out := []map[string]any{}
	for q := range network.Quotas.All(rq.Read()) {
		w := map[string]any{"project_id": q.ProjectID, "tenant_id": q.ProjectID}
		for resource, n := range network.QuotaGet(rq.Read(), q.ProjectID) {
			w[resource] = n
		}
		out = append(out, w)
	}
	return front.OK(map[string]any{"quotas": out}), nil
}

// quotaProject tells which project's quota is the caller's.
func quotaProject(word string) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		return front.OK(map[string]any{word: map[string]string{word + "_id": rq.Caller.ProjectID}}), nil
	}
}

func quotaAnswer(limits map[string]int) *front.Response {
	return front.OK(map[string]any{"quota": limits})
}

func quotaShow(rq *front.Request) (*front.Response, error) {
	return quotaAnswer(network.QuotaGet(rq.Read(), rq.PathValue("id"))), nil
}

func quotaDefault(*front.Request) (*front.Response, error) {
	return quotaAnswer(network.QuotaDefaults), nil
}

type quotaDetail struct {
	Limit    int `json:"limit"`
	Used     int `json:"used"`
	Reserved int `json:"reserved"`
}

func quotaDetails(rq *front.Request) (*front.Response, error) {
	id := rq.PathValue("id")
	used := network.QuotaUse(rq.Read(), id)
	out := map[string]quotaDetail{}
	for resource, limit := range network.QuotaGet(rq.Read(), id) {
		out[resource] = quotaDetail{Limit: limit, Used: used[resource]}
	}
	return front.OK(map[string]any{"quota": out}), nil
}

// quotaBody reads {"quota": {"network": 10, …}}. check_limit asks that no limit
// be below what is used; force says that it may, which is the default.
func quotaBody(rq *front.Request) (limits map[string]int, check bool, err error) {
	var b struct {
		Quota map[string]jsontext.Value `json:"quota"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, false, err
	}
	in := &input{at: "/quota", given: b.Quota}
	limits = map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(b.Quota)) {
		_, known := network.QuotaDefaults[name]
		switch {
		case name == "check_limit" || name == "force":
			in.truth(name)
		case !known:
			return nil, false, cloud.Errorf(cloud.Invalid, "quota", "Unrecognized attribute(s) '%s'", name).At("/quota/" + pointer(name))
		case null(b.Quota[name]):
			in.fail(name, "'None' is not an integer")
		default:
			limits[name] = deref(in.number(name))
		}
	}
	return limits, deref(in.truth("check_limit")), in.locate(in.fault(), false)
}

func quotaUpdate(rq *front.Request) (*front.Response, error) {
	limits, check, err := quotaBody(rq)
	if err != nil {
		return nil, err
	}
	id := rq.PathValue("id")
	err = rq.Write(func(tx *statestore.Txn) error {
		used := network.QuotaUse(tx, id)
		for _, name := range slices.Sorted(maps.Keys(limits)) {
			if n := limits[name]; check && n >= 0 && n < used[name] {
				return cloud.Errorf(cloud.Invalid, "quota", "Quota limit too low: %d of %s are in use, the limit would be %d.", used[name], name, n).At("/quota/" + name)
			}
		}
		limits, err = network.QuotaSet(tx, id, limits)
		return (&input{at: "/quota"}).locate(err, false)
	})
	return quotaAnswer(limits), err
}

// quotaDelete resets; as in Neutron it is an error if there is nothing to reset.
func quotaDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return network.QuotaReset(tx, rq.PathValue("id")) })
}
