package nova

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestServerLife(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann", "x", "")
	act := func(at, body string) answer {
		t.Helper()
		return w.post(at, "/servers/"+id+"/action", body)
	}
	is := func(status string, task any) {
		t.Helper()
		w.get("ann", "/servers/"+id).check(map[string]any{"server/status": status, "server/OS-EXT-STS:task_state": task})
	}
	act("ann", `{"os-start":null}`).fails(409, "", "Cannot 'start' instance "+id+" while it is in vm_state active")
	act("ann", `{"os-stop":null}`).want(202)
	is("ACTIVE", "powering-off")
	act("ann", `{"os-stop":null}`).fails(409, "", "task_state powering-off")
	w.observe(id, compute.Observed{Power: compute.Stopped})
	is("SHUTOFF", nil)
	act("ann", `{"reboot":{"type":"SOFT"}}`).fails(409, "", "Cannot 'reboot'")
	act("ann", `{"os-start":{}}`).want(202)
	is("SHUTOFF", "powering-on")
	w.observe(id, compute.Observed{Power: compute.Running})
	act("ann", `{"reboot":{"type":"soft"}}`).want(202)
	is("REBOOT", "rebooting")
	act("ann", `{"reboot":{"type":"HARD"}}`).want(202)
	is("HARD_REBOOT", "rebooting_hard")
	w.observe(id, compute.Observed{Power: compute.Running})
	is("ACTIVE", nil)

	act("ann@2.73", `{"lock":{"locked_reason":"mine"}}`).want(202)
	w.get("ann@2.73", "/servers/"+id).check(map[string]any{"server/locked": true, "server/locked_reason": "mine"})
	act("ann", `{"os-stop":null}`).fails(409, "", "is locked")
	act("ann", `{"unlock":null}`).want(202)
	act("ann@2.72", `{"lock":{"locked_reason":"mine"}}`).fails(400, "/lock/locked_reason", "was unexpected")
	act("ann", `{"lock":null}`).want(202)
	act("ann", `{"unlock":null}`).want(202)

	act("ann", `{"os-resetState":{"state":"error"}}`).fails(403, "", "compute:instance:reset_state")
	act("admin", `{"os-resetState":{"state":"error"}}`).want(202)
	is("ERROR", nil)
	act("admin", `{"os-resetState":{"state":"active"}}`).want(202)

	before := w.revision()
	act("ann", `{"reboot":{"type":"MEDIUM"}}`).fails(400, "/reboot/type", "'MEDIUM' is not one of")
	act("ann", `{"reboot":{}}`).fails(400, "/reboot/type", "")
	act("ann", `{"reboot":{"type":"SOFT","force":true}}`).fails(400, "/reboot/force", "'force' was unexpected")
	act("ann", `{"os-stop":5}`).fails(400, "/os-stop", "null")
	act("ann", `{"fly":null}`).fails(400, "", "no such action: fly")
	act("ann", `{"os-stop":null,"os-start":null}`).fails(400, "", "exactly one member")
	act("ann", `{}`).fails(400, "", "exactly one member")
	act("ann", `[]`).fails(400, "", "")
	act("rita", `{"os-stop":null}`).fails(403, "", "compute:instance:stop")
	act("bob", `{"os-stop":null}`).fails(404, "", "")
	if w.revision() != before {
		t.Error("a refused action changed something")
	}

	w.call("bob", "DELETE", "/v2.1/servers/"+id, "").fails(404, "", "")
	w.call("ann", "DELETE", "/v2.1/servers/"+id, "").want(204)
	is("ACTIVE", "deleting")
	act("ann", `{"os-stop":null}`).fails(409, "", "task_state deleting")
	w.observe(id, compute.Observed{Gone: true})
	w.call("ann", "GET", "/v2.1/servers/"+id, "").fails(404, "", "Instance "+id+" could not be found.")
	w.call("ann", "DELETE", "/v2.1/servers/"+id, "").fails(404, "", "could not be found")
	if n := network.Ports.Len(w.store.Snapshot()); n != 0 {
		t.Errorf("%d ports are left", n)
	}
}

