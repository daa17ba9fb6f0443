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

func (a *api) hostRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/os-hypervisors", Rule: "compute:host:list", Handle: hypervisorList(false)},
		{Method: "GET", Path: "/os-hypervisors/detail", Rule: "compute:host:list", Handle: hypervisorList(true)},
		{Method: "GET", Path: "/os-hypervisors/statistics", Rule: "compute:host:list", Max: v(87), Handle: hypervisorStatistics},
		{Method: "GET", Path: "/os-hypervisors/{id}", Rule: "compute:host:get", Handle: hypervisorShow},
		{Method: "GET", Path: "/os-hypervisors/{id}/uptime", Rule: "compute:host:get", Max: v(87), Handle: hypervisorUptime},
		{Method: "GET", Path: "/os-hypervisors/{pattern}/search", Rule: "compute:host:list", Max: v(52), Handle: hypervisorSearch(false)},
		{Method: "GET", Path: "/os-hypervisors/{pattern}/servers", Rule: "compute:host:list", Max: v(52), Handle: hypervisorSearch(true)},
		{Method: "GET", Path: "/os-aggregates", Rule: "compute:host:list", Handle: aggregateList},
		{Method: "GET", Path: "/os-services", Rule: "compute:host:list", Handle: serviceList},
		{Method: "PUT", Path: "/os-services/{id}", Rule: "compute:host:update", Handle: serviceUpdate},
		{Method: "GET", Path: "/os-availability-zone", Rule: "compute:zone:list", Handle: zoneList(false)},
		{Method: "GET", Path: "/os-availability-zone/detail", Rule: "compute:zone:detail", Handle: zoneList(true)},
		{Method: "GET", Path: "/extensions", Rule: "compute:extension:list", Handle: extensionList},
		{Method: "GET", Path: "/extensions/{alias}", Rule: "compute:extension:get", Handle: extensionShow},
	}
}

// hostsByName returns all hosts, by name.
func hostsByName(r statestore.Reader) []compute.Host {
	hs := slices.Collect(compute.Hosts.All(r))
	slices.SortFunc(hs, func(a, b compute.Host) int { return strings.Compare(a.Name, b.Name) })
	return hs
}

// hostID is a host's id on the wire: its UUID from 2.53, a number before.
func hostID(rq *front.Request, h compute.Host) any {
	if rq.Version.AtLeast(53) {
		return h.ID
	}
	return number(h.ID)
}

func hostFound(rq *front.Request, id string) (compute.Host, error) {
	for h := range compute.Hosts.All(rq.Read()) {
		if h.ID == id && rq.Version.AtLeast(53) || !rq.Version.AtLeast(53) && strconv.Itoa(number(h.ID)) == id {
			return h, nil
		}
	}
	return compute.Host{}, cloud.Errorf(cloud.NotFound, "hypervisor", "Hypervisor with ID '%s' could not be found.", id)
}

type hypervisorService struct {
	ID       any    `json:"id"`
	Host     string `json:"host"`
	Disabled any    `json:"disabled_reason"`
}

