package nova

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) flavorRoutes() []front.Route {
	t := flavorTarget
	return []front.Route{
		{Method: "GET", Path: "/flavors", Rule: "compute:flavor:list", Handle: flavorList(false)},
		{Method: "GET", Path: "/flavors/detail", Rule: "compute:flavor:list", Handle: flavorList(true)},
		{Method: "POST", Path: "/flavors", Rule: "compute:flavor:create", Handle: flavorCreate},
		{Method: "GET", Path: "/flavors/{id}", Rule: "compute:flavor:get", Target: t, Handle: flavorShow},
		{Method: "PUT", Path: "/flavors/{id}", Rule: "compute:flavor:update", Target: t, Min: v(55), Handle: flavorUpdate},
		{Method: "DELETE", Path: "/flavors/{id}", Rule: "compute:flavor:delete", Target: t, Handle: flavorDelete},
		{Method: "GET", Path: "/flavors/{id}/os-extra_specs", Rule: "compute:flavor_spec:list", Target: t, Handle: specList},
		{Method: "POST", Path: "/flavors/{id}/os-extra_specs", Rule: "compute:flavor_spec:set", Target: t, Handle: specCreate},
		{Method: "GET", Path: "/flavors/{id}/os-extra_specs/{key}", Rule: "compute:flavor_spec:get", Target: t, Handle: specShow},
		{Method: "PUT", Path: "/flavors/{id}/os-extra_specs/{key}", Rule: "compute:flavor_spec:set", Target: t, Handle: specUpdate},
		{Method: "DELETE", Path: "/flavors/{id}/os-extra_specs/{key}", Rule: "compute:flavor_spec:unset", Target: t, Handle: specDelete},
		{Method: "GET", Path: "/flavors/{id}/os-flavor-access", Rule: "compute:flavor_access:list", Target: t, Handle: accessList},
		{Method: "POST", Path: "/flavors/{id}/action", Action: "addTenantAccess", Rule: "compute:flavor_access:add", Target: t, Handle: accessChange(true)},
		{Method: "POST", Path: "/flavors/{id}/action", Action: "removeTenantAccess", Rule: "compute:flavor_access:remove", Target: t, Handle: accessChange(false)},
	}
}

// flavorTarget makes a flavor public to all who may use it.
func flavorTarget(rq *front.Request) (cloud.Target, error) {
	_, err := compute.FlavorGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	return cloud.Target{Public: true}, err
}

type flavorWire struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Links       []link `json:"links"`
	Description any    `json:"description,omitzero"` // 2.55
	RAM         any    `json:"ram,omitzero"`
	Disk        any    `json:"disk,omitzero"`
	VCPUs       any    `json:"vcpus,omitzero"`
	Ephemeral   any    `json:"OS-FLV-EXT-DATA:ephemeral,omitzero"`
	Swap        any    `json:"swap,omitzero"`
	RxTx        any    `json:"rxtx_factor,omitzero"`
	Disabled    any    `json:"OS-FLV-DISABLED:disabled,omitzero"`
	Public      any    `json:"os-flavor-access:is_public,omitzero"`
	ExtraSpecs  any    `json:"extra_specs,omitzero"` // 2.61
}

func renderFlavor(rq *front.Request, f compute.Flavor, detail bool) flavorWire {
	w := flavorWire{ID: f.ID, Name: f.Name, Links: selfLinks(rq, "/flavors/"+f.ID)}
	if rq.Version.AtLeast(55) {
		w.Description = orNull(f.Description)
	}
	if !detail {
		return w
	}
	w.RAM, w.Disk, w.VCPUs, w.Ephemeral, w.RxTx = f.MemoryMiB, f.DiskGiB, f.VCPUs, f.Ephemeral, f.RxTxFactor
	w.Disabled, w.Public = f.Disabled, f.Public
	w.Swap = any(f.SwapMiB)
	if f.SwapMiB == 0 && !rq.Version.AtLeast(75) {
		w.Swap = ""
	}
	if rq.Version.AtLeast(61) && rq.Can("compute:flavor_spec:list", cloud.Target{Public: true}) {
		w.ExtraSpecs = specsOf(f)
	}
	return w
}

func specsOf(f compute.Flavor) map[string]string {
	if f.ExtraSpecs == nil {
		return map[string]string{}
	}
	return f.ExtraSpecs
}

