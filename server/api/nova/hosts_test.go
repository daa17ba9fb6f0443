package nova

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

const h1 = "00000000-0000-4000-8000-0000000000h1"

func TestHypervisors(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann", "x", "")
	i, _ := compute.Instances.Get(w.store.Snapshot(), id)
	host, _ := compute.Hosts.Get(w.store.Snapshot(), i.HostID)
	short := []string{"hypervisor_hostname", "id", "state", "status"}
	kept := append(slices.Clone(short), "host_ip", "hypervisor_type", "hypervisor_version", "service")
	gone := []string{"cpu_info", "current_workload", "disk_available_least", "free_disk_gb", "free_ram_mb", "local_gb", "local_gb_used", "memory_mb",
		"memory_mb_used", "running_vms", "vcpus", "vcpus_used"}
	for _, c := range []struct {
		version string
		detail  []string
	}{
		{"2.1", slices.Concat(kept, gone)}, {"2.53", slices.Concat(kept, gone)}, {"2.87", slices.Concat(kept, gone)}, {"2.88", append(slices.Clone(kept), "uptime")},
	} {
		at := "admin@" + c.version
		if got := w.get(at, "/os-hypervisors").keys("hypervisors/0"); !slices.Equal(got, short) {
			t.Errorf("%s: members of the list %v", c.version, got)
		}
		slices.Sort(c.detail)
		a := w.get(at, "/os-hypervisors/detail")
		if got := a.keys("hypervisors/0"); !slices.Equal(got, c.detail) {
			t.Errorf("%s: members of the detail\n%v, want\n%v", c.version, got, c.detail)
		}
		a = w.get(at, "/os-hypervisors/"+idOf(a.at("hypervisors/0/id")))
		if got := a.keys("hypervisor"); !slices.Equal(got, c.detail) {
			t.Errorf("%s: members of one\n%v, want\n%v", c.version, got, c.detail)
		}
	}
	a := w.get("admin@2.87", "/os-hypervisors/"+host.ID)
	a.check(map[string]any{"hypervisor/hypervisor_hostname": host.Name, "hypervisor/state": "up", "hypervisor/status": "enabled", "hypervisor/vcpus": 4, "hypervisor/vcpus_used": 1,
		"hypervisor/memory_mb": 8192, "hypervisor/memory_mb_used": 512, "hypervisor/free_ram_mb": 7680, "hypervisor/local_gb_used": 1, "hypervisor/running_vms": 1,
		"hypervisor/hypervisor_type": "QEMU", "hypervisor/hypervisor_version": 9000003, "hypervisor/host_ip": "192.0.2.1", "hypervisor/cpu_info/arch": "x86_64",
		"hypervisor/service/host": host.Name, "hypervisor/service/disabled_reason": nil})
	w.get("admin@2.88", "/os-hypervisors/"+host.ID).check(map[string]any{"hypervisor/uptime": ""})
	var info map[string]any
	if err := json.Unmarshal([]byte(w.get("admin@2.27", "/os-hypervisors/detail").text("hypervisors/0/cpu_info")), &info); err != nil || info["arch"] != "x86_64" {
		t.Errorf("cpu_info until 2.27 is a string of JSON: %v", err)
	}
	if n, ok := w.get("admin@2.52", "/os-hypervisors").at("hypervisors/0/id").(float64); !ok || n <= 0 {
		t.Errorf("the id until 2.52 is a number, not %v", n)
	}
	w.get("admin@2.53", "/os-hypervisors?with_servers=true&hypervisor_hostname_pattern="+host.Name).check(map[string]any{"hypervisors/0/servers/0/uuid": id, "hypervisors/0/servers/0/name": "x", "hypervisors/1": nil})
	a = w.get("admin@2.33", "/os-hypervisors?limit=1")
	if next := a.text("hypervisors_links/0/href"); next == "" || len(w.call("admin@2.33", "GET", next, "").want(200).column("hypervisors", "id")) != 1 {
		t.Errorf("paging: %s", a.raw)
	}
	w.get("admin@2.87", "/os-hypervisors/statistics").check(map[string]any{"hypervisor_statistics/count": 2, "hypervisor_statistics/vcpus": 8, "hypervisor_statistics/running_vms": 1})
	w.call("admin@2.88", "GET", "/v2.1/os-hypervisors/statistics", "").want(404)
	w.get("admin@2.52", "/os-hypervisors/h/search").check(map[string]any{"hypervisors/0/hypervisor_hostname": "h1", "hypervisors/1/hypervisor_hostname": "h2"})
	w.get("admin@2.52", "/os-hypervisors/"+host.Name+"/servers").check(map[string]any{"hypervisors/0/servers/0/uuid": id, "hypervisors/1": nil})
	w.call("admin@2.52", "GET", "/v2.1/os-hypervisors/none/search", "").fails(404, "", "'none'")
	w.call("admin@2.53", "GET", "/v2.1/os-hypervisors/h/search", "").fails(404, "", "")
	w.call("admin@2.53", "GET", "/v2.1/os-hypervisors/"+host.ID+"/uptime", "").fails(501, "", "uptime")
	w.get("admin", "/os-aggregates").check(map[string]any{"aggregates": []int{}})
	w.call("admin@2.53", "GET", "/v2.1/os-hypervisors/none", "").fails(404, "", "'none' could not be found")
	w.call("ann", "GET", "/v2.1/os-hypervisors", "").fails(403, "", "compute:host:list")
}

