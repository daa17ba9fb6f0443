package neutron_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzBodies sends any body to every create: it is taken or refused, and never
// breaks the server.
func FuzzBodies(f *testing.F) {
	paths := []string{"networks", "subnets", "ports", "security-groups", "security-group-rules"}
	for i, s := range []string{
		`{"network":{"name":"x","tags":["a"],"mtu":1400,"provider:network_type":"flat","availability_zone_hints":["nova"]}}`,
		`{"subnet":{"network_id":"n","ip_version":4,"cidr":"10.0.0.0/24","gateway_ip":null,"allocation_pools":[{"start":"10.0.0.2","end":"x"}],"host_routes":[{}],"dns_nameservers":[1]}}`,
		`{"ports":[{"network_id":"n","fixed_ips":[{"ip_address":"::ffff:10.0.0.1"}],"allowed_address_pairs":[{"ip_address":"fe80::1%eth0"}],"binding:profile":{}}]}`,
		`{"security_group":null}`,
		`{"security_group_rule":{"security_group_id":"g","direction":"ingress","protocol":6,"port_range_min":"1","port_range_max":-1,"remote_ip_prefix":"10.0.0.0"}}`,
	} {
		f.Add(i, s)
	}
	f.Add(1, `{"subnet":{"network_id":"n","ip_version":6,"cidr":"::ffff:10.0.0.0/120"}}`)
	f.Add(2, `{"port":{"network_id":"n","fixed_ips":[null],"security_groups":[null]}}`)
	c := start(f)
	f.Fuzz(func(t *testing.T, path int, body string) {
		r := httptest.NewRequest(http.MethodPost, "/networking/v2.0/"+paths[uint(path)%uint(len(paths))], strings.NewReader(body))
		r.Header.Set("X-Auth-Token", admin)
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	})
}
