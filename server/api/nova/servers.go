package nova

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// serverTarget loads the owner of the server in the path.
func serverTarget(rq *front.Request) (cloud.Target, error) {
	i, err := compute.InstanceGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	return targetOf(i), err
}

func targetOf(i compute.Instance) cloud.Target {
	return cloud.Target{ProjectID: i.ProjectID, UserID: i.UserID}
}

// serverWire is a server as Nova tells it. Members of type any are left out
// when nil: the microversion or the caller's rights decide.
type serverWire struct {
	ID          string               `json:"id"`
	Name        string               `json:"name"`
	Links       []link               `json:"links"`
	Status      string               `json:"status"`
	TenantID    string               `json:"tenant_id"`
	UserID      string               `json:"user_id"`
	HostID      string               `json:"hostId"`
	Image       any                  `json:"image"`
	Flavor      any                  `json:"flavor"`
	Created     string               `json:"created"`
	Updated     string               `json:"updated"`
	Addresses   map[string][]address `json:"addresses"`
	AccessIPv4  string               `json:"accessIPv4"`
	AccessIPv6  string               `json:"accessIPv6"`
	Metadata    map[string]string    `json:"metadata"`
	KeyName     any                  `json:"key_name"`
	ConfigDrive string               `json:"config_drive"`
	DiskConfig  string               `json:"OS-DCF:diskConfig"`
	Zone        string               `json:"OS-EXT-AZ:availability_zone"`
	TaskState   any                  `json:"OS-EXT-STS:task_state"`
	VMState     string               `json:"OS-EXT-STS:vm_state"`
	PowerState  int                  `json:"OS-EXT-STS:power_state"`
	Launched    any                  `json:"OS-SRV-USG:launched_at"`
	Terminated  any                  `json:"OS-SRV-USG:terminated_at"`
	Volumes     []struct{}           `json:"os-extended-volumes:volumes_attached"`

	Progress       any `json:"progress,omitzero"`
	Fault          any `json:"fault,omitzero"`
	SecurityGroups any `json:"security_groups,omitzero"`
	Locked         any `json:"locked,omitzero"`                     // 2.9
	Description    any `json:"description,omitzero"`                // 2.19
	Tags           any `json:"tags,omitzero"`                       // 2.26
	TrustedCerts   any `json:"trusted_image_certificates,omitzero"` // 2.63
	ServerGroups   any `json:"server_groups,omitzero"`              // 2.71
	LockedReason   any `json:"locked_reason,omitzero"`              // 2.73
	HostStatus     any `json:"host_status,omitzero"`                // 2.16

	Host           any `json:"OS-EXT-SRV-ATTR:host,omitzero"`
	HypervisorName any `json:"OS-EXT-SRV-ATTR:hypervisor_hostname,omitzero"`
	InstanceName   any `json:"OS-EXT-SRV-ATTR:instance_name,omitzero"`
	Hostname       any `json:"OS-EXT-SRV-ATTR:hostname,omitzero"` // 2.3 for admins, 2.90 for all
	ReservationID  any `json:"OS-EXT-SRV-ATTR:reservation_id,omitzero"`
	LaunchIndex    any `json:"OS-EXT-SRV-ATTR:launch_index,omitzero"`
	KernelID       any `json:"OS-EXT-SRV-ATTR:kernel_id,omitzero"`
	RamdiskID      any `json:"OS-EXT-SRV-ATTR:ramdisk_id,omitzero"`
	RootDevice     any `json:"OS-EXT-SRV-ATTR:root_device_name,omitzero"`
	UserData       any `json:"OS-EXT-SRV-ATTR:user_data,omitzero"` // 2.3

	Intent any `json:"cloudlet:intent,omitzero"` // on request: see the package comment
}

type address struct {
	Addr    string `json:"addr"`
	Version int    `json:"version"`
	Type    string `json:"OS-EXT-IPS:type"`
	MAC     string `json:"OS-EXT-IPS-MAC:mac_addr"`
}

// hostHash is Nova's hostId: tells a project which of its servers share a host
// without telling which host that is.
func hostHash(i compute.Instance) string {
	if i.HostID == "" {
		return ""
	}
	sum := sha256.Sum224([]byte(i.ProjectID + i.HostID))
	return hex.EncodeToString(sum[:])
}

// rendering is what a list of servers needs to look up only once.
type rendering struct {
	rq       *front.Request
	r        statestore.Reader
	admin    bool
	intent   bool
	list     bool // of several servers: some members are told of one only
	networks map[string]string
	hosts    map[string]compute.Host
}

func newRendering(rq *front.Request) *rendering {
	r := rq.Read()
	return &rendering{rq: rq, r: r, admin: rq.Can("compute:instance:get_host", cloud.Target{}), intent: rq.HTTP.Header.Get("Cloudlet-Intent") != "",
		networks: map[string]string{}, hosts: map[string]compute.Host{}}
}