func TestConsole(t *testing.T) {
	w := newWorld(t)
	id := w.server("ann", "x", "")
	ask := func(body string) answer {
		return w.post("ann", "/servers/"+id+"/action", `{"os-getConsoleOutput":`+body+`}`)
	}
	ask(`{}`).fails(409, "", "is not ready")
	w.observe(id, compute.Observed{Power: compute.Running})
	w.console.out = []byte("one\ntwo\n\xff\n")
	ask(`{}`).want(200).check(map[string]any{"output": "one\ntwo\n\uFFFD\n"})
	ask(`null`).want(200)
	ask(`{"length":-1}`).want(200).check(map[string]any{"output": "one\ntwo\n\uFFFD\n"})
	ask(`{"length":"1"}`).want(200).check(map[string]any{"output": "\uFFFD"})
	ask(`{"length":2}`).want(200).check(map[string]any{"output": "two\n\uFFFD"})
	ask(`{"length":null}`).want(200)
	for _, bad := range []string{`"x"`, `-2`, `1.5`, `[]`, `true`} {
		ask(`{"length":`+bad+`}`).fails(400, "/os-getConsoleOutput/length", "")
	}
	w.console.err = cloud.Errorf(cloud.Unavailable, "host", "Host h1 does not answer.")
	ask(`{}`).fails(503, "", "does not answer")
	w.console.err = cloud.Errorf(cloud.NotFound, "instance", "no log")
	ask(`{}`).fails(404, "", "has written nothing yet")
}

func TestInstanceActions(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann", "x", "")
	stop := w.post("ann", "/servers/"+id+"/action", `{"os-stop":null}`).want(202).header.Get("X-Openstack-Request-Id")
	w.observe(id, compute.Observed{Power: compute.Stopped})
	w.post("ann", "/servers/"+id+"/action", `{"lock":null}`).want(202)
	path := "/servers/" + id + "/os-instance-actions"
	if got := w.get("ann", path).column("instanceActions", "action"); !slices.Equal(got, []string{"lock", "stop", "create"}) {
		t.Errorf("%v", got)
	}
	base := []string{"action", "instance_uuid", "message", "project_id", "request_id", "start_time", "user_id"}
	event := []string{"event", "finish_time", "result", "start_time"}
	for _, c := range []struct {
		at            string
		action, event []string
	}{
		{"ann@2.1", nil, nil},
		{"admin@2.1", []string{"events"}, []string{"traceback"}},
		{"ann@2.51", []string{"events"}, nil},
		{"ann@2.58", []string{"events", "updated_at"}, nil},
		{"ann@2.62", []string{"events", "updated_at"}, []string{"hostId"}},
		{"admin@2.62", []string{"events", "updated_at"}, []string{"host", "hostId", "traceback"}},
		{"ann@2.90", []string{"events", "updated_at"}, []string{"details", "hostId"}},
	} {
		a := w.get(c.at, path+"/"+stop)
		want := slices.Sorted(slices.Values(slices.Concat(base, c.action)))
		if got := a.keys("instanceAction"); !slices.Equal(got, want) {
			t.Errorf("%s: members %v, want %v", c.at, got, want)
		}
		if c.action == nil {
			continue
		}
		want = slices.Sorted(slices.Values(slices.Concat(event, c.event)))
		if got := a.keys("instanceAction/events/0"); !slices.Equal(got, want) {
			t.Errorf("%s: members of an event %v, want %v", c.at, got, want)
		}
		a.check(map[string]any{"instanceAction/action": "stop", "instanceAction/request_id": stop, "instanceAction/user_id": "ann", "instanceAction/message": nil,
			"instanceAction/events/0/event": "compute_stop_instance", "instanceAction/events/0/result": "Success"})
	}
	a := w.get("ann@2.58", path+"?limit=1")
	if a.text("links/0/rel") != "next" || !strings.Contains(a.text("links/0/href"), "marker=") {
		t.Errorf("%s", a.raw)
	}
	if got := w.call("ann@2.58", "GET", a.text("links/0/href"), "").want(200).column("instanceActions", "action"); !slices.Equal(got, []string{"stop"}) {
		t.Errorf("second page: %v", got)
	}
	w.call("ann", "GET", "/v2.1"+path+"/req-none", "").fails(404, "", "req-none")
	w.call("bob", "GET", "/v2.1"+path, "").fails(404, "", "")
}

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	id := w.server("ann", "x", `"metadata":{"a":"1"}`)
	path := "/servers/" + id + "/metadata"
	w.post("ann", path, `{"metadata":{"b":"2"}}`).want(200).check(map[string]any{"metadata": map[string]string{"a": "1", "b": "2"}})
	w.call("ann", "PUT", "/v2.1"+path, `{"metadata":{"c":"3"}}`).want(200).check(map[string]any{"metadata": map[string]string{"c": "3"}})
	w.call("ann", "PUT", "/v2.1"+path+"/d", `{"meta":{"d":"4"}}`).want(200).check(map[string]any{"meta": map[string]string{"d": "4"}})
	w.get("ann", path).check(map[string]any{"metadata": map[string]string{"c": "3", "d": "4"}})
	w.get("ann", path+"/d").check(map[string]any{"meta/d": "4"})
	w.call("ann", "DELETE", "/v2.1"+path+"/d", "").want(204)
	w.call("ann", "DELETE", "/v2.1"+path+"/d", "").fails(404, "", "Metadata item was not found")
	w.call("ann", "GET", "/v2.1"+path+"/d", "").fails(404, "", "Metadata item was not found")
	before := w.revision()
	w.post("ann", path, `{"metadata":{"b":2}}`).fails(400, "/metadata/b", "not of type 'string'")
	w.post("ann", path, `{"metadata":{"b":null}}`).fails(400, "/metadata/b", "not of type 'string'")
	w.call("ann", "PUT", "/v2.1"+path+"/d", `{"meta":{"d":null}}`).fails(400, "/meta/d", "null is not of type")
	w.post("ann", path, `{}`).fails(400, "/metadata", "required")
	w.post("ann", path, `{"metadata":{"":"x"}}`).fails(400, "/metadata/", "1 to 255")
	w.post("ann", path, `{"metadata":{"x":"`+strings.Repeat("v", 256)+`"}}`).fails(400, "/metadata/x", "255")
	w.call("ann", "PUT", "/v2.1"+path+"/d", `{"meta":{"e":"4"}}`).fails(400, "", "mismatch")
	w.call("rita", "PUT", "/v2.1"+path, `{"metadata":{}}`).fails(403, "", "")
	if w.revision() != before {
		t.Error("a refusal changed something")
	}
	w.write(quota("p1", compute.QuotaMetadata, 1))
	w.post("ann", path, `{"metadata":{"x":"y"}}`).fails(403, "/metadata", "exceeds 1")
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	id := w.server("ann", "x", "")
	path := "/servers/" + id + "/tags"
	w.call("ann@2.25", "GET", "/v2.1"+path, "").want(404)
	w.call("ann@2.26", "PUT", "/v2.1"+path, `{"tags":["b","a"]}`).want(200).check(map[string]any{"tags": []string{"a", "b"}})
	a := w.call("ann@2.26", "PUT", "/v2.1"+path+"/c", "").want(201)
	if got := a.header.Get("Location"); got != w.url+"/compute/v2.1"+path+"/c" {
		t.Errorf("Location %q", got)
	}
	w.call("ann@2.26", "PUT", "/v2.1"+path+"/c", "").want(204)
	w.call("ann@2.26", "GET", "/v2.1"+path+"/c", "").want(204)
	w.call("ann@2.26", "DELETE", "/v2.1"+path+"/c", "").want(204)
	w.call("ann@2.26", "DELETE", "/v2.1"+path+"/c", "").fails(404, "", "no tag 'c'")
	w.call("ann@2.26", "GET", "/v2.1"+path+"/c", "").fails(404, "", "no tag 'c'")
	w.call("ann@2.26", "PUT", "/v2.1"+path, `{"tags":["a,b"]}`).fails(400, "/tags", "1 to 60")
	w.call("ann@2.26", "PUT", "/v2.1"+path, `{"tags":"a"}`).fails(400, "/tags", "'array'")
	w.get("ann@2.26", path).check(map[string]any{"tags": []string{"a", "b"}})
	w.call("ann@2.26", "DELETE", "/v2.1"+path, "").want(204)
	w.get("ann@2.26", path).check(map[string]any{"tags": []string{}})
}

