package nova

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func quota(project, name string, n int) func(tx *statestore.Txn) error {
	return func(tx *statestore.Txn) error { return compute.QuotaSet(tx, project, map[string]int{name: n}, true) }
}

// The members of a server by microversion, as Nova's API reference lists them.
func TestServerShape(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann@2.90", "web", `"networks":"auto","metadata":{"k":"v"},"tags":["t"],"description":"d"`)
	members := []string{"OS-DCF:diskConfig", "OS-EXT-AZ:availability_zone", "OS-EXT-STS:power_state", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state",
		"OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "accessIPv4", "accessIPv6", "addresses", "config_drive", "created", "flavor", "hostId", "id",
		"image", "key_name", "links", "metadata", "name", "os-extended-volumes:volumes_attached", "progress", "security_groups", "status", "tenant_id",
		"updated", "user_id"}
	admins := []string{"OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name"}
	for _, step := range []struct {
		version     string
		all, admins []string
	}{
		{"2.1", nil, nil},
		{"2.3", []string{"OS-EXT-SRV-ATTR:user_data"}, []string{"OS-EXT-SRV-ATTR:hostname", "OS-EXT-SRV-ATTR:kernel_id", "OS-EXT-SRV-ATTR:launch_index",
			"OS-EXT-SRV-ATTR:ramdisk_id", "OS-EXT-SRV-ATTR:reservation_id", "OS-EXT-SRV-ATTR:root_device_name"}},
		{"2.9", []string{"locked"}, nil},
		{"2.16", nil, []string{"host_status"}},
		{"2.19", []string{"description"}, nil},
		{"2.26", []string{"tags"}, nil},
		{"2.47", nil, nil},
		{"2.63", []string{"trusted_image_certificates"}, nil},
		{"2.71", []string{"server_groups"}, nil},
		{"2.73", []string{"locked_reason"}, nil},
		{"2.79", nil, nil},
		{"2.90", []string{"OS-EXT-SRV-ATTR:hostname"}, nil},
	} {
		members = append(members, step.all...)
		admins = append(admins, step.admins...)
		for _, who := range []string{"ann", "admin"} {
			want := slices.Clone(members)
			if who == "admin" {
				want = append(want, admins...)
			}
			slices.Sort(want)
			want = slices.Compact(want)
			a := w.get(who+"@"+step.version, "/servers/"+id)
			if got := a.keys("server"); !slices.Equal(got, want) {
				t.Errorf("%s at %s: members\n%v, want\n%v", who, step.version, got, want)
			}
			flavor := []string{"id", "links"}
			if slices.Contains([]string{"2.47", "2.63", "2.71", "2.73", "2.79", "2.90"}, step.version) {
				flavor = []string{"disk", "ephemeral", "extra_specs", "original_name", "ram", "swap", "vcpus"}
			}
			if got := a.keys("server/flavor"); !slices.Equal(got, flavor) {
				t.Errorf("flavor at %s: members %v, want %v", step.version, got, flavor)
			}
			// In lists the server groups are left out (2.71).
			want = slices.DeleteFunc(want, func(s string) bool { return s == "server_groups" })
			query := map[string]string{"ann": "", "admin": "?all_tenants=1"}[who]
			if got := w.get(who+"@"+step.version, "/servers/detail"+query).keys("servers/0"); !slices.Equal(got, want) {
				t.Errorf("detail for %s at %s: members\n%v, want\n%v", who, step.version, got, want)
			}
		}
	}
}

