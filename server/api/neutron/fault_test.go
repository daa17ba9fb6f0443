package neutron_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/network"
)

// refusal is a call and the error that must answer it.
type refusal struct {
	what, method, path, token, body string
	status                          int
	kind, field, says               string
}

func (c *cloudOf) refuses(t *testing.T, list []refusal) {
	for _, r := range list {
		t.Run(r.what, func(t *testing.T) {
			a := c.call(r.method, "/v2.0"+r.path, r.token, r.body)
			var e struct {
				NeutronError struct{ Type, Message, Detail string }
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil && r.status >= 400 {
				t.Fatalf("%d %s: %v", a.status, a.body, err)
			}
			got := e.NeutronError
			if a.status != r.status || got.Type != r.kind || a.header.Get("Cloudlet-Field") != r.field || !strings.Contains(got.Message, r.says) {
				t.Errorf("\n got %d %s %q %q\nwant %d %s %q …%q…", a.status, got.Type, a.header.Get("Cloudlet-Field"), got.Message, r.status, r.kind, r.field, r.says)
			}
		})
	}
}

func TestBodiesAreDecodedStrictly(t *testing.T) {
	c := start(t)
	n := c.network(ann, `"name":"n"`)
	post := func(body string) (string, string, string, string) { return "POST", "/networks", ann, body }
	row := func(what, body, kind, field, says string) refusal {
		m, p, tok, b := post(body)
		return refusal{what, m, p, tok, b, 400, kind, field, says}
	}
	c.refuses(t, []refusal{
		row("nothing", "", "HTTPBadRequest", "", "empty"),
		row("another member", `{"net":{}}`, "HTTPBadRequest", "", "Unable to find 'network' in request body"),
		row("a member too many", `{"network":{},"x":1}`, "HTTPBadRequest", "/x", "Unrecognized"),
		row("no object", `{"network":[]}`, "HTTPBadRequest", "/network", "not an object"),
		row("null", `{"network":null}`, "HTTPBadRequest", "/network", "not an object"),
		row("an unknown attribute", `{"network":{"name":"x","colour":"red"}}`, "HTTPBadRequest", "/network/colour", "Unrecognized attribute(s) 'colour'"),
		row("an unknown attribute of a later one", `{"networks":[{"name":"x"},{"a/b":1}]}`, "HTTPBadRequest", "/networks/1/a~1b", "Unrecognized attribute(s) 'a/b'"),
		row("twice", `{"network":{"name":"x","name":"y"}}`, "HTTPBadRequest", "/network/name", "twice"),
		row("an empty bulk", `{"networks":[]}`, "HTTPBadRequest", "/networks", "Resource body required"),
		row("what is told, not given", `{"network":{"status":"DOWN"}}`, "HTTPBadRequest", "/network/status", "Attribute 'status' not allowed in POST"),
		row("a number for a name", `{"network":{"name":7}}`, "HTTPBadRequest", "/network/name", "Invalid input for name. Reason: '7' is not a valid string."),
		row("null for a name", `{"network":{"name":null}}`, "HTTPBadRequest", "/network/name", "not a valid string"),
		row("no boolean", `{"network":{"admin_state_up":"maybe"}}`, "HTTPBadRequest", "/network/admin_state_up", "'maybe' cannot be converted to boolean"),
		row("no number", `{"network":{"mtu":"big"}}`, "HTTPBadRequest", "/network/mtu", "not an integer"),
		row("an MTU of nothing", `{"network":{"mtu":0}}`, "HTTPBadRequest", "/network/mtu", "size"),
		row("another project", `{"network":{"project_id":"p2"}}`, "HTTPBadRequest", "/network/project_id", "requires admin privileges"),
		row("two projects", `{"network":{"project_id":"p1","tenant_id":"p2"}}`, "HTTPBadRequest", "/network/tenant_id", "different"),
		{"read-only", "PUT", "/networks/" + n, ann, `{"network":{"id":"x"}}`, 400, "HTTPBadRequest", "/network/id", "Cannot update read-only attribute id"},
		{"a bulk update", "PUT", "/networks/" + n, ann, `{"networks":[{"name":"x"}]}`, 400, "HTTPBadRequest", "", "Unable to find 'network'"},
		{"a subnet without network", "POST", "/subnets", ann, `{"subnet":{"ip_version":4,"cidr":"10.0.0.0/24"}}`, 400, "HTTPBadRequest", "/subnet/network_id", "Required attribute 'network_id' not specified"},
		{"a member of an element", "POST", "/ports", ann, `{"port":{"network_id":"` + n + `","fixed_ips":[{"subnet":"x"}]}}`, 400, "HTTPBadRequest", "/port/fixed_ips/0/subnet", "Unexpected keys supplied: subnet"},
		{"a zone twice", "POST", "/networks", ann, `{"network":{"availability_zone_hints":["nova","nova"]}}`, 400, "HTTPBadRequest", "/network/availability_zone_hints", "Duplicate"},
		{"a zone that is not there", "POST", "/networks", ann, `{"network":{"availability_zone_hints":["moon"]}}`, 404, "AvailabilityZoneNotFound", "/network/availability_zone_hints", "moon"},
	})
	if o := c.make(ann, "networks", `"admin_state_up":"False","mtu":"1400","tenant_id":"p1"`); o["admin_state_up"] != false || o["mtu"] != 1400.0 {
		t.Errorf("values as strings became %v", o)
	}
}

func TestOnlyThoseWhoMay(t *testing.T) {
	c := start(t)
	mine, shared := c.network(ann, `"name":"mine"`), c.network(admin, `"name":"shared","shared":true`)
	c.subnet(ann, mine)
	sub := c.subnet(admin, shared)
	outside := c.subnet(admin, c.network(admin, `"name":"outside","router:external":true`))
	port := c.make(ann, "ports", `"network_id":"`+mine+`"`).text("id")
	group := c.make(ann, "security-groups", `"name":"g"`).text("id")
	rule := c.make(ann, "security-group-rules", `"security_group_id":"`+group+`","direction":"ingress"`).text("id")
	denied := func(what, token, method, path, body, field string) refusal {
		return refusal{what, method, path, token, body, 403, "PolicyNotAuthorized", field, "Policy"}
	}
	gone := func(what, method, path, kind string) refusal {
		return refusal{what, method, path, bob, "", 404, kind, "", ""}
	}
	c.refuses(t, []refusal{
		{"no token", "GET", "/networks", "", "", 401, "HTTPUnauthorized", "", "authentication"},
		denied("a reader creates", rita, "POST", "/networks", `{"network":{}}`, ""),
		denied("a reader deletes", rita, "DELETE", "/networks/"+mine, "", ""),
		denied("a member shares", ann, "POST", "/networks", `{"network":{"shared":true}}`, "/network/shared"),
		denied("a member shares later", ann, "PUT", "/networks/"+mine, `{"network":{"shared":true}}`, "/network/shared"),
		denied("a member opens", ann, "POST", "/networks", `{"network":{"router:external":true}}`, "/network/router:external"),
		denied("a member chooses a segment", ann, "POST", "/networks", `{"network":{"provider:network_type":"vxlan"}}`, "/network/provider:network_type"),
		denied("a member chooses one in bulk", ann, "POST", "/networks", `{"networks":[{},{"provider:segmentation_id":7}]}`, "/networks/1/provider:segmentation_id"),
		denied("a member changes what is shared", ann, "PUT", "/networks/"+shared, `{"network":{"name":"x"}}`, ""),
		denied("a member deletes what is shared", ann, "DELETE", "/networks/"+shared, "", ""),
		denied("a member changes a shared subnet", ann, "PUT", "/subnets/"+sub, `{"subnet":{"name":"x"}}`, ""),
		denied("a member chooses a host", ann, "POST", "/ports", `{"port":{"network_id":"`+mine+`","binding:host_id":"h"}}`, "/port/binding:host_id"),
		denied("an address on another's network", ann, "POST", "/ports", `{"port":{"network_id":"`+shared+`","fixed_ips":[{"ip_address":"10.0.0.9"}]}}`, "/port/fixed_ips"),
		denied("a MAC on another's network", ann, "POST", "/ports", `{"port":{"network_id":"`+shared+`","mac_address":"02:00:00:00:00:01"}}`, "/port/mac_address"),
		denied("no port security on another's network", ann, "POST", "/ports", `{"port":{"network_id":"`+shared+`","port_security_enabled":false}}`, "/port/port_security_enabled"),
		denied("a member changes a MAC", ann, "PUT", "/ports/"+port, `{"port":{"mac_address":"02:00:00:00:00:01"}}`, "/port/mac_address"),
		denied("a member lists agents", ann, "GET", "/agents", "", ""),
		denied("a member sets quota", ann, "PUT", "/quotas/p1", `{"quota":{"network":1000}}`, ""),
		gone("another's network", "GET", "/networks/"+mine, "NetworkNotFound"),
		gone("deleting another's network", "DELETE", "/networks/"+mine, "NetworkNotFound"),
		gone("a subnet of an external network", "GET", "/subnets/"+outside, "SubnetNotFound"),
		gone("another's port", "GET", "/ports/"+port, "PortNotFound"),
		gone("another's port's tags", "GET", "/ports/"+port+"/tags", "PortNotFound"),
		gone("another's group", "GET", "/security-groups/"+group, "SecurityGroupNotFound"),
		gone("another's rule", "DELETE", "/security-group-rules/"+rule, "SecurityGroupRuleNotFound"),
		gone("another's quota", "GET", "/quotas/p1", "HTTPNotFound"),
		{"a port on another's network", "POST", "/ports", bob, `{"port":{"network_id":"` + mine + `","mac_address":"02:00:00:00:00:01"}}`, 404, "NetworkNotFound", "/port/network_id", mine},
		{"a subnet on another's network", "POST", "/subnets", bob, `{"subnet":{"network_id":"` + mine + `","ip_version":4,"cidr":"10.9.0.0/24"}}`, 404, "NetworkNotFound", "/subnet/network_id", mine},
		{"a subnet on a shared network", "POST", "/subnets", bob, `{"subnet":{"network_id":"` + shared + `","ip_version":4,"cidr":"10.9.0.0/24"}}`, 403, "PolicyNotAuthorized", "/subnet/network_id", "owner"},
		{"a rule in another's group", "POST", "/security-group-rules", bob, `{"security_group_rule":{"security_group_id":"` + group + `","direction":"ingress"}}`, 404, "SecurityGroupNotFound", "/security_group_rule/security_group_id", group},
	})
	for token, want := range map[string]int{ann: 3, rita: 3, bob: 2, admin: 3, system: 3} {
		if got := c.ids(token, "networks", ""); len(got) != want {
			t.Errorf("%s lists networks %v, want %d", token, got, want)
		}
	}
	if got := c.ids(bob, "ports", "network_id="+mine); len(got) != 0 {
		t.Errorf("bob lists ports of ann's network: %v", got)
	}
	// What is usual needs no right; a shared network takes ports, and its owner sees them.
	c.network(ann, `"shared":false,"router:external":false`)
	theirs := c.make(bob, "ports", `"network_id":"`+shared+`","fixed_ips":[{"subnet_id":"`+sub+`"}],"allowed_address_pairs":[]`).text("id")
	c.ask(204, "DELETE", "/v2.0/ports/"+theirs, admin, "")
}

func TestWhatCannotBe(t *testing.T) {
	c := start(t)
	n := c.network(ann, "")
	other := c.network(ann, "")
	s := c.subnet(ann, n)
	group := c.make(ann, "security-groups", `"name":"g"`).text("id")
	port := c.make(ann, "ports", `"network_id":"`+n+`","fixed_ips":[{"ip_address":"10.0.0.50"}],"mac_address":"02:00:00:00:00:01","security_groups":["`+group+`"]`).text("id")
	sub := func(what, attributes string, status int, kind, field, says string) refusal {
		return refusal{what, "POST", "/subnets", ann, `{"subnet":{"network_id":"` + n + `",` + attributes + `}}`, status, kind, "/subnet" + field, says}
	}
	plug := func(what, attributes string, status int, kind, field, says string) refusal {
		return refusal{what, "POST", "/ports", ann, `{"port":{"network_id":"` + n + `",` + attributes + `}}`, status, kind, "/port" + field, says}
	}
	rule := func(what, attributes string, status int, kind, field, says string) refusal {
		return refusal{what, "POST", "/security-group-rules", ann, `{"security_group_rule":{"security_group_id":"` + group + `","direction":"ingress",` + attributes + `}}`, status, kind, field, says}
	}
	c.refuses(t, []refusal{
		sub("an overlap", `"ip_version":4,"cidr":"10.0.0.128/25"`, 400, "InvalidInput", "/cidr", "overlaps with another subnet"),
		sub("no CIDR", `"ip_version":4`, 400, "HTTPBadRequest", "/cidr", "absence of a cidr"),
		sub("junk for a CIDR", `"ip_version":4,"cidr":"ten"`, 400, "HTTPBadRequest", "/cidr", "'ten' is not a valid IP subnet"),
		sub("bits beyond the mask", `"ip_version":4,"cidr":"10.1.0.7/24"`, 400, "HTTPBadRequest", "/cidr", "10.1.0.0/24"),
		sub("the other version", `"ip_version":6,"cidr":"10.1.0.0/24"`, 400, "InvalidInput", "/ip_version", "does not match"),
		sub("no version", `"ip_version":5,"cidr":"10.1.0.0/24"`, 400, "HTTPBadRequest", "/ip_version", "'5' is not in [4, 6]"),
		sub("a gateway outside", `"ip_version":4,"cidr":"10.1.0.0/24","gateway_ip":"10.2.0.1"`, 400, "InvalidInput", "/gateway_ip", "Gateway is not valid"),
		sub("a pool outside", `"ip_version":4,"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.9","end":"10.1.1.9"}]`, 400, "OutOfBoundsAllocationPool", "/allocation_pools", "spans beyond"),
		sub("a pool with the gateway", `"ip_version":4,"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.1","end":"10.1.0.9"}]`, 409, "GatewayConflictWithAllocationPools", "/allocation_pools", "10.1.0.1"),
		sub("half a pool", `"ip_version":4,"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.1"}]`, 400, "HTTPBadRequest", "/allocation_pools/0/end", "required"),
		sub("an IPv6 mode", `"ip_version":6,"cidr":"fd00::/64","ipv6_ra_mode":"slaac"`, 400, "HTTPBadRequest", "/ipv6_ra_mode", "not offered"),
		plug("an address in use", `"fixed_ips":[{"ip_address":"10.0.0.50"}]`, 409, "IpAddressInUse", "/fixed_ips/0/ip_address", "10.0.0.50"),
		plug("an address of no subnet", `"fixed_ips":[{"ip_address":"10.9.0.50"}]`, 400, "InvalidIpForNetwork", "/fixed_ips/0/ip_address", "10.9.0.50"),
		plug("junk for an address", `"fixed_ips":[{"ip_address":"ten"}]`, 400, "HTTPBadRequest", "/fixed_ips/0/ip_address", "'ten' is not a valid IP address"),
		plug("a MAC in use", `"mac_address":"02:00:00:00:00:01"`, 409, "MacAddressInUse", "/mac_address", "in use"),
		plug("no such group", `"security_groups":["x"]`, 404, "SecurityGroupNotFound", "/security_groups/0", "x"),
		plug("a kind of NIC nobody has", `"binding:vnic_type":"direct"`, 400, "HTTPBadRequest", "/binding:vnic_type", "'direct' is not in ['normal']"),
		{"an address in use, in bulk", "POST", "/ports", ann, `{"ports":[{"network_id":"` + other + `"},{"network_id":"` + n + `","fixed_ips":[{"subnet_id":"` + s + `"},{"ip_address":"10.0.0.50"}]}]}`,
			409, "IpAddressInUse", "/ports/1/fixed_ips/1/ip_address", "10.0.0.50"},
		rule("no such protocol", `"protocol":"quic"`, 400, "SecurityGroupRuleInvalidProtocol", "/security_group_rule/protocol", "quic"),
		rule("ports of nothing", `"port_range_min":1,"port_range_max":2`, 400, "SecurityGroupProtocolRequiredWithPorts", "/security_group_rule/protocol", "protocol"),
		rule("the other version", `"ethertype":"IPv6","remote_ip_prefix":"10.0.0.0/8"`, 400, "SecurityGroupRuleParameterConflict", "/security_group_rule/remote_ip_prefix", "10.0.0.0/8"),
		{"a rule twice, in bulk", "POST", "/security-group-rules", ann, `{"security_group_rules":[{"security_group_id":"` + group + `","direction":"ingress"},{"security_group_id":"` + group + `","direction":"ingress","ethertype":"ipv4"}]}`,
			409, "SecurityGroupRuleExists", "/security_group_rules/1", "already exists"},
		{"a network with ports", "DELETE", "/networks/" + n, ann, "", 409, "NetworkInUse", "", "ports still in use"},
		{"a subnet with ports", "DELETE", "/subnets/" + s, ann, "", 409, "SubnetInUse", "", port},
		{"a group with ports", "DELETE", "/security-groups/" + group, ann, "", 409, "SecurityGroupInUse", "", port},
		{"a taken physical network", "POST", "/networks", admin, `{"network":{"provider:network_type":"flat","provider:physical_network":"lab"}}`, 400, "InvalidInput", "/network/provider:physical_network", "known: physnet1"},
		{"no such network", "GET", "/networks/x", ann, "", 404, "NetworkNotFound", "", "Network x could not be found."},
		{"no such path", "GET", "/routers", ann, "", 404, "HTTPNotFound", "", ""},
		{"no such method", "PUT", "/security-group-rules/x", ann, `{}`, 405, "HTTPMethodNotAllowed", "", "DELETE"},
		{"no such extension", "GET", "/extensions/router", ann, "", 404, "HTTPNotFound", "", "router"},
	})
	if got := network.Ports.Count(c.store.Snapshot(), "network", other); got != 0 {
		t.Errorf("a refused bulk request left %d ports", got)
	}
	c.ask(200, "PUT", "/v2.0/quotas/p1", admin, `{"quota":{"network":2}}`)
	c.refuses(t, []refusal{{"beyond the quota", "POST", "/networks", ann, `{"network":{}}`, 409, "OverQuota", "", "Quota exceeded for resources: ['network']"}})
}