// idOf renders an id that may be a number.
func idOf(v any) string {
	if n, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprint(v)
}

func TestServices(t *testing.T) {
	w := newWorld(t)
	base := []string{"binary", "disabled_reason", "host", "id", "state", "status", "updated_at", "zone"}
	for version, want := range map[string][]string{"2.1": base, "2.11": slices.Sorted(slices.Values(append(slices.Clone(base), "forced_down")))} {
		if got := w.get("admin@"+version, "/os-services").keys("services/0"); !slices.Equal(got, want) {
			t.Errorf("%s: members %v, want %v", version, got, want)
		}
	}
	w.get("admin@2.53", "/os-services?host=h1&binary=nova-compute").check(map[string]any{"services/0/id": h1, "services/0/binary": "nova-compute", "services/0/zone": "nova",
		"services/0/status": "enabled", "services/0/state": "up", "services/0/forced_down": false, "services/1": nil})
	put := func(at, path, body string) answer { return w.call(at, "PUT", "/v2.1/os-services/"+path, body) }
	put("admin@2.53", h1, `{"status":"disabled","disabled_reason":"repair"}`).want(200).check(map[string]any{"service/status": "disabled", "service/disabled_reason": "repair"})
	w.get("ann", "/os-availability-zone").check(map[string]any{"availabilityZoneInfo/0/zoneState/available": true})
	put("admin@2.53", h1, `{"status":"enabled","forced_down":true}`).want(200).check(map[string]any{"service/state": "down", "service/disabled_reason": nil})
	put("admin@2.53", h1, `{"forced_down":"false"}`).want(200).check(map[string]any{"service/state": "up"})
	put("admin@2.11", "disable-log-reason", `{"host":"h1","binary":"nova-compute","disabled_reason":"r"}`).want(200).check(map[string]any{"service/status": "disabled", "service/disabled_reason": "r"})
	put("admin", "enable", `{"host":"h1","binary":"nova-compute"}`).want(200).check(map[string]any{"service/status": "enabled"})
	put("admin", "enable", `{"host":"none","binary":"nova-compute"}`).fails(404, "", "on host none")
	before := w.revision()
	put("admin@2.53", h1, `{"status":"on"}`).fails(400, "/status", "'on' is not one of")
	put("admin@2.53", h1, `{"forced_down":"maybe"}`).fails(400, "/forced_down", "")
	put("admin@2.53", "none", `{"status":"enabled"}`).fails(404, "", "none could not be found")
	put("ann@2.53", h1, `{"status":"disabled"}`).fails(403, "", "")
	if w.revision() != before {
		t.Error("a refusal changed something")
	}
}

func TestZones(t *testing.T) {
	w := newWorld(t)
	w.get("ann", "/os-availability-zone").check(map[string]any{"availabilityZoneInfo": []any{map[string]any{"zoneName": "nova", "zoneState": map[string]bool{"available": true}, "hosts": nil}}})
	w.call("ann", "GET", "/v2.1/os-availability-zone/detail", "").fails(403, "", "")
	w.get("admin", "/os-availability-zone/detail").check(map[string]any{"availabilityZoneInfo/0/hosts/h1/nova-compute/active": true, "availabilityZoneInfo/0/hosts/h2/nova-compute/available": true})
	w.write(func(tx *statestore.Txn) error {
		for h := range compute.Hosts.All(tx) {
			if err := compute.HostDown(tx, h.ID); err != nil {
				return err
			}
		}
		return nil
	})
	w.get("ann", "/os-availability-zone").check(map[string]any{"availabilityZoneInfo/0/zoneState/available": false})
	w.post("ann", "/servers", `{"server":{"name":"x","imageRef":"img","flavorRef":"1"}}`).fails(409, "/server/flavorRef", "hosts")
}

