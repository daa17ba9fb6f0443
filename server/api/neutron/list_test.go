package neutron_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestFilters(t *testing.T) {
	c := start(t)
	red := c.make(ann, "networks", `"name":"red","tags":["a","b"],"description":""`).text("id")
	blue := c.make(ann, "networks", `"name":"blue","tags":["b"],"admin_state_up":false,"mtu":1400`).text("id")
	green := c.make(ann, "networks", `"name":"green"`).text("id")
	flat := c.make(admin, "networks", `"name":"flat","provider:network_type":"flat","provider:physical_network":"physnet1","router:external":true`).text("id")
	sub := c.subnet(ann, red)
	p1 := c.make(ann, "ports", `"network_id":"`+red+`","device_id":"d1"`).text("id")
	p2 := c.make(ann, "ports", `"network_id":"`+red+`","fixed_ips":[{"ip_address":"10.0.0.77"}],"mac_address":"02:00:00:00:00:AA","security_groups":[]`).text("id")
	for _, tc := range []struct {
		token, collection, query string
		want                     []string
	}{
		{ann, "networks", "", []string{red, blue, green, flat}},
		{ann, "networks", "name=red", []string{red}},
		{ann, "networks", "name=red&name=blue", []string{red, blue}},
		{ann, "networks", "id=" + red + "&id=" + green, []string{red, green}},
		{ann, "networks", "name=red&id=" + blue, nil},
		{ann, "networks", "admin_state_up=False", []string{blue}},
		{ann, "networks", "mtu=1400", []string{blue}},
		{ann, "networks", "tenant_id=p1", []string{red, blue, green}},
		{ann, "networks", "project_id=p0", []string{flat}},
		{ann, "networks", "router:external=True", []string{flat}},
		{ann, "networks", "is_default=false", []string{flat}},
		{ann, "networks", "subnets=" + sub, []string{red}},
		{ann, "networks", "tags=a,b", []string{red}},
		{ann, "networks", "tags=b", []string{red, blue}},
		{ann, "networks", "tags-any=a,x", []string{red}},
		{ann, "networks", "not-tags=a,b", []string{blue, green, flat}},
		{ann, "networks", "not-tags-any=a,b", []string{green, flat}},
		{ann, "networks", "changed_since=2020-01-01T00:00:00Z", []string{red, blue, green, flat}},
		{ann, "networks", "changed_since=2999-01-01T00:00:00Z", nil},
		{ann, "networks", "provider:network_type=flat", nil}, // not told, not found
		{admin, "networks", "provider:network_type=flat", []string{flat}},
		{ann, "ports", "device_id=d1", []string{p1}},
		{ann, "ports", "device_id=", []string{p2}},
		{ann, "ports", "mac_address=02:00:00:00:00:aa", []string{p2}},
		{ann, "ports", "fixed_ips=ip_address=10.0.0.77", []string{p2}},
		{ann, "ports", "fixed_ips=subnet_id=" + sub, []string{p1, p2}},
		{ann, "ports", "fixed_ips=ip_address_substr=.0.7", []string{p2}},
		{ann, "ports", "fixed_ips=subnet_id%3D" + sub + "&fixed_ips=ip_address%3D10.0.0.77", []string{p2}},
		{ann, "ports", "status=DOWN&network_id=" + red, []string{p1, p2}},
		{ann, "subnets", "cidr=10.0.0.0/24&ip_version=4&network_id=" + red, []string{sub}},
		{ann, "ports", "security_groups=" + c.ids(ann, "security-groups", "")[0], []string{p1}},
		{ann, "security-groups", "name=default", c.ids(ann, "security-groups", "")},
		{ann, "security-group-rules", "direction=ingress&ethertype=IPv6&protocol=tcp", nil},
	} {
		got := c.ids(tc.token, tc.collection, tc.query)
		slices.Sort(got)
		slices.Sort(tc.want)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s?%s: got %v, want %v", tc.collection, tc.query, got, tc.want)
		}
	}
	o := c.ask(200, "GET", "/v2.0/networks/"+red+"?fields=name&fields=mtu&fields=nonsense", ann, "")
	if got := fmt.Sprint(o["network"]); got != "map[mtu:1450 name:red]" {
		t.Errorf("fields= selects %s", got)
	}
	c.refuses(t, []refusal{
		{"an unknown filter", "GET", "/networks?colour=red", ann, "", 400, "HTTPBadRequest", "", "'colour'"},
		{"an object as filter", "GET", "/subnets?allocation_pools=x", ann, "", 400, "HTTPBadRequest", "", "filtering"},
		{"a bad time", "GET", "/subnets?changed_since=yesterday", ann, "", 400, "InvalidInput", "", "yesterday"},
		{"an unknown sort key", "GET", "/networks?sort_key=colour", ann, "", 400, "HTTPBadRequest", "", "sort_keys"},
		{"a bad direction", "GET", "/networks?sort_key=name&sort_dir=up", ann, "", 400, "HTTPBadRequest", "", "'up'"},
		{"keys without directions", "GET", "/networks?sort_key=name&sort_key=id&sort_dir=asc", ann, "", 400, "HTTPBadRequest", "", "same"},
		{"a bad limit", "GET", "/networks?limit=-1", ann, "", 400, "InvalidInput", "", "'-1'"},
		{"an unknown marker", "GET", "/networks?marker=x", ann, "", 404, "NetworkNotFound", "", "x"},
	})
}

