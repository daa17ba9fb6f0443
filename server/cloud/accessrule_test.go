package cloud

import "testing"

func TestMayCall(t *testing.T) {
	c := Caller{Limited: true, AccessRules: []AccessRule{
		{"compute", "GET", "/v2.1/servers/*/ips"}, {"image", "GET", "/v2/images/**"}, {"compute", "POST", "/v2.1/{project}/os-keypairs"}}}
	for _, want := range []struct {
		service, method, path string
		may                   bool
	}{
		{"compute", "GET", "/v2.1/servers/a/ips", true},
		{"compute", "GET", "/v2.1/servers/a/b/ips", false},
		{"compute", "GET", "/v2.1/servers//ips", false},
		{"compute", "GET", "/v2.1/servers/a/ipsx", false},
		{"compute", "GET", "/v2.1/servers/a/xips/ips", false},
		{"compute", "DELETE", "/v2.1/servers/a/ips", false},
		{"network", "GET", "/v2.1/servers/a/ips", false},
		{"image", "GET", "/v2/images/a/file", true},
		{"image", "GET", "/v2/images", false},
		{"compute", "POST", "/v2.1/p/os-keypairs", true},
		{"compute", "POST", "/v2x1/p/os-keypairs", false},
	} {
		if got := c.MayCall(want.service, want.method, want.path); got != want.may {
			t.Errorf("%s %s of %s: %v", want.method, want.path, want.service, got)
		}
	}
	if !c.MayCall("compute", "GET", "/compute/v2.1/servers/a/ips", "/v2.1/servers/a/ips") {
		t.Error("the second spelling does not count")
	}
	if (Caller{Limited: true}).MayCall("compute", "GET", "/") || !(Caller{}).MayCall("compute", "GET", "/") {
		t.Error("limited to nothing is not nothing, or unlimited is limited")
	}
}