func (d *rendering) host(id string) compute.Host {
	h, ok := d.hosts[id]
	if !ok {
		h, _ = compute.Hosts.Get(d.r, id)
		d.hosts[id] = h
	}
	return h
}

func (d *rendering) networkName(id string) string {
	name, ok := d.networks[id]
	if !ok {
		n, _ := network.Networks.Get(d.r, id)
		name = n.Name
		d.networks[id] = name
	}
	return name
}

func (d *rendering) server(i compute.Instance) serverWire {
	v := d.rq.Version
	ports := compute.PortsOf(d.r, i)
	w := serverWire{
		ID: i.ID, Name: i.Name, Links: selfLinks(d.rq, "/servers/"+i.ID), Status: i.Status(), TenantID: i.ProjectID, UserID: i.UserID,
		HostID: hostHash(i), Image: d.image(i), Flavor: d.flavor(i), Created: stamp(i.CreatedAt), Updated: stamp(i.UpdatedAt),
		Addresses: d.addresses(ports), AccessIPv4: i.AccessIPv4, AccessIPv6: i.AccessIPv6, Metadata: i.Metadata, KeyName: orNull(i.KeyName),
		DiskConfig: i.DiskConfig, Zone: i.Zone, TaskState: orNull(i.TaskState()), VMState: i.VMState(), PowerState: i.PowerState(),
		Launched: longStamp(i.LaunchedAt), Terminated: longStamp(i.TerminatedAt), Volumes: []struct{}{},
	}
	if w.Metadata == nil {
		w.Metadata = map[string]string{}
	}
	if i.ConfigDrive {
		w.ConfigDrive = "True"
	}
	switch w.Status {
	case "ACTIVE", "BUILD":
		w.Progress = i.Progress()
	case "ERROR":
		w.Fault = d.fault(i)
	}
	if names := d.groupNames(ports); len(names) > 0 {
		w.SecurityGroups = names
	}
	if v.AtLeast(9) {
		w.Locked = i.Locked
	}
	if v.AtLeast(19) {
		w.Description = orNull(i.Description)
	}
	if v.AtLeast(26) {
		w.Tags = orEmpty(i.Tags)
	}
	if v.AtLeast(63) {
		w.TrustedCerts = null
	}
	if v.AtLeast(71) && !d.list {
		w.ServerGroups = orEmpty(some(i.GroupID))
	}
	if v.AtLeast(73) {
		w.LockedReason = orNull(i.LockedReason)
	}
	d.attributes(i, &w)
	if d.intent {
		w.Intent = intentOf(i, ports)
	}
	return w
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// attributes adds what only admins see (and, from 2.90, everybody's host name;
// from 2.3 the owner's user data).
func (d *rendering) attributes(i compute.Instance, w *serverWire) {
	v := d.rq.Version
	if v.AtLeast(3) {
		w.UserData = orNull(i.UserData)
	}
	if v.AtLeast(90) {
		w.Hostname = i.Hostname
	}
	if !d.admin {
		return
	}
	h := d.host(i.HostID)
	w.Host, w.HypervisorName, w.InstanceName = orNull(h.Name), orNull(h.Name), "instance-"+i.ID[:8]
	if v.AtLeast(3) {
		w.Hostname, w.ReservationID, w.LaunchIndex = i.Hostname, i.ReservationID, i.LaunchIndex
		w.KernelID, w.RamdiskID, w.RootDevice = "", "", "/dev/vda"
	}
	if v.AtLeast(16) {
		switch {
		case h.ID == "":
			w.HostStatus = ""
		case !h.Alive():
			w.HostStatus = "DOWN"
		case h.Disabled:
			w.HostStatus = "MAINTENANCE"
		default:
			w.HostStatus = "UP"
		}
	}
}

func (d *rendering) fault(i compute.Instance) any {
	f := i.Fault
	if f == nil {
		f = &compute.Fault{Code: 500, Message: "The server was put into error by an administrator.", At: i.UpdatedAt}
	}
	m := map[string]any{"code": f.Code, "message": f.Message, "created": stamp(f.At)}
	if d.admin && f.Details != "" {
		m["details"] = f.Details
	}
	return m
}

func (d *rendering) image(i compute.Instance) any {
	if i.Image.ID == "" {
		return ""
	}
	return map[string]any{"id": i.Image.ID, "links": bookmark(d.rq, "/images/"+i.Image.ID)}
}

func (d *rendering) flavor(i compute.Instance) any {
	f := i.Flavor
	if !d.rq.Version.AtLeast(47) {
		return map[string]any{"id": f.ID, "links": bookmark(d.rq, "/flavors/"+f.ID)}
	}
	m := map[string]any{"original_name": f.Name, "vcpus": f.VCPUs, "ram": f.MemoryMiB, "disk": f.DiskGiB, "ephemeral": f.Ephemeral, "swap": f.SwapMiB}
	if f.ExtraSpecs == nil {
		m["extra_specs"] = map[string]string{}
	} else {
		m["extra_specs"] = f.ExtraSpecs
	}
	return m
}

func (d *rendering) addresses(ports []network.Port) map[string][]address {
	out := map[string][]address{}
	for _, p := range ports {
		name := d.networkName(p.NetworkID)
		for _, f := range p.FixedIPs {
			out[name] = append(out[name], address{f.Address.String(), ipVersion(f), "fixed", p.MAC})
		}
	}
	return out
}

func ipVersion(f network.FixedIP) int {
	if f.Address.Is4() {
		return 4
	}
	return 6
}

func (d *rendering) groupNames(ports []network.Port) []map[string]string {
	seen := map[string]string{}
	for _, p := range ports {
		for _, id := range p.SecurityGroups {
			if _, ok := seen[id]; !ok {
				g, _ := network.SecurityGroups.Get(d.r, id)
				seen[id] = g.Name
			}
		}
	}
	var out []map[string]string
	for _, name := range slices.Sorted(maps.Values(seen)) {
		out = append(out, map[string]string{"name": name})
	}
	return out
}

// intentWire is what the server's creation asked for.
type intentWire struct {
	Networks       []nicIntent         `json:"networks"`
	SecurityGroups []string            `json:"security_groups"`
	Hints          map[string][]string `json:"scheduler_hints"`
	Zone           string              `json:"availability_zone"`
	UserData       string              `json:"user_data"`
	FlavorID       string              `json:"flavor_id"`
	KeyName        string              `json:"key_name"`
	ConfigDrive    bool                `json:"config_drive"`
}

type nicIntent struct {
	Port    string `json:"port"`     // the port it is now
	Made    bool   `json:"made"`     // by the server's creation or an attach: not named by the user
	UUID    string `json:"uuid"`     // the network asked for, if no port was
	FixedIP string `json:"fixed_ip"` // as asked for
	Tag     string `json:"tag"`
	Is      *nicIs `json:"is"` // what that port is; null if its owner has deleted it
}

// nicIs is a port as Neutron tells it.
type nicIs struct {
	NetID    string    `json:"network_id"`
	MAC      string    `json:"mac_address"`
	FixedIPs []fixedIP `json:"fixed_ips"`
	Groups   []string  `json:"security_groups"`
}

func intentOf(i compute.Instance, ports []network.Port) intentWire {
	w := intentWire{Networks: []nicIntent{}, SecurityGroups: orEmpty(i.SecurityGroups), Hints: i.Hints, Zone: i.RequestedZone, UserData: i.UserData,
		FlavorID: i.Flavor.ID, KeyName: i.KeyName, ConfigDrive: i.ConfigDrive}
	if w.Hints == nil {
		w.Hints = map[string][]string{}
	}
	for _, n := range i.NICs {
		nic := nicIntent{Port: n.PortID, Made: n.Made, UUID: n.NetworkID, FixedIP: n.FixedIP, Tag: n.Tag}
		if at := slices.IndexFunc(ports, func(p network.Port) bool { return p.ID == n.PortID }); at >= 0 {
			p := ports[at]
			nic.Is = &nicIs{NetID: p.NetworkID, MAC: p.MAC, FixedIPs: []fixedIP{}, Groups: orEmpty(p.SecurityGroups)}
			for _, f := range p.FixedIPs {
				nic.Is.FixedIPs = append(nic.Is.FixedIPs, fixedIP{f.SubnetID, f.Address.String()})
			}
		}
		w.Networks = append(w.Networks, nic)
	}
	return w
}

func serverShow(rq *front.Request) (*front.Response, error) {
	i, err := compute.InstanceGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]serverWire{"server": newRendering(rq).server(i)}), nil
}

// serverIPs answers GET /servers/{id}/ips, and with a network's name only its.
func serverIPs(rq *front.Request) (*front.Response, error) {
	i, err := compute.InstanceGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	type short struct {
		Addr    string `json:"addr"`
		Version int    `json:"version"`
	}
	out := map[string][]short{}
	for name, as := range newRendering(rq).addresses(compute.PortsOf(rq.Read(), i)) {
		for _, a := range as {
			out[name] = append(out[name], short{a.Addr, a.Version})
		}
	}
	if label := rq.PathValue("network"); label != "" {
		as, ok := out[label]
		if !ok {
			return nil, cloud.Errorf(cloud.NotFound, "instance", "Instance is not a member of specified network")
		}
		return front.OK(map[string][]short{label: as}), nil
	}
	return front.OK(map[string]any{"addresses": out}), nil
}