func TestServerValues(t *testing.T) {
	w := newWorld(t)
	w.post("ann", "/os-keypairs", `{"keypair":{"name":"k","public_key":"`+publicKey+`"}}`).want(200)
	a := w.post("ann@2.90", "/servers", fmt.Sprintf(`{"server":{"name":"web 1","imageRef":"%s/compute/images/img","flavorRef":"%s/compute/v2.1/flavors/1",
		"networks":[{"uuid":%q,"fixed_ip":"10.1.0.9","tag":"n"}],"key_name":"k","metadata":{"k":"v"},"tags":["t"],"description":"d","user_data":"aGk=","config_drive":true,
		"accessIPv4":"192.0.2.7","availability_zone":"nova","security_groups":[{"name":"default"}],"OS-DCF:diskConfig":"AUTO","adminPass":"given"},
		"os:scheduler_hints":{"different_host":["%s"]}}`, w.url, w.url, w.network, "11111111-1111-4111-8111-111111111111")).want(202)
	id := a.text("server/id")
	a.check(map[string]any{"server/adminPass": "given", "server/OS-DCF:diskConfig": "AUTO", "server/security_groups": []map[string]string{{"name": "default"}},
		"server/links/0/href": w.url + "/compute/v2.1/servers/" + id, "server/links/1/rel": "bookmark"})
	if got := a.header.Get("Location"); got != w.url+"/compute/v2.1/servers/"+id {
		t.Errorf("Location %q", got)
	}
	w.get("ann@2.90", "/servers/"+id).check(map[string]any{"server/status": "BUILD", "server/OS-EXT-STS:task_state": "spawning", "server/OS-EXT-STS:vm_state": "building",
		"server/OS-EXT-STS:power_state": 0, "server/OS-SRV-USG:launched_at": nil, "server/progress": 0})
	w.observe(id, compute.Observed{Power: compute.Running})
	a = w.get("ann@2.90", "/servers/"+id).check(map[string]any{
		"server/status": "ACTIVE", "server/OS-EXT-STS:task_state": nil, "server/OS-EXT-STS:vm_state": "active", "server/OS-EXT-STS:power_state": 1,
		"server/name": "web 1", "server/OS-EXT-SRV-ATTR:hostname": "web-1", "server/description": "d", "server/tags": []string{"t"},
		"server/metadata": map[string]string{"k": "v"}, "server/key_name": "k", "server/config_drive": "True", "server/tenant_id": "p1", "server/user_id": "ann",
		"server/image/id": "img", "server/flavor/original_name": "m1.tiny", "server/flavor/ram": 512, "server/accessIPv4": "192.0.2.7", "server/accessIPv6": "",
		"server/OS-EXT-AZ:availability_zone": "nova", "server/OS-DCF:diskConfig": "AUTO", "server/OS-EXT-SRV-ATTR:user_data": "aGk=",
		"server/addresses/net/0/addr": "10.1.0.9", "server/addresses/net/0/version": 4, "server/addresses/net/0/OS-EXT-IPS:type": "fixed",
		"server/security_groups": []map[string]string{{"name": "default"}}, "server/os-extended-volumes:volumes_attached": []int{},
		"server/locked": false, "server/locked_reason": nil, "server/trusted_image_certificates": nil, "server/server_groups": []string{},
	})
	if len(a.text("server/hostId")) != 56 || len(a.text("server/addresses/net/0/OS-EXT-IPS-MAC:mac_addr")) != 17 {
		t.Errorf("%s", a.raw)
	}
	for path, layout := range map[string]string{"server/created": time.RFC3339, "server/OS-SRV-USG:launched_at": "2006-01-02T15:04:05.000000"} {
		if _, err := time.Parse(layout, a.text(path)); err != nil {
			t.Error(err)
		}
	}
	w.get("admin@2.90", "/servers/"+id).check(map[string]any{"server/OS-EXT-SRV-ATTR:instance_name": "instance-" + id[:8], "server/host_status": "UP",
		"server/OS-EXT-SRV-ATTR:root_device_name": "/dev/vda", "server/OS-EXT-SRV-ATTR:launch_index": 0})
	w.get("ann@2.90", "/servers/"+id+"/ips").check(map[string]any{"addresses/net/0/addr": "10.1.0.9"})
	w.get("ann@2.90", "/servers/"+id+"/ips/net").check(map[string]any{"net/0/version": 4})
	w.call("ann", "GET", "/v2.1/servers/"+id+"/ips/none", "").fails(404, "", "not a member")
	w.get("ann", "/servers/"+id+"/os-volume_attachments").check(map[string]any{"volumeAttachments": []int{}})
	w.get("ann", "/servers/"+id+"/os-security-groups").check(map[string]any{"security_groups/0/name": "default", "security_groups/0/tenant_id": "p1"})

	a = w.call("ann@2.90", "GET", "/v2.1/servers/"+id, "", "Cloudlet-Intent", "true").want(200)
	a.check(map[string]any{"server/cloudlet:intent/networks/0/fixed_ip": "10.1.0.9", "server/cloudlet:intent/networks/0/uuid": w.network, "server/cloudlet:intent/networks/0/made": true,
		"server/cloudlet:intent/networks/0/is/network_id": w.network, "server/cloudlet:intent/networks/0/is/fixed_ips/0/ip_address": "10.1.0.9",
		"server/cloudlet:intent/scheduler_hints/different_host/0": "11111111-1111-4111-8111-111111111111", "server/cloudlet:intent/flavor_id": "1",
		"server/cloudlet:intent/availability_zone": "nova", "server/cloudlet:intent/security_groups": []string{"default"}})
}