var flavorPaging = front.Paging[compute.Flavor]{
	ID: func(f *compute.Flavor) string { return f.ID },
	Sorts: map[string]func(a, b *compute.Flavor) int{
		"flavorid":   func(a, b *compute.Flavor) int { return strings.Compare(a.ID, b.ID) },
		"id":         func(a, b *compute.Flavor) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"name":       func(a, b *compute.Flavor) int { return strings.Compare(a.Name, b.Name) },
		"memory_mb":  func(a, b *compute.Flavor) int { return a.MemoryMiB - b.MemoryMiB },
		"vcpus":      func(a, b *compute.Flavor) int { return a.VCPUs - b.VCPUs },
		"root_gb":    func(a, b *compute.Flavor) int { return a.DiskGiB - b.DiskGiB },
		"created_at": func(a, b *compute.Flavor) int { return a.CreatedAt.Compare(b.CreatedAt) },
	},
	Default: "flavorid", DefaultDir: "asc",
}

func flavorList(detail bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		q := rq.Query()
		minRAM, err1 := strconv.Atoi(cmp.Or(q.Get("minRam"), "0"))
		minDisk, err2 := strconv.Atoi(cmp.Or(q.Get("minDisk"), "0"))
		if err1 != nil || err2 != nil {
			return nil, cloud.Errorf(cloud.Invalid, "flavor", "Invalid minRam or minDisk filter: a number is required.")
		}
		var fs []compute.Flavor
		for f := range compute.Flavors.All(rq.Read()) {
			if f.Disabled || f.MemoryMiB < minRAM || f.DiskGiB < minDisk || !flavorAsked(rq, f) {
				continue
			}
			fs = append(fs, f)
		}
		fs, more, err := front.Page(q, fs, flavorPaging)
		if err != nil {
			return nil, err
		}
		out := make([]flavorWire, len(fs))
		for n, f := range fs {
			out[n] = renderFlavor(rq, f, detail)
		}
		body := map[string]any{"flavors": out}
		if more {
			path := "/flavors"
			if detail {
				path += "/detail"
			}
			body["flavors_links"] = nextLinks(rq, path, more, fs[len(fs)-1].ID)
		}
		return front.OK(body), nil
	}
}

// flavorAsked applies is_public: for admins true, false or none (both); others
// see the public ones and those they were given.
func flavorAsked(rq *front.Request, f compute.Flavor) bool {
	if !rq.Caller.Admin() {
		return compute.FlavorVisible(rq.Caller, f)
	}
	switch p := strings.ToLower(rq.Query().Get("is_public")); p {
	case "none":
		return true
	default:
		if t, ok := truth(p); ok && p != "" {
			return f.Public == t
		}
		return f.Public || slices.Contains(f.Projects, rq.Caller.ProjectID)
	}
}

func flavorShow(rq *front.Request) (*front.Response, error) {
	f, err := compute.FlavorGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]flavorWire{"flavor": renderFlavor(rq, f, true)}), nil
}

type flavorCreateBody struct {
	Flavor struct {
		ID          *string  `json:"id"`
		Name        string   `json:"name"`
		RAM         integer  `json:"ram"`
		VCPUs       integer  `json:"vcpus"`
		Disk        integer  `json:"disk"`
		Swap        integer  `json:"swap"`
		Ephemeral   integer  `json:"OS-FLV-EXT-DATA:ephemeral"`
		RxTx        float64  `json:"rxtx_factor"`
		Public      *boolean `json:"os-flavor-access:is_public"`
		Description *string  `json:"description"` // 2.55
	} `json:"flavor"`
}

func flavorCreate(rq *front.Request) (*front.Response, error) {
	var b flavorCreateBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	w := b.Flavor
	f := compute.Flavor{ID: deref(w.ID), Name: w.Name, VCPUs: int(w.VCPUs), MemoryMiB: int(w.RAM), DiskGiB: int(w.Disk), SwapMiB: int(w.Swap),
		Ephemeral: int(w.Ephemeral), RxTxFactor: w.RxTx, Public: w.Public == nil || bool(*w.Public), Description: deref(w.Description)}
	if f.ID == "auto" {
		f.ID = ""
	}
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		made, err := compute.FlavorCreate(tx, f)
		if err == nil {
			f = made
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]flavorWire{"flavor": renderFlavor(rq, f, true)}), nil
}

func flavorUpdate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Flavor struct {
			Description *string `json:"description"`
		} `json:"flavor"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	var f compute.Flavor
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		f, err = compute.FlavorDescribe(tx, rq.Caller, rq.PathValue("id"), deref(b.Flavor.Description))
		return err
	})
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]flavorWire{"flavor": renderFlavor(rq, f, true)}), nil
}

func flavorDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error { return compute.FlavorDelete(tx, rq.Caller, rq.PathValue("id")) })
	return front.Accepted(nil), err
}