func TestInterfaces(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann@2.37", "x", `"networks":"none"`)
	path := "/servers/" + id + "/os-interface"
	a := w.post("ann@2.70", path, `{"interfaceAttachment":{"net_id":"`+w.network+`","fixed_ips":[{"ip_address":"10.1.0.8"}],"tag":"t"}}`).want(200)
	if got := a.keys("interfaceAttachment"); !slices.Equal(got, []string{"fixed_ips", "mac_addr", "net_id", "port_id", "port_state", "tag"}) {
		t.Errorf("members %v", got)
	}
	port := a.check(map[string]any{"interfaceAttachment/fixed_ips/0/ip_address": "10.1.0.8", "interfaceAttachment/net_id": w.network, "interfaceAttachment/tag": "t",
		"interfaceAttachment/port_state": "DOWN"}).text("interfaceAttachment/port_id")
	if got := w.get("ann@2.69", path+"/"+port).keys("interfaceAttachment"); slices.Contains(got, "tag") {
		t.Errorf("members at 2.69 %v", got)
	}
	w.get("ann", path).check(map[string]any{"interfaceAttachments/0/port_id": port})
	w.get("ann", "/servers/"+id).check(map[string]any{"server/addresses/net/0/addr": "10.1.0.8"})
	var own network.Port
	w.write(func(tx *statestore.Txn) (err error) {
		own, err = network.PortCreate(tx, people["ann"], network.PortSpec{NetworkID: w.network})
		return err
	})
	w.post("ann", path, `{"interfaceAttachment":{"port_id":"`+own.ID+`"}}`).want(200)
	before := w.revision()
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{"port_id":"` + own.ID + `"}`, 409, ""},
		{`{"port_id":"none"}`, 400, "/interfaceAttachment/port_id"},
		{`{"net_id":"none"}`, 400, "/interfaceAttachment/net_id"},
		{`{"net_id":"` + w.network + `","port_id":"` + own.ID + `"}`, 400, "/interfaceAttachment/net_id"},
		{`{"fixed_ips":[{"ip_address":"10.1.0.9"}]}`, 400, "/interfaceAttachment/fixed_ips"},
		{`{"net_id":"` + w.network + `","fixed_ips":[{"ip_address":"10.9.0.9"}]}`, 400, "/interfaceAttachment/fixed_ips/0/ip_address"},
		{`{"net_id":"` + w.network + `","fixed_ips":[{"ip_address":"nine"}]}`, 400, "/interfaceAttachment/fixed_ips/0/ip_address"},
		{`{"net_id":"` + w.network + `","fixed_ips":[{"ip_address":"10.1.0.8"}]}`, 409, "/interfaceAttachment/fixed_ips/0/ip_address"},
		{`{"net":"x"}`, 400, "/interfaceAttachment/net"},
		{`{"fixed_ips":[{"ip_address":7}]}`, 400, "/interfaceAttachment/fixed_ips/0/ip_address"},
	} {
		w.post("ann", path, `{"interfaceAttachment":`+c.body+`}`).fails(c.status, c.field, "")
	}
	w.call("bob", "DELETE", "/v2.1"+path+"/"+port, "").fails(404, "", "")
	w.call("rita", "DELETE", "/v2.1"+path+"/"+port, "").fails(403, "", "")
	w.call("ann", "DELETE", "/v2.1"+path+"/none", "").fails(404, "", "")
	if w.revision() != before {
		t.Error("a refusal changed something")
	}
	for _, p := range []string{port, own.ID} {
		w.call("ann", "DELETE", "/v2.1"+path+"/"+p, "").want(202)
		w.call("ann", "GET", "/v2.1"+path+"/"+p, "").fails(404, "", "")
	}
	if _, there := network.Ports.Get(w.store.Snapshot(), port); there {
		t.Error("the port that the attach made is still there")
	}
	if _, there := network.Ports.Get(w.store.Snapshot(), own.ID); !there {
		t.Error("the user's own port is gone")
	}
}

func TestServerSecurityGroups(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann", "x", "")
	var g network.SecurityGroup
	w.write(func(tx *statestore.Txn) (err error) {
		if g, err = network.SecurityGroupCreate(tx, people["ann"], network.GroupSpec{Name: "web"}); err != nil {
			return err
		}
		_, err = network.SecurityGroupCreate(tx, people["bob"], network.GroupSpec{Name: "bob's"})
		return err
	})
	act := func(body string) answer { return w.post("ann", "/servers/"+id+"/action", body) }
	act(`{"addSecurityGroup":{"name":"web"}}`).want(202)
	if got := w.get("ann", "/servers/"+id).column("server/security_groups", "name"); !slices.Equal(got, []string{"default", "web"}) {
		t.Errorf("%v", got)
	}
	if got := w.get("ann", "/servers/"+id+"/os-security-groups").column("security_groups", "name"); !slices.Equal(got, []string{"default", "web"}) {
		t.Errorf("%v", got)
	}
	act(`{"removeSecurityGroup":{"name":"` + g.ID + `"}}`).want(202)
	act(`{"removeSecurityGroup":{"name":"web"}}`).fails(400, "", "not associated")
	act(`{"addSecurityGroup":{"name":"bob's"}}`).fails(404, "", "")
	act(`{"addSecurityGroup":{"name":""}}`).fails(400, "/addSecurityGroup/name", "")
	act(`{"addSecurityGroup":{"id":"x"}}`).fails(400, "/addSecurityGroup/id", "was unexpected")
	if got := w.get("ann", "/servers/"+id).column("server/security_groups", "name"); !slices.Equal(got, []string{"default"}) {
		t.Errorf("%v", got)
	}
}
