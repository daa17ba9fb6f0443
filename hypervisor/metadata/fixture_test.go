package metadata

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func guest() Instance {
	return Instance{
		ID: "8f3f9b5c-0b1e-4c6e-9a53-0d7f1b1c2d3e", Name: "web one", Hostname: "web-1", ProjectID: "p-1",
		AvailabilityZone: "nova", FlavorName: "m1.tiny", ImageID: "11223344-5566-7788-99aa-bbccddeeff00", LaunchIndex: 2,
		Metadata: map[string]string{"role": "web"},
		Keys:     []Key{{Name: "ops", Data: "ssh-ed25519 AAAA ops"}, {Name: "dev", Type: "x509", Data: "CERT"}},
		UserData: []byte("#cloud-config\n\x00\xff"),
		NICs: []NIC{
			{PortID: "abcdef01-2345-6789-abcd-ef0123456789", NetworkID: "net-a", MAC: "fa:16:3e:00:00:01", MTU: 1450, Addresses: []Address{
				{IP: ip("10.0.0.5"), Subnet: prefix("10.0.0.0/24"), Gateway: ip("10.0.0.1"), DHCP: true, DNS: []netip.Addr{ip("9.9.9.9")}},
				{IP: ip("2001:db8::5"), Subnet: prefix("2001:db8::/64"), Gateway: ip("2001:db8::1")}}},
			{PortID: "short", NetworkID: "net-b", MAC: "fa:16:3e:00:00:02", Addresses: []Address{
				{IP: ip("192.168.7.9"), Subnet: prefix("192.168.7.0/25"), DNS: []netip.Addr{ip("9.9.9.9"), ip("1.1.1.1")},
					Routes: []Route{{prefix("172.16.0.0/12"), ip("192.168.7.1")}}}}},
		},
		SecurityGroups: []string{"default", "web"},
	}
}

func ip(s string) netip.Addr       { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// ask sends a GET from an address, through the handler without a socket.
func ask(t *testing.T, i Instance, path string) *httptest.ResponseRecorder {
	t.Helper()
	h := Handler(func(a netip.Addr) (Instance, bool) { return i, a == ip("10.0.0.5") })
	r := httptest.NewRequest("GET", "http://169.254.169.254"+path, nil)
	r.RemoteAddr = "10.0.0.5:40000"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t *testing.T, i Instance, path string) string {
	t.Helper()
	w := ask(t, i, path)
	if w.Code != 200 {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func decode(t *testing.T, s string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
