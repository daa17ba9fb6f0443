// Package valid holds the validators of network addresses that several
// resources share. Each wants the one spelling in which the cloud gives the value
// back, so that what is configured and what is read never differ in spelling only.
package valid

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// CIDR wants a prefix without host bits: 10.0.0.0/24, 2001:db8::/64.
func CIDR() validator.String {
	return text{"must be a CIDR such as 10.0.0.0/24 or 2001:db8::/64, with no bits set after the prefix", func(s string) error {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return fmt.Errorf("%q is no CIDR; one looks like 10.0.0.0/24 or 2001:db8::/64", s)
		}
		return same(s, p.Masked().String())
	}}
}

// IP wants an address without zone: 10.0.0.1, 2001:db8::1.
func IP() validator.String {
	return text{"must be an IP address such as 10.0.0.1 or 2001:db8::1", func(s string) error {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return fmt.Errorf("%q is no IP address; one looks like 10.0.0.1 or 2001:db8::1", s)
		}
		return same(s, a.String())
	}}
}

// IPOrCIDR wants either.
func IPOrCIDR() validator.String {
	return text{"must be an IP address or a CIDR", func(s string) error {
		if p, err := netip.ParsePrefix(s); err == nil {
			return same(s, p.Masked().String())
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return fmt.Errorf("%q is neither an IP address nor a CIDR", s)
		}
		return same(s, a.String())
	}}
}

// MAC wants an Ethernet address in lower case with colons: 02:00:5e:10:00:01.
func MAC() validator.String {
	return text{"must be a MAC address such as 02:00:5e:10:00:01", func(s string) error {
		m, err := net.ParseMAC(s)
		if err != nil || len(m) != 6 {
			return fmt.Errorf("%q is no MAC address; one looks like 02:00:5e:10:00:01", s)
		}
		if m[0]&1 != 0 {
			return fmt.Errorf("%q is a multicast address; a port's has an even first byte", s)
		}
		return same(s, m.String())
	}}
}

func same(given, canonical string) error {
	if given != canonical {
		return fmt.Errorf("the cloud spells %q as %q; write it that way", given, canonical)
	}
	return nil
}

// text is a validator of known strings.
type text struct {
	want  string
	check func(string) error
}

// Description implements validator.String.
func (t text) Description(context.Context) string { return t.want }

// MarkdownDescription implements validator.String.
func (t text) MarkdownDescription(context.Context) string { return t.want }

// ValidateString implements validator.String.
func (t text) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := t.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Wrong address", sentence(err))
	}
}

func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
