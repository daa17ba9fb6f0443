package nova

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

var serverPaging = front.Paging[compute.Instance]{
	ID: func(i *compute.Instance) string { return i.ID },
	Sorts: map[string]func(a, b *compute.Instance) int{
		"created_at":        func(a, b *compute.Instance) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at":        func(a, b *compute.Instance) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		"launched_at":       func(a, b *compute.Instance) int { return a.LaunchedAt.Compare(b.LaunchedAt) },
		"display_name":      func(a, b *compute.Instance) int { return strings.Compare(a.Name, b.Name) },
		"name":              func(a, b *compute.Instance) int { return strings.Compare(a.Name, b.Name) },
		"uuid":              func(a, b *compute.Instance) int { return strings.Compare(a.ID, b.ID) },
		"vm_state":          func(a, b *compute.Instance) int { return strings.Compare(a.VMState(), b.VMState()) },
		"task_state":        func(a, b *compute.Instance) int { return strings.Compare(a.TaskState(), b.TaskState()) },
		"power_state":       func(a, b *compute.Instance) int { return a.PowerState() - b.PowerState() },
		"project_id":        func(a, b *compute.Instance) int { return strings.Compare(a.ProjectID, b.ProjectID) },
		"user_id":           func(a, b *compute.Instance) int { return strings.Compare(a.UserID, b.UserID) },
		"host":              func(a, b *compute.Instance) int { return strings.Compare(a.HostID, b.HostID) },
		"key_name":          func(a, b *compute.Instance) int { return strings.Compare(a.KeyName, b.KeyName) },
		"image_ref":         func(a, b *compute.Instance) int { return strings.Compare(a.Image.ID, b.Image.ID) },
		"availability_zone": func(a, b *compute.Instance) int { return strings.Compare(a.Zone, b.Zone) },
		"launch_index":      func(a, b *compute.Instance) int { return a.LaunchIndex - b.LaunchIndex },
		"hostname":          func(a, b *compute.Instance) int { return strings.Compare(a.Hostname, b.Hostname) },
	},
	Default: "created_at:desc,uuid:desc", DefaultDir: "desc",
}

func serverList(detail bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		list, err := serversAsked(rq)
		if err != nil {
			return nil, err
		}
		list, more, err := front.Page(rq.Query(), list, serverPaging)
		if err != nil {
			return nil, err
		}
		body := map[string]any{}
		path := "/servers"
		if detail {
			path = "/servers/detail"
			d := newRendering(rq)
			d.list = true
			out := make([]serverWire, len(list))
			for n, i := range list {
				out[n] = d.server(i)
			}
			body["servers"] = out
		} else {
			type short struct {
				ID    string `json:"id"`
				Name  string `json:"name"`
				Links []link `json:"links"`
			}
			out := make([]short, len(list))
			for n, i := range list {
				out[n] = short{i.ID, i.Name, selfLinks(rq, "/servers/"+i.ID)}
			}
			body["servers"] = out
		}
		if more {
			body["servers_links"] = nextLinks(rq, path, more, list[len(list)-1].ID)
		}
		return front.OK(body), nil
	}
}

// serversAsked returns the servers that the caller may see and the query asks for.
func serversAsked(rq *front.Request) ([]compute.Instance, error) {
	q := rq.Query()
	all, _ := truth(q.Get("all_tenants"))
	switch project := cmp.Or(q.Get("project_id"), q.Get("tenant_id")); {
	case q.Has("all_tenants") && q.Get("all_tenants") == "":
		all = true
	case !q.Has("all_tenants") && project != "" && project != rq.Caller.ProjectID:
		// Whoever may see all projects and names one means that one, as in Nova.
		all = rq.Can("compute:instance:list_all", cloud.Target{})
	}
	if all {
		if err := rq.Require("compute:instance:list_all", cloud.Target{}); err != nil {
			return nil, err
		}
	}
	match, err := serverFilter(rq, q, all)
	if err != nil {
		return nil, err
	}
	from := compute.Instances.By(rq.Read(), "project", rq.Caller.ProjectID)
	if all {
		from = compute.Instances.All(rq.Read())
	}
	list := []compute.Instance{}
	for i := range from {
		if match(&i) {
			list = append(list, i)
		}
	}
	return list, nil
}

type serverMatch = func(*compute.Instance) bool