// links follows a page's links by name.
func links(o object, collection string) map[string]string {
	out := map[string]string{}
	list, _ := o[collection+"_links"].([]any)
	for _, l := range list {
		m := l.(map[string]any)
		out[m["rel"].(string)] = m["href"].(string)
	}
	return out
}

func TestPagesThereAndBack(t *testing.T) {
	c := start(t)
	var want []string
	for i := range 5 {
		want = append(want, c.network(ann, fmt.Sprintf(`"name":"n%d"`, i)))
	}
	page := func(url string) (names []string, next map[string]string) {
		o := c.ask(200, "GET", url, ann, "")
		for _, n := range o["networks"].([]any) {
			names = append(names, n.(map[string]any)["id"].(string))
		}
		return names, links(o, "networks")
	}
	var got []string
	names, next := page("/v2.0/networks?limit=1&sort_key=name&sort_dir=asc")
	for range 5 {
		got = append(got, names...)
		names, next = page(next["next"])
	}
	if !slices.Equal(got, want) || len(names) != 0 || next["next"] != "" {
		t.Fatalf("forth: %v then %v %v, want %v", got, names, next, want)
	}
	got = nil
	for range 5 {
		names, next = page(next["previous"])
		got = slices.Insert(got, 0, names...)
	}
	if names, next = page(next["previous"]); !slices.Equal(got, want) || len(names) != 0 || next["previous"] != "" {
		t.Errorf("back: %v then %v %v, want %v", got, names, next, want)
	}
	if names, next := page("/v2.0/networks?sort_key=name&sort_dir=desc&marker=" + want[3]); len(next) != 0 || names[0] != want[2] || len(names) != 3 {
		t.Errorf("without limit: %v %v", names, next)
	}
	if a, b := c.ids(ann, "networks", "sort_key=mtu&sort_key=name&sort_dir=asc&sort_dir=desc"), slices.Clone(want); true {
		slices.Reverse(b)
		if !slices.Equal(a, b) {
			t.Errorf("two keys: %v, want %v", a, b)
		}
	}
}

func TestRevisionsGuardChanges(t *testing.T) {
	c := start(t)
	id := c.network(ann, `"name":"a"`)
	path := "/v2.0/networks/" + id
	put := func(name, match string) answer {
		return c.call("PUT", path, ann, `{"network":{"name":"`+name+`"}}`, "If-Match", match)
	}
	if a := put("b", "revision_number=1"); a.status != 200 || !strings.Contains(a.body, `"revision_number":2`) {
		t.Errorf("the right revision: %d %s", a.status, a.body)
	}
	if a := put("c", "revision_number=1"); a.status != http.StatusPreconditionFailed || !strings.Contains(a.body, "RevisionNumberConstraintFailed") {
		t.Errorf("an old revision: %d %s", a.status, a.body)
	}
	if a := put("c", `"etag"`); a.status != 400 {
		t.Errorf("no revision: %d %s", a.status, a.body)
	}
	c.ask(412, "DELETE", path, ann, "", "If-Match", "revision_number=1")
	c.ask(204, "DELETE", path, ann, "", "If-Match", "revision_number=2")
}

