package metadata

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cloud-init 22.4 asks for the listing, picks the newest version that it knows,
// and reads five documents of it.
func TestOpenStackTreeAsCloudInitWalksIt(t *testing.T) {
	i := guest()
	versions := strings.Split(get(t, i, "/openstack"), "\n")
	for _, known := range []string{"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27", "latest"} {
		if !slices.Contains(versions, known) {
			t.Errorf("version %s is not in %v", known, versions)
		}
	}
	base := "/openstack/2018-08-27/"
	md := decode(t, get(t, i, base+"meta_data.json"))
	want := map[string]any{
		"uuid": i.ID, "meta": map[string]any{"role": "web"}, "hostname": "web-1", "name": "web one", "launch_index": 2.0,
		"availability_zone": "nova", "project_id": "p-1", "devices": []any{}, "dedicated_cpus": []any{},
		"public_keys": map[string]any{"ops": "ssh-ed25519 AAAA ops", "dev": "CERT"},
		"keys": []any{map[string]any{"name": "ops", "type": "ssh", "data": "ssh-ed25519 AAAA ops"},
			map[string]any{"name": "dev", "type": "x509", "data": "CERT"}},
	}
	if d := cmp.Diff(want, md); d != "" {
		t.Error(d)
	}
	if got := get(t, i, base+"user_data"); got != string(i.UserData) {
		t.Errorf("user data is %q", got)
	}
	for _, doc := range []string{"vendor_data.json", "vendor_data2.json"} {
		if got := get(t, i, base+doc); got != "{}" {
			t.Errorf("%s is %q", doc, got)
		}
	}
	if ct := ask(t, i, base+"meta_data.json").Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("meta_data.json is %s", ct)
	}
}

func TestNetworkData(t *testing.T) {
	got := decode(t, get(t, guest(), "/openstack/latest/network_data.json"))
	dns := func(a string) map[string]any { return map[string]any{"type": "dns", "address": a} }
	want := map[string]any{
		"links": []any{
			map[string]any{"id": "tapabcdef01-23", "vif_id": "abcdef01-2345-6789-abcd-ef0123456789", "type": "bridge", "mtu": 1450.0, "ethernet_mac_address": "fa:16:3e:00:00:01"},
			map[string]any{"id": "tapshort", "vif_id": "short", "type": "bridge", "ethernet_mac_address": "fa:16:3e:00:00:02"},
		},
		"networks": []any{
			map[string]any{"id": "network0", "type": "ipv4_dhcp", "link": "tapabcdef01-23", "network_id": "net-a"},
			map[string]any{"id": "network1", "type": "ipv6", "link": "tapabcdef01-23", "network_id": "net-a", "ip_address": "2001:db8::5",
				"netmask": "ffff:ffff:ffff:ffff::", "routes": []any{map[string]any{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}}},
			map[string]any{"id": "network2", "type": "ipv4", "link": "tapshort", "network_id": "net-b", "ip_address": "192.168.7.9", "netmask": "255.255.255.128",
				"routes":   []any{map[string]any{"network": "172.16.0.0", "netmask": "255.240.0.0", "gateway": "192.168.7.1"}},
				"services": []any{dns("9.9.9.9"), dns("1.1.1.1")}},
		},
		"services": []any{dns("9.9.9.9"), dns("1.1.1.1")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A document appears in the version in which Nova began to serve it.
func TestOldVersionsLackWhatCameLater(t *testing.T) {
	for _, c := range []struct {
		path string
		code int
	}{
		{"2012-08-10/meta_data.json", 200}, {"2012-08-10/password", 404}, {"2013-04-04/password", 200},
		{"2013-04-04/vendor_data.json", 404}, {"2013-10-17/vendor_data.json", 200}, {"2013-10-17/network_data.json", 404},
		{"2015-10-15/network_data.json", 200}, {"2016-06-30/vendor_data2.json", 404}, {"2016-10-06/vendor_data2.json", 200},
		{"2099-01-01/meta_data.json", 404}, {"latest/nonsense", 404}, {"latest/meta_data.json/below", 404}, {"2020-10-14/vendor_data2.json", 200},
	} {
		if w := ask(t, guest(), "/openstack/"+c.path); w.Code != c.code {
			t.Errorf("%s: %d, want %d", c.path, w.Code, c.code)
		}
	}
}

func TestABareGuest(t *testing.T) {
	bare := Instance{ID: "i", Name: "n"}
	if w := ask(t, bare, "/openstack/latest/user_data"); w.Code != 404 {
		t.Errorf("user data of a guest without: %d", w.Code)
	}
	md := decode(t, get(t, bare, "/openstack/latest/meta_data.json"))
	if _, ok := md["public_keys"]; ok || md["hostname"] != "n" {
		t.Errorf("got %v", md)
	}
	if got := get(t, bare, "/openstack/latest/network_data.json"); got != `{"links":[],"networks":[],"services":[]}` {
		t.Errorf("network data is %s", got)
	}
	bare.VendorData = []byte(`{"a":1}`)
	if got := get(t, bare, "/openstack/latest/vendor_data.json"); got != `{"a":1}` {
		t.Errorf("vendor data is %s", got)
	}
}