// serverFilter makes one condition of the query. What is no filter is ignored,
// as in Nova.
func serverFilter(rq *front.Request, q url.Values, all bool) (serverMatch, error) {
	var conds []serverMatch
	admin := rq.Can("compute:instance:get_host", cloud.Target{})
	text := map[string]func(*compute.Instance) string{
		"name":        func(i *compute.Instance) string { return i.Name },
		"hostname":    func(i *compute.Instance) string { return i.Hostname },
		"description": func(i *compute.Instance) string { return i.Description },
	}
	equal := map[string]func(*compute.Instance) string{
		"flavor":            func(i *compute.Instance) string { return i.Flavor.ID },
		"image":             func(i *compute.Instance) string { return i.Image.ID },
		"uuid":              func(i *compute.Instance) string { return i.ID },
		"key_name":          func(i *compute.Instance) string { return i.KeyName },
		"user_id":           func(i *compute.Instance) string { return i.UserID },
		"availability_zone": func(i *compute.Instance) string { return i.Zone },
		"reservation_id":    func(i *compute.Instance) string { return i.ReservationID },
		"vm_state":          func(i *compute.Instance) string { return i.VMState() },
		"task_state":        func(i *compute.Instance) string { return i.TaskState() },
		"power_state":       func(i *compute.Instance) string { return strconv.Itoa(i.PowerState()) },
		"launch_index":      func(i *compute.Instance) string { return strconv.Itoa(i.LaunchIndex) },
	}
	if all {
		project := func(i *compute.Instance) string { return i.ProjectID }
		equal["project_id"], equal["tenant_id"] = project, project
	}
	if admin {
		hostName := func(i *compute.Instance) string { h, _ := compute.Hosts.Get(rq.Read(), i.HostID); return h.Name }
		equal["host"], equal["node"] = hostName, hostName
	}
	for name, values := range q {
		if get := equal[name]; get != nil {
			conds = append(conds, func(i *compute.Instance) bool { return slices.Contains(values, get(i)) })
		}
		if get := text[name]; get != nil {
			re, err := regexp.Compile(values[0])
			if err != nil {
				return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for query parameters %s. Value: %s is not a regular expression.", name, values[0])
			}
			conds = append(conds, func(i *compute.Instance) bool { return re.MatchString(get(i)) })
		}
	}
	if statuses := q["status"]; len(statuses) > 0 {
		conds = append(conds, func(i *compute.Instance) bool {
			return slices.ContainsFunc(statuses, func(s string) bool { return strings.EqualFold(s, i.Status()) })
		})
	}
	if b, ok := truth(q.Get("deleted")); ok && b && admin {
		conds = append(conds, func(*compute.Instance) bool { return false }) // deleted rows are gone
	}
	if b, ok := truth(q.Get("locked")); ok && q.Get("locked") != "" && rq.Version.AtLeast(73) {
		conds = append(conds, func(i *compute.Instance) bool { return i.Locked == b })
	}
	if b, ok := truth(q.Get("config_drive")); ok && q.Get("config_drive") != "" {
		conds = append(conds, func(i *compute.Instance) bool { return i.ConfigDrive == b })
	}
	for _, add := range []func(*front.Request, url.Values, *[]serverMatch) error{timeFilters, tagFilters, addressFilters} {
		if err := add(rq, q, &conds); err != nil {
			return nil, err
		}
	}
	return func(i *compute.Instance) bool {
		for _, c := range conds {
			if !c(i) {
				return false
			}
		}
		return true
	}, nil
}

func timeFilters(rq *front.Request, q url.Values, conds *[]serverMatch) error {
	for name, ok := range map[string]func(i *compute.Instance, t time.Time) bool{
		"changes-since":  func(i *compute.Instance, t time.Time) bool { return !i.UpdatedAt.Before(t) },
		"changes-before": func(i *compute.Instance, t time.Time) bool { return !i.UpdatedAt.After(t) }, // 2.66
	} {
		s := q.Get(name)
		if s == "" || name == "changes-before" && !rq.Version.AtLeast(66) {
			continue
		}
		t, err := parseTime(s)
		if err != nil {
			return cloud.Errorf(cloud.Invalid, "instance", "Invalid input for query parameters %s. Value: %s. '%s' is not a 'date-time'", name, s, s)
		}
		*conds = append(*conds, func(i *compute.Instance) bool { return ok(i, t) })
	}
	return nil
}

// parseTime reads ISO 8601 with or without zone and fraction; without, UTC.
func parseTime(s string) (time.Time, error) {
	s = strings.Replace(s, " ", "+", 1) // a "+" of the zone that the query turned into a space
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		var t time.Time
		if t, err = time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, err
}

// tagFilters are tags (all), tags-any, not-tags (not all), not-tags-any (none); 2.26.
func tagFilters(rq *front.Request, q url.Values, conds *[]serverMatch) error {
	if !rq.Version.AtLeast(26) {
		return nil
	}
	for _, name := range []string{"tags", "tags-any", "not-tags", "not-tags-any"} {
		if q.Get(name) == "" {
			continue
		}
		want := strings.Split(q.Get(name), ",")
		*conds = append(*conds, func(i *compute.Instance) bool {
			n := 0
			for _, t := range want {
				if slices.Contains(i.Tags, t) {
					n++
				}
			}
			switch name {
			case "tags":
				return n == len(want)
			case "tags-any":
				return n > 0
			case "not-tags":
				return n < len(want)
			}
			return n == 0
		})
	}
	return nil
}

// addressFilters are ip and ip6: regular expressions on any address.
func addressFilters(rq *front.Request, q url.Values, conds *[]serverMatch) error {
	for name, version := range map[string]int{"ip": 4, "ip6": 6} {
		s := q.Get(name)
		if s == "" {
			continue
		}
		re, err := regexp.Compile(s)
		if err != nil {
			return cloud.Errorf(cloud.Invalid, "instance", "Invalid input for query parameters %s. Value: %s is not a regular expression.", name, s)
		}
		*conds = append(*conds, func(i *compute.Instance) bool {
			for _, p := range compute.PortsOf(rq.Read(), *i) {
				for _, f := range p.FixedIPs {
					if ipVersion(f) == version && re.MatchString(f.Address.String()) {
						return true
					}
				}
			}
			return false
		})
	}
	return nil
}