type hypervisorWire struct {
	ID       any    `json:"id"`
	Hostname string `json:"hypervisor_hostname"`
	State    string `json:"state"`
	Status   string `json:"status"`

	Service    any `json:"service,omitzero"`
	Type       any `json:"hypervisor_type,omitzero"`
	Version    any `json:"hypervisor_version,omitzero"`
	HostIP     any `json:"host_ip,omitzero"`
	Uptime     any `json:"uptime,omitzero"` // 2.88
	CPUInfo    any `json:"cpu_info,omitzero"`
	VCPUs      any `json:"vcpus,omitzero"`
	VCPUsUsed  any `json:"vcpus_used,omitzero"`
	Memory     any `json:"memory_mb,omitzero"`
	MemoryUsed any `json:"memory_mb_used,omitzero"`
	FreeRAM    any `json:"free_ram_mb,omitzero"`
	Disk       any `json:"local_gb,omitzero"`
	DiskUsed   any `json:"local_gb_used,omitzero"`
	FreeDisk   any `json:"free_disk_gb,omitzero"`
	DiskLeast  any `json:"disk_available_least,omitzero"`
	Workload   any `json:"current_workload,omitzero"`
	Running    any `json:"running_vms,omitzero"`
	Servers    any `json:"servers,omitzero"` // 2.53 with_servers; 2.75 always on request
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func enabled(h compute.Host) string {
	if h.Disabled {
		return "disabled"
	}
	return "enabled"
}

func renderHypervisor(rq *front.Request, h compute.Host, detail bool) hypervisorWire {
	w := hypervisorWire{ID: hostID(rq, h), Hostname: h.Name, State: upDown(h.Alive()), Status: enabled(h)}
	if detail {
		f := h.Fingerprint
		w.Service = hypervisorService{ID: hostID(rq, h), Host: h.Name, Disabled: orNull(h.DisabledReason)}
		w.Type, w.Version, w.HostIP = hypervisorType(f), versionNumber(f.DriverVersion), orNull(h.Address)
		if rq.Version.AtLeast(88) {
			w.Uptime = "" // not told; python-openstackclient fails on the null that Nova would say
		} else {
			renderUsage(rq, &w, h)
		}
	}
	if with, _ := truth(rq.Query().Get("with_servers")); with && rq.Version.AtLeast(53) {
		w.Servers = hypervisorServers(rq, h)
	}
	return w
}

// hypervisorServers lists the instances of a host; until 2.74 nothing at all if
// there is none.
func hypervisorServers(rq *front.Request, h compute.Host) any {
	type server struct {
		Name string `json:"name"`
		UUID string `json:"uuid"`
	}
	servers := []server{}
	for _, i := range compute.InstancesOfHost(rq.Read(), h.ID) {
		servers = append(servers, server{i.Name, i.ID})
	}
	if len(servers) == 0 && !rq.Version.AtLeast(75) {
		return nil
	}
	return servers
}

// renderUsage adds what left the API with 2.88.
func renderUsage(rq *front.Request, w *hypervisorWire, h compute.Host) {
	f := h.Fingerprint
	info := map[string]any{"arch": f.Arch, "model": f.CPUModel, "vendor": "", "features": []string{}, "topology": map[string]int{"cores": f.VCPUs, "sockets": 1, "threads": 1}}
	w.CPUInfo = info
	if !rq.Version.AtLeast(28) {
		w.CPUInfo = jsonString(info)
	}
	w.VCPUs, w.VCPUsUsed, w.Memory, w.MemoryUsed, w.FreeRAM = f.VCPUs, h.Used.VCPUs, f.MemoryMiB, h.Used.MemoryMiB, f.MemoryMiB-h.Used.MemoryMiB
	w.Disk, w.DiskUsed, w.FreeDisk, w.DiskLeast = f.DiskGiB, h.Used.DiskGiB, f.DiskGiB-h.Used.DiskGiB, f.DiskGiB-h.Used.DiskGiB
	w.Workload, w.Running = 0, h.Instances
}

func hypervisorType(f compute.Fingerprint) string {
	if f.DriverName == "libvirt" {
		return "QEMU"
	}
	return f.DriverName
}

// versionNumber is "9.1.2" as Nova's integer, 9001002.
func versionNumber(s string) int {
	n := 0
	parts := strings.SplitN(s, ".", 3)
	for k := range 3 {
		n *= 1000
		if k < len(parts) {
			d, _ := strconv.Atoi(strings.TrimFunc(parts[k], func(r rune) bool { return r < '0' || r > '9' }))
			n += d % 1000
		}
	}
	return n
}

func hypervisorList(detail bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		pattern := rq.Query().Get("hypervisor_hostname_pattern")
		var hs []compute.Host
		for _, h := range hostsByName(rq.Read()) {
			if strings.Contains(h.Name, pattern) {
				hs = append(hs, h)
			}
		}
		more := false
		if rq.Version.AtLeast(33) {
			var err error
			hs, more, err = front.Page(rq.Query(), hs, front.Paging[compute.Host]{ID: func(h *compute.Host) string { return h.ID }})
			if err != nil {
				return nil, err
			}
		}
		out := make([]hypervisorWire, len(hs))
		for n, h := range hs {
			out[n] = renderHypervisor(rq, h, detail)
		}
		body := map[string]any{"hypervisors": out}
		if more {
			body["hypervisors_links"] = nextLinks(rq, "/os-hypervisors", more, hs[len(hs)-1].ID)
		}
		return front.OK(body), nil
	}
}

func hypervisorShow(rq *front.Request) (*front.Response, error) {
	h, err := hostFound(rq, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"hypervisor": renderHypervisor(rq, h, true)}), nil
}

// hypervisorUptime answers as Nova does for a driver that does not tell its
// host's uptime.
func hypervisorUptime(rq *front.Request) (*front.Response, error) {
	if _, err := hostFound(rq, rq.PathValue("id")); err != nil {
		return nil, err
	}
	return nil, cloud.Errorf(cloud.Unsupported, "hypervisor", "Virt driver does not implement uptime function.")
}

// hypervisorSearch lists the hosts whose names contain the pattern, as it was
// done before 2.53.
func hypervisorSearch(servers bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		pattern := rq.PathValue("pattern")
		out := []hypervisorWire{}
		for _, h := range hostsByName(rq.Read()) {
			if !strings.Contains(h.Name, pattern) {
				continue
			}
			w := renderHypervisor(rq, h, false)
			if servers {
				w.Servers = hypervisorServers(rq, h)
			}
			out = append(out, w)
		}
		if len(out) == 0 {
			return nil, cloud.Errorf(cloud.NotFound, "hypervisor", "No hypervisor matching '%s' could be found.", pattern)
		}
		return front.OK(map[string]any{"hypervisors": out}), nil
	}
}