func TestLimitsAndQuotas(t *testing.T) {
	w := newWorld(t)
	w.server("ann@2.37", "x", `"networks":"none"`)
	base := []string{"maxServerGroupMembers", "maxServerGroups", "maxServerMeta", "maxTotalCores", "maxTotalInstances", "maxTotalKeypairs", "maxTotalRAMSize",
		"totalCoresUsed", "totalInstancesUsed", "totalRAMUsed", "totalServerGroupsUsed"}
	files := []string{"maxPersonality", "maxPersonalitySize"}
	nets := []string{"maxSecurityGroupRules", "maxSecurityGroups", "maxTotalFloatingIps", "totalFloatingIpsUsed", "totalSecurityGroupsUsed"}
	for _, c := range []struct {
		version string
		want    []string
	}{
		{"2.1", slices.Concat(base, files, nets, []string{"maxImageMeta"})}, {"2.36", slices.Concat(base, files, []string{"maxImageMeta"})},
		{"2.39", slices.Concat(base, files)}, {"2.57", base}, {"2.90", base},
	} {
		slices.Sort(c.want)
		a := w.get("ann@"+c.version, "/limits")
		if got := a.keys("limits/absolute"); !slices.Equal(got, c.want) {
			t.Errorf("limits at %s:\n%v, want\n%v", c.version, got, c.want)
		}
		a.check(map[string]any{"limits/rate": []int{}, "limits/absolute/maxTotalInstances": 10, "limits/absolute/totalInstancesUsed": 1, "limits/absolute/totalRAMUsed": 512})
	}
	w.get("ann", "/limits?tenant_id=p1")
	w.call("ann", "GET", "/v2.1/limits?tenant_id=p2", "").fails(403, "", "")
	w.get("admin", "/limits?tenant_id=p1").check(map[string]any{"limits/absolute/totalInstancesUsed": 1})

	quotas := []string{"cores", "instances", "key_pairs", "metadata_items", "ram", "server_group_members", "server_groups"}
	injected := []string{"injected_file_content_bytes", "injected_file_path_bytes", "injected_files"}
	networks := []string{"fixed_ips", "floating_ips", "security_group_rules", "security_groups"}
	for _, c := range []struct {
		version string
		want    []string
	}{
		{"2.1", slices.Concat(quotas, injected, networks)}, {"2.36", slices.Concat(quotas, injected)}, {"2.57", quotas},
	} {
		set := slices.Sorted(slices.Values(append(c.want, "id")))
		for _, path := range []string{"/os-quota-sets/p1", "/os-quota-sets/p1/defaults", "/os-quota-sets/p1/detail"} {
			if got := w.get("ann@"+c.version, path).keys("quota_set"); !slices.Equal(got, set) {
				t.Errorf("%s at %s:\n%v, want\n%v", path, c.version, got, set)
			}
		}
	}
	w.get("ann", "/os-quota-sets/p1/detail").check(map[string]any{"quota_set/instances": map[string]int{"limit": 10, "in_use": 1, "reserved": 0}})
	put := func(at, body string) answer {
		return w.call(at, "PUT", "/v2.1/os-quota-sets/p1", `{"quota_set":`+body+`}`)
	}
	put("admin", `{"instances":"3","cores":-1,"floating_ips":5}`).want(200).check(map[string]any{"quota_set/instances": 3, "quota_set/cores": -1, "quota_set/id": nil})
	before := w.revision()
	put("admin", `{"instances":0}`).fails(400, "/quota_set/instances", "already used and reserved 1")
	put("admin", `{"instances":-2}`).fails(400, "/quota_set/instances", "minimum of -1")
	put("admin", `{"instances":"many"}`).fails(400, "/quota_set/instances", "'integer'")
	put("admin", `{"instances":true}`).fails(400, "/quota_set/instances", "'integer'")
	put("admin", `{"colours":1}`).fails(400, "/quota_set/colours", "no such limit")
	put("ann", `{"instances":99}`).fails(403, "", "")
	w.call("admin", "PUT", "/v2.1/os-quota-sets/p1", `{"quota":{}}`).fails(400, "", "quota_set")
	w.call("bob", "GET", "/v2.1/os-quota-sets/p1", "").fails(404, "", "")
	if w.revision() != before {
		t.Error("a refusal changed something")
	}
	put("admin", `{"instances":0,"force":true}`).want(200)
	w.post("ann", "/servers", `{"server":{"name":"x","imageRef":"img","flavorRef":"1"}}`).fails(403, "/server/flavorRef", "Quota exceeded for instances")
	w.call("admin", "DELETE", "/v2.1/os-quota-sets/p1", "").want(202)
	w.get("ann", "/os-quota-sets/p1").check(map[string]any{"quota_set/instances": 10})
	w.call("admin", "PUT", "/v2.1/os-quota-class-sets/default", `{"quota_class_set":{"instances":7}}`).want(200)
	w.get("ann", "/os-quota-sets/p1").check(map[string]any{"quota_set/instances": 7})
	w.get("ann@2.50", "/os-quota-class-sets/default").check(map[string]any{"quota_class_set/instances": 7, "quota_class_set/id": "default"})
}