func TestServerErrorIsTold(t *testing.T) {
	w := newWorld(t)
	id := w.server("ann", "x", "")
	w.observe(id, compute.Observed{Fault: "The disk is full.", FaultDetails: "ENOSPC on h1"})
	a := w.get("ann", "/servers/"+id).check(map[string]any{"server/status": "ERROR", "server/fault/code": 500, "server/fault/message": "The disk is full."})
	if strings.Contains(a.raw, "ENOSPC") || a.text("server/fault/created") == "" {
		t.Errorf("%s", a.raw)
	}
	w.get("admin", "/servers/"+id).check(map[string]any{"server/fault/details": "ENOSPC on h1"})
}

func TestServerUpdate(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann", "x", "")
	path := "/v2.1/servers/" + id
	w.call("ann@2.90", "PUT", path, `{"server":{"name":"y","description":"d","hostname":"h","accessIPv6":"2001:db8::1","user_data":"aGk=","OS-DCF:diskConfig":"AUTO"}}`).want(200).
		check(map[string]any{"server/name": "y", "server/description": "d", "server/OS-EXT-SRV-ATTR:hostname": "h", "server/accessIPv6": "2001:db8::1", "server/id": id})
	w.get("ann@2.90", "/servers/"+id).check(map[string]any{"server/name": "y", "server/OS-EXT-SRV-ATTR:user_data": "aGk=", "server/OS-DCF:diskConfig": "AUTO"})
	before := w.revision()
	for _, c := range []struct{ at, body, field, says string }{
		{"ann@2.18", `{"description":"d"}`, "/server/description", "was unexpected"},
		{"ann@2.89", `{"hostname":"h"}`, "/server/hostname", "was unexpected"},
		{"ann@2.90", `{"hostname":"h.example"}`, "/server/hostname", "RFC 1123"},
		{"ann", `{"name":""}`, "/server/name", "1 to 255"},
		{"ann", `{"name":["a"]}`, "/server/name", "not of type 'string'"},
		{"ann", `{"accessIPv4":"x"}`, "/server/accessIPv4", "IPv4"},
		{"ann", `{"OS-DCF:diskConfig":"auto"}`, "/server/OS-DCF:diskConfig", "'auto' is not one of"},
		{"ann", `{"user_data":"#!"}`, "/server/user_data", "base 64"},
		{"ann", `{"flavorRef":"2"}`, "/server/flavorRef", "'flavorRef' was unexpected"},
	} {
		w.call(c.at, "PUT", path, `{"server":`+c.body+`}`).fails(400, c.field, c.says)
	}
	if w.revision() != before {
		t.Error("a refused update changed something")
	}
	w.call("rita", "PUT", path, `{"server":{"name":"z"}}`).fails(403, "", "compute:instance:update")
	w.call("bob", "PUT", path, `{"server":{"name":"z"}}`).fails(404, "", "could not be found")
}

func TestServerMany(t *testing.T) {
	w := newWorld(t)
	a := w.post("ann", "/servers", `{"server":{"name":"web","imageRef":"img","flavorRef":1,"min_count":"2","max_count":3,"return_reservation_id":true}}`).want(202)
	r := a.text("reservation_id")
	got := w.get("ann", "/servers?sort_key=launch_index&sort_dir=asc&reservation_id="+r).column("servers", "name")
	if !slices.Equal(got, []string{"web-1", "web-2", "web-3"}) {
		t.Errorf("%v", got)
	}
	w.write(quota("p1", compute.QuotaInstances, 4))
	w.post("ann", "/servers", `{"server":{"name":"web","imageRef":"img","flavorRef":"1","min_count":2}}`).fails(403, "/server/flavorRef", "Quota exceeded for instances: Requested 2, but already used 3 of 4 instances")
	w.write(quota("p1", compute.QuotaInstances, 1000))
	w.post("ann", "/servers", `{"server":{"name":"big","imageRef":"img","flavorRef":"5"}}`).fails(409, "/server/flavorRef", "2 hosts")
}

// A client that waits hears at once of what its host reports.
func TestServerWait(t *testing.T) {
	w := newWorld(t)
	id := w.server("ann", "x", "")
	tag := w.get("ann", "/servers/"+id).header.Get("ETag")
	w.call("ann", "GET", "/v2.1/servers/"+id, "", "If-None-Match", tag).want(304)
	done := make(chan answer)
	go func() {
		done <- w.call("ann", "GET", "/v2.1/servers/"+id, "", "If-None-Match", tag, "Prefer", "wait=30")
	}()
	w.observe(id, compute.Observed{Power: compute.Running})
	(<-done).want(200).check(map[string]any{"server/status": "ACTIVE"})
}
