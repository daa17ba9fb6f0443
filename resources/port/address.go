package port

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// agrees reports whether b may be what a asked for: what a gives and knows is so.
func agrees(a, b address) bool {
	return agreesString(a.SubnetID, b.SubnetID) && agreesString(a.IPAddress, b.IPAddress)
}

func agreesString(asked, is types.String) bool {
	return asked.IsNull() || asked.IsUnknown() || asked.Equal(is)
}

// inOrder returns the API's addresses in the order of those that were asked
// for; what was not asked for follows.
func inOrder(asked []address, got []wireAddress) []address {
	rest := make([]address, 0, len(got))
	for _, g := range got {
		rest = append(rest, address{types.StringValue(g.SubnetID), types.StringValue(g.IPAddress)})
	}
	known := make([]address, 0, len(asked)) // what the cloud was to choose is no condition
	for _, a := range asked {
		if a.SubnetID.IsUnknown() {
			a.SubnetID = types.StringNull()
		}
		known = append(known, a)
	}
	out := make([]address, 0, len(got))
	for _, i := range match(known, rest) {
		if i >= 0 {
			out = append(out, rest[i])
		}
	}
	for _, r := range rest {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// planAddresses returns what a configured list of addresses leads to: an element
// that one of the state's addresses satisfies keeps it, also if its place
// changes; what the cloud will choose is unknown.
func planAddresses(config, state []address) []address {
	out := make([]address, 0, len(config))
	for n, i := range match(config, state) {
		c := config[n]
		if i >= 0 {
			out = append(out, state[i])
			continue
		}
		if c.SubnetID.IsNull() {
			c.SubnetID = types.StringUnknown()
		}
		if c.IPAddress.IsNull() {
			c.IPAddress = types.StringUnknown()
		}
		out = append(out, c)
	}
	return out
}

// match pairs each element of asked with the index of one of have that
// satisfies it, -1 for none. Each is used once, and those that name an address
// choose first.
func match(asked, have []address) []int {
	out, used := make([]int, len(asked)), make([]bool, len(have))
	for n := range out {
		out[n] = -1
	}
	for _, named := range []bool{true, false} {
		for n, a := range asked {
			if named != (!a.IPAddress.IsNull() && !a.IPAddress.IsUnknown()) || a.SubnetID.IsUnknown() {
				continue
			}
			for i, h := range have {
				if !used[i] && agrees(a, h) {
					out[n], used[i] = i, true
					break
				}
			}
		}
	}
	return out
}

// told returns the API's pairs as they were asked for: the API fills in the
// port's own MAC address where none was given.
func told(asked []pair, got []wirePair, own string) []pair {
	out := make([]pair, 0, len(got))
	for _, g := range got {
		p := pair{types.StringValue(g.IPAddress), types.StringValue(g.MACAddress)}
		if g.MACAddress == own && !slices.Contains(asked, p) {
			p.MACAddress = types.StringNull()
		}
		out = append(out, p)
	}
	return out
}