// aggregateList answers truly: there are no host aggregates.
func aggregateList(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"aggregates": []struct{}{}}), nil
}

func hypervisorStatistics(rq *front.Request) (*front.Response, error) {
	m := map[string]int{"count": 0, "current_workload": 0, "disk_available_least": 0, "free_disk_gb": 0, "free_ram_mb": 0, "local_gb": 0,
		"local_gb_used": 0, "memory_mb": 0, "memory_mb_used": 0, "running_vms": 0, "vcpus": 0, "vcpus_used": 0}
	for h := range compute.Hosts.All(rq.Read()) {
		if h.Disabled {
			continue
		}
		f, u := h.Fingerprint, h.Used
		for k, n := range map[string]int{"count": 1, "disk_available_least": f.DiskGiB - u.DiskGiB, "free_disk_gb": f.DiskGiB - u.DiskGiB,
			"free_ram_mb": f.MemoryMiB - u.MemoryMiB, "local_gb": f.DiskGiB, "local_gb_used": u.DiskGiB, "memory_mb": f.MemoryMiB,
			"memory_mb_used": u.MemoryMiB, "running_vms": h.Instances, "vcpus": f.VCPUs, "vcpus_used": u.VCPUs} {
			m[k] += n
		}
	}
	return front.OK(map[string]any{"hypervisor_statistics": m}), nil
}

type serviceWire struct {
	ID             any    `json:"id"`
	Binary         string `json:"binary"`
	Host           string `json:"host"`
	Zone           string `json:"zone"`
	Status         string `json:"status"`
	State          string `json:"state"`
	UpdatedAt      any    `json:"updated_at"`
	DisabledReason any    `json:"disabled_reason"`
	ForcedDown     any    `json:"forced_down,omitzero"` // 2.11
}

const computeBinary = "nova-compute"

func renderService(rq *front.Request, h compute.Host) serviceWire {
	w := serviceWire{ID: hostID(rq, h), Binary: computeBinary, Host: h.Name, Zone: h.Zone, Status: enabled(h), State: upDown(h.Alive()),
		UpdatedAt: longStamp(h.SeenAt), DisabledReason: orNull(h.DisabledReason)}
	if rq.Version.AtLeast(11) {
		w.ForcedDown = h.ForcedDown
	}
	return w
}

func serviceList(rq *front.Request) (*front.Response, error) {
	q := rq.Query()
	out := []serviceWire{}
	for _, h := range hostsByName(rq.Read()) {
		if cmp.Or(q.Get("host"), h.Name) == h.Name && cmp.Or(q.Get("binary"), computeBinary) == computeBinary {
			out = append(out, renderService(rq, h))
		}
	}
	return front.OK(map[string]any{"services": out}), nil
}

// serviceUpdate changes a host's service: by id from 2.53; before, the last
// part of the path names the change and the body the host.
func serviceUpdate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Host       string   `json:"host"`   // until 2.52
		Binary     string   `json:"binary"` // until 2.52
		Status     *string  `json:"status"` // 2.53
		Reason     *string  `json:"disabled_reason"`
		ForcedDown *boolean `json:"forced_down"` // 2.11
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	id := rq.PathValue("id")
	ch := compute.HostChange{DisabledReason: b.Reason, ForcedDown: (*bool)(b.ForcedDown)}
	if !rq.Version.AtLeast(53) {
		verb := id
		h, ok := compute.Hosts.First(rq.Read(), "name", b.Host)
		if !ok {
			return nil, cloud.Errorf(cloud.NotFound, "service", "Could not find binary %s on host %s.", b.Binary, b.Host)
		}
		id = h.ID
		switch verb {
		case "enable":
			b.Status = new("enabled")
		case "disable", "disable-log-reason":
			b.Status = new("disabled")
		case "force-down":
		default:
			return nil, cloud.Errorf(cloud.NotFound, "service", "Unknown action")
		}
	}
	if b.Status == nil && b.ForcedDown == nil {
		return nil, cloud.Errorf(cloud.Invalid, "service", "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
	}
	if b.Status != nil {
		if *b.Status != "enabled" && *b.Status != "disabled" {
			return nil, cloud.Errorf(cloud.Invalid, "service", "Invalid input for field/attribute status. Value: %s. '%s' is not one of ['enabled', 'disabled']", *b.Status, *b.Status).At("/status")
		}
		ch.Disabled = new(*b.Status == "disabled")
	}
	var h compute.Host
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		h, err = compute.HostUpdate(tx, id, ch)
		return err
	})
	if err != nil {
		return nil, cloud.Errorf(cloud.NotFound, "service", "Compute service %s could not be found.", id)
	}
	return front.OK(map[string]any{"service": renderService(rq, h)}), nil
}
