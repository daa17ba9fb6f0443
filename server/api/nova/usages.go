package nova

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

const usagePath = "/os-simple-tenant-usage"

func usageRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: usagePath, Rule: "compute:usage:list", Handle: usageList},
		{Method: "GET", Path: usagePath + "/{id}", Rule: "compute:usage:get", Target: quotaTarget, Handle: usageShow},
	}
}

// usageWire is what a project used in a period.
type usageWire struct {
	ProjectID string             `json:"tenant_id"`
	Start     any                `json:"start"`
	Stop      any                `json:"stop"`
	Hours     float64            `json:"total_hours"`
	DiskGB    float64            `json:"total_local_gb_usage"`  // GiB times hours
	MemoryMB  float64            `json:"total_memory_mb_usage"` // MiB times hours
	VCPUs     float64            `json:"total_vcpus_usage"`
	Servers   []*serverUsageWire `json:"server_usages,omitzero"`
}

type serverUsageWire struct {
	InstanceID string  `json:"instance_id"`
	Name       string  `json:"name"`
	ProjectID  string  `json:"tenant_id"`
	Flavor     string  `json:"flavor"`
	VCPUs      int     `json:"vcpus"`
	MemoryMB   int     `json:"memory_mb"`
	LocalGB    int     `json:"local_gb"`
	State      string  `json:"state"`
	StartedAt  any     `json:"started_at"`
	EndedAt    any     `json:"ended_at"`
	Hours      float64 `json:"hours"`  // within the period
	Uptime     int64   `json:"uptime"` // seconds, also before it
}

// period is what a report is about.
type period struct{ from, to, now time.Time }

// periodOf reads ?start and ?end, each by default now. What is yet to come does not count.
func periodOf(rq *front.Request) (p period, err error) {
	p.now = rq.Now().UTC()
	p.from, p.to = p.now, p.now
	for name, at := range map[string]*time.Time{"start": &p.from, "end": &p.to} {
		if text := rq.Query().Get(name); text != "" {
			if *at, err = usageTime(text); err != nil {
				return p, cloud.Errorf(cloud.Invalid, "", "Invalid datetime format: %s is no time such as 2012-01-20T00:00:00.", name).At("/" + name)
			}
		}
	}
	if p.from.After(p.to) {
		return p, cloud.Errorf(cloud.Invalid, "", "Invalid start time. The start time cannot occur after the end time.").At("/start")
	}
	if p.to.After(p.now) {
		p.to = p.now
	}
	return p, nil
}

// usageTime reads a time in UTC, in the forms that Nova takes.
func usageTime(text string) (t time.Time, err error) {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02", time.RFC3339} { // with or without a fraction
		if t, err = time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}

var usagePaging = front.Paging[compute.Served]{
	ID:      func(s *compute.Served) string { return s.InstanceID },
	Sorts:   map[string]func(a, b *compute.Served) int{"uuid": func(a, b *compute.Served) int { return cmp.Compare(a.InstanceID, b.InstanceID) }},
	Default: "uuid:asc", DefaultDir: "asc",
}

// servedIn returns the instances of a report, and the links to the rest of it: since
// 2.40 it comes in pages of instances.
func servedIn(rq *front.Request, p period, path, projectID string) (found []compute.Served, next []link, err error) {
	for s, err := range compute.ServedIn(rq.Context(), rq.Read(), p.from, p.to, p.now) {
		if err != nil {
			return nil, nil, err
		}
		if projectID == "" || s.ProjectID == projectID {
			found = append(found, s)
		}
	}
	if !rq.Version.AtLeast(40) {
		slices.SortFunc(found, func(a, b compute.Served) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
		return found, nil, nil
	}
	page, more, err := front.Page(rq.Query(), found, usagePaging)
	if err == nil && more {
		next = nextLinks(rq, path, more, page[len(page)-1].InstanceID)
	}
	return page, next, err
}

// renderUsages sums up what projects used, sorted by project.
func renderUsages(p period, all []compute.Served, detail bool) []*usageWire {
	of := map[string]*usageWire{}
	for _, s := range all {
		u := of[s.ProjectID]
		if u == nil {
			u = &usageWire{ProjectID: s.ProjectID, Start: longStamp(p.from), Stop: longStamp(p.to)}
			of[s.ProjectID] = u
		}
		hours := s.Within(p.from, p.to).Hours()
		u.Hours += hours
		u.DiskGB += hours * float64(s.DiskGiB)
		u.MemoryMB += hours * float64(s.MemoryMiB)
		u.VCPUs += hours * float64(s.VCPUs)
		if detail {
			u.Servers = append(u.Servers, &serverUsageWire{s.InstanceID, s.Name, s.ProjectID, s.Flavor, s.VCPUs, s.MemoryMiB, s.DiskGiB, s.State,
				longStamp(s.LaunchedAt), longStamp(s.EndedAt), hours, int64(s.Within(s.LaunchedAt, p.now).Seconds())})
		}
	}
	return slices.SortedFunc(maps.Values(of), func(a, b *usageWire) int { return strings.Compare(a.ProjectID, b.ProjectID) })
}

func usageList(rq *front.Request) (*front.Response, error) {
	p, err := periodOf(rq)
	if err != nil {
		return nil, err
	}
	all, next, err := servedIn(rq, p, usagePath, "")
	if err != nil {
		return nil, err
	}
	body := map[string]any{"tenant_usages": renderUsages(p, all, rq.Query().Get("detailed") == "1")}
	if next != nil {
		body["tenant_usages_links"] = next
	}
	return front.OK(body), nil
}

// usageShow tells what one project used; of one that used nothing, nothing.
func usageShow(rq *front.Request) (*front.Response, error) {
	p, err := periodOf(rq)
	if err != nil {
		return nil, err
	}
	id := rq.PathValue("id")
	all, next, err := servedIn(rq, p, usagePath+"/"+id, id)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"tenant_usage": struct{}{}}
	for _, u := range renderUsages(p, all, true) {
		body["tenant_usage"] = u
	}
	if next != nil {
		body["tenant_usage_links"] = next
	}
	return front.OK(body), nil
}