func TestPlanSessionLeavesNothing(t *testing.T) {
	c := start(t)
	rows := func() string {
		r := c.store.Snapshot()
		return fmt.Sprint(network.Networks.Len(r), network.Subnets.Len(r), network.Ports.Len(r), network.SecurityGroups.Len(r), network.SecurityRules.Len(r))
	}
	before := rows()
	plan := []string{"Cloudlet-Plan", "s1"}
	const unknown = "00000000-0000-0000-0000-000000000000"
	n := c.make(ann, "networks", `"name":"n"`, plan...).text("id")
	c.make(ann, "subnets", `"network_id":"`+n+`","ip_version":4,"cidr":"10.0.0.0/24"`, plan...)
	c.make(ann, "ports", `"network_id":"`+n+`"`, plan...)
	// What the plan will make but has no id yet.
	c.make(ann, "subnets", `"network_id":"`+unknown+`","ip_version":4,"cidr":"10.0.0.0/24","gateway_ip":null`, plan...)
	c.make(ann, "ports", `"network_id":"`+unknown+`","mac_address":"02:00:00:00:00:01","fixed_ips":[{"subnet_id":"`+unknown+`","ip_address":"10.0.0.9"}],"security_groups":["`+unknown+`"],"port_security_enabled":true`, plan...)
	g := c.make(ann, "security-groups", `"name":"g"`, plan...).text("id")
	c.ask(201, "POST", "/v2.0/security-group-rules", ann, `{"security_group_rules":[{"security_group_id":"`+g+`","direction":"ingress","remote_group_id":"`+unknown+`"},{"security_group_id":"`+unknown+`","direction":"egress"}]}`, plan...)
	c.ask(200, "GET", "/v2.0/networks/"+unknown, ann, "", plan...)
	c.ask(200, "GET", "/v2.0/networks/"+n, ann, "", plan...)
	c.ask(404, "GET", "/v2.0/networks/"+n, ann, "")
	o := c.ask(200, "GET", "/v2.0/networks", ann, "", plan...)
	if got := len(o["networks"].([]any)); got != 1 {
		t.Errorf("the session lists %d networks, want the one it made", got)
	}
	a := c.call("POST", "/v2.0/subnets", ann, `{"subnet":{"network_id":"`+n+`","ip_version":4,"cidr":"10.0.0.0/16"}}`, plan...)
	if a.status != 400 || a.header.Get("Cloudlet-Field") != "/subnet/cidr" {
		t.Errorf("an overlap within the session: %d %s", a.status, a.body)
	}
	if after := rows(); after != before {
		t.Errorf("the session left rows: %s before, %s after", before, after)
	}
}

func TestBindingIsForAdmins(t *testing.T) {
	c := start(t)
	n := c.network(ann, "")
	id := c.make(ann, "ports", `"network_id":"`+n+`"`).text("id")
	c.write(func(tx *statestore.Txn) error {
		_, err := network.PortBind(tx, id, network.Binding{DeviceID: "i1", HostID: "h1", HostName: "host-1"})
		network.PortObserve(tx, id, true, "")
		return err
	})
	p := object(c.ask(200, "GET", "/v2.0/ports/"+id, admin, "")["port"].(map[string]any))
	if p["binding:host_id"] != "host-1" || p["binding:vif_type"] != "bridge" || fmt.Sprint(p["binding:vif_details"]) != "map[port_filter:true]" || p["status"] != "ACTIVE" || p["device_owner"] != "compute:nova" {
		t.Errorf("an admin is told %v", p)
	}
	p = object(c.ask(200, "GET", "/v2.0/ports/"+id, ann, "")["port"].(map[string]any))
	for name := range p {
		if strings.HasPrefix(name, "binding:") && name != "binding:vnic_type" {
			t.Errorf("a member is told %s", name)
		}
	}
	if p := c.ask(200, "PUT", "/v2.0/ports/"+id, ann, `{"port":{"admin_state_up":false}}`)["port"].(map[string]any); p["status"] != "DOWN" {
		t.Errorf("a port that carries nothing is %v", p["status"])
	}
	for token, told := range map[string]bool{ann: false, admin: true, system: true} {
		n := c.ask(200, "GET", "/v2.0/networks/"+n, token, "")["network"].(map[string]any)
		if _, ok := n["provider:network_type"]; ok != told {
			t.Errorf("%s is told of the segment: %t, want %t", token, ok, told)
		}
	}
}
