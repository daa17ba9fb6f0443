package bridge

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

func TestMarkIsReadBack(t *testing.T) {
	for _, m := range []mark{{network: "n"}, {network: "n", vni: 7}, {network: "n", port: "p"}, {network: "n", physnet: "phys net=1 port=x"}} {
		got, ours := parseMark(m.String())
		if !ours || got != m {
			t.Errorf("%+v reads back as %+v, %t", m, got, ours)
		}
	}
	for _, alias := range []string{"", "cloudlet", "cloudlet network=", "other network=n", "cloudlet network=n vni=x", "cloudletnetwork=n"} {
		if m, ours := parseMark(alias); ours {
			t.Errorf("%q is taken for %+v", alias, m)
		}
	}
}

// A set's intervals hold exactly the addresses of its prefixes.
func TestIntervals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		byteOf := rapid.SampledFrom([]byte{0, 1, 2, 127, 128, 254, 255})
		address := func() netip.Addr {
			return netip.AddrFrom4([4]byte{byteOf.Draw(t, "a"), byteOf.Draw(t, "b"), byteOf.Draw(t, "c"), byteOf.Draw(t, "d")})
		}
		var prefixes []netip.Prefix
		for range rapid.IntRange(1, 8).Draw(t, "n") {
			prefixes = append(prefixes, netip.PrefixFrom(address(), rapid.IntRange(0, 32).Draw(t, "bits")).Masked())
		}
		probe := address()
		want := false
		for _, p := range prefixes {
			want = want || p.Contains(probe)
		}
		got := false
		var before netip.Addr
		for _, e := range intervals(disjoint(append([]netip.Prefix(nil), prefixes...))) {
			at, _ := netip.AddrFromSlice(e.Key)
			if before.IsValid() && !before.Less(at) {
				t.Fatalf("%v: %s comes after %s", prefixes, at, before)
			}
			before = at
			if at.Compare(probe) <= 0 {
				got = !e.IntervalEnd
			}
		}
		if got != want {
			t.Fatalf("%v: %s is in: %t, want %t", prefixes, probe, got, want)
		}
	})
}

func TestPortsKeepTheirNumbers(t *testing.T) {
	ports := func(ids ...string) []vswitch.PortFilter {
		var out []vswitch.PortFilter
		for _, id := range ids {
			out = append(out, vswitch.PortFilter{Port: vswitch.Port{ID: id}})
		}
		return out
	}
	first, err := numbered(ports("a", "b", "c"), nil)
	must(t, err)
	second, err := numbered(ports("0", "a", "c", "d"), first)
	must(t, err)
	want := map[string]uint16{tapName("a"): 1, tapName("c"): 3, tapName("0"): 4, tapName("d"): 5} // 2 was b's until now
	if d := cmp.Diff(want, second); d != "" {
		t.Error(d)
	}
	third, err := numbered(ports("a", "e"), second)
	must(t, err)
	if third[tapName("e")] != 2 {
		t.Errorf("a number that nobody had is not used: %v", third)
	}
}