func TestServerGroupsAPI(t *testing.T) {
	w := newWorld(t)
	a := w.post("ann@2.1", "/os-server-groups", `{"server_group":{"name":"g","policies":["anti-affinity"]}}`).want(200)
	id := a.text("server_group/id")
	for version, want := range map[string][]string{
		"2.1":  {"id", "members", "metadata", "name", "policies"},
		"2.13": {"id", "members", "metadata", "name", "policies", "project_id", "user_id"},
		"2.64": {"id", "members", "name", "policy", "project_id", "rules", "user_id"},
	} {
		if got := w.get("ann@"+version, "/os-server-groups/"+id).keys("server_group"); !slices.Equal(got, want) {
			t.Errorf("%s: members %v, want %v", version, got, want)
		}
		if got := w.get("ann@"+version, "/os-server-groups").keys("server_groups/0"); !slices.Equal(got, want) {
			t.Errorf("%s list: members %v, want %v", version, got, want)
		}
	}
	w.post("ann@2.64", "/os-server-groups", `{"server_group":{"name":"r","policy":"anti-affinity","rules":{"max_server_per_host":"2"}}}`).want(200).
		check(map[string]any{"server_group/policy": "anti-affinity", "server_group/rules/max_server_per_host": 2})
	member := w.post("ann@2.71", "/servers", `{"server":{"name":"x","imageRef":"img","flavorRef":"1","networks":"none"},"os:scheduler_hints":{"group":"`+id+`"}}`).want(202).text("server/id")
	w.get("ann@2.71", "/servers/"+member).check(map[string]any{"server/server_groups": []string{id}})
	w.get("ann", "/os-server-groups/"+id).check(map[string]any{"server_group/members": []string{member}, "server_group/policies": []string{"anti-affinity"}})
	before := w.revision()
	for _, c := range []struct{ at, group, field string }{
		{"ann", `{"name":"x","policies":["near"]}`, "/server_group/policies/0"},
		{"ann@2.64", `{"name":"x","policy":"near"}`, "/server_group/policy"},
		{"ann", `{"name":"x","policies":["affinity"],"rules":{}}`, "/server_group/rules"},
		{"ann", `{"name":"x","policies":[]}`, "/server_group/policies"},
		{"ann", `{"name":"","policies":["affinity"]}`, "/server_group/name"},
		{"ann", `{"name":"x","policy":"affinity"}`, "/server_group/policy"},
		{"ann@2.64", `{"name":"x","policies":["affinity"]}`, "/server_group/policies"},
		{"ann@2.64", `{"name":"x","policy":"affinity","rules":{"max_server_per_host":2}}`, "/server_group/rules"},
		{"ann@2.64", `{"name":"x","policy":"affinity","rules":{"x":2}}`, "/server_group/rules/x"},
	} {
		w.post(c.at, "/os-server-groups", `{"server_group":`+c.group+`}`).fails(400, c.field, "")
	}
	w.call("bob", "GET", "/v2.1/os-server-groups/"+id, "").fails(404, "", "")
	w.call("bob", "DELETE", "/v2.1/os-server-groups/"+id, "").fails(404, "", "")
	if w.revision() != before {
		t.Error("a refusal changed something")
	}
	if n := len(w.get("bob", "/os-server-groups").column("server_groups", "id")); n != 0 {
		t.Errorf("bob sees %d groups", n)
	}
	if n := len(w.get("admin", "/os-server-groups?all_projects=true").column("server_groups", "id")); n != 2 {
		t.Errorf("the admin sees %d groups", n)
	}
	w.call("ann", "DELETE", "/v2.1/os-server-groups/"+id, "").want(204)
	w.get("ann@2.71", "/servers/"+member).check(map[string]any{"server/server_groups": []string{}})
}

func TestExtensions(t *testing.T) {
	w := newWorld(t)
	if got := w.get("ann", "/extensions").column("extensions", "alias"); !slices.Contains(got, "os-keypairs") {
		t.Errorf("%v", got)
	}
	w.get("ann", "/extensions/os-keypairs").check(map[string]any{"extension/name": "Keypairs"})
	w.call("ann", "GET", "/v2.1/extensions/none", "").fails(404, "", "none")
}
