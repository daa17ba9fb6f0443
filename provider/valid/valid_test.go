package valid

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name string
		v    validator.String
		in   string
		want string // part of the error; "" if it is right
	}{
		{"cidr", CIDR(), "10.0.0.0/24", ""},
		{"cidr", CIDR(), "2001:db8::/64", ""},
		{"cidr", CIDR(), "10.0.0.1/24", `"10.0.0.0/24"`},
		{"cidr", CIDR(), "10.0.0.0", "is no CIDR"},
		{"cidr", CIDR(), "10.0.0.0/33", "is no CIDR"},
		{"ip", IP(), "10.0.0.1", ""},
		{"ip", IP(), "2001:DB8::1", `"2001:db8::1"`},
		{"ip", IP(), "10.0.0.0/24", "is no IP address"},
		{"ip", IP(), "fe80::1%eth0", "is no IP address"},
		{"either", IPOrCIDR(), "10.0.0.0/24", ""},
		{"either", IPOrCIDR(), "10.0.0.7", ""},
		{"either", IPOrCIDR(), "ten", "neither"},
		{"mac", MAC(), "02:00:5e:10:00:01", ""},
		{"mac", MAC(), "02-00-5E-10-00-01", `"02:00:5e:10:00:01"`},
		{"mac", MAC(), "01:00:5e:10:00:01", "multicast"},
		{"mac", MAC(), "00:00:00:00:fe:80:00:00", "is no MAC"},
	} {
		var resp validator.StringResponse
		c.v.ValidateString(context.Background(), validator.StringRequest{Path: path.Root("x"), ConfigValue: types.StringValue(c.in)}, &resp)
		got := ""
		if resp.Diagnostics.HasError() {
			got = resp.Diagnostics[0].Detail()
		}
		if c.want == "" && got != "" || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("%s %q: got %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestUnknownIsNotChecked(t *testing.T) {
	var resp validator.StringResponse
	CIDR().ValidateString(context.Background(), validator.StringRequest{ConfigValue: types.StringUnknown()}, &resp)
	if resp.Diagnostics.HasError() {
		t.Fatal(resp.Diagnostics)
	}
}
