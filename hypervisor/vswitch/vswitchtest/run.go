package vswitchtest

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// Run holds a backend to the contract. open makes a new World for each test.
func Run(t *testing.T, open func(t *testing.T) World) {
	for _, c := range []struct {
		name string
		test func(*fixture)
	}{
		{"Lifecycle", lifecycle}, {"TakeBack", takeBack}, {"LoosePorts", loosePorts}, {"Refusals", refusals},
		{"Restart", restart}, {"Idempotence", idempotence}, {"ManyNetworks", manyNetworks},
		{"DefaultDeny", defaultDeny}, {"Rules", rules}, {"NotNamed", notNamed}, {"States", states}, {"Cut", cut},
		{"Spoofing", spoofing}, {"AllowedPairs", allowedPairs}, {"PortSecurityOff", portSecurityOff},
		{"Isolation", isolation}, {"TwoHosts", twoHosts}, {"DHCP", dhcp}, {"Metadata", metadata},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // worlds do not know of each other
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w := open(t)
			c.test(&fixture{T: t, ctx: ctx, w: w, h: w.Hosts()[0]})
		})
	}
}

type fixture struct {
	*testing.T
	ctx context.Context
	w   World
	h   Host // the first
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// network is a tenant network with 10.0.0.0/24, served by the host at 10.0.0.1,
// and 2001:db8::/64.
func network(id string, vni int) vswitch.Network {
	return vswitch.Network{ID: id, VNI: vni, Subnets: []vswitch.Subnet{
		{ID: "s4", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: addr("10.0.0.1"), ServeGateway: true, DHCP: true},
		{ID: "s6", CIDR: netip.MustParsePrefix("2001:db8::/64")}}}
}

// port is the n-th of a network: its addresses end in n.
func port(networkID string, n int) vswitch.Port {
	return vswitch.Port{ID: fmt.Sprintf("%s-port-%d", networkID, n), NetworkID: networkID, MAC: fmt.Sprintf("fa:16:3e:00:00:%02x", n)}
}

func ip4(n int) netip.Addr { return addr(fmt.Sprintf("10.0.0.%d", 10+n)) }
func ip6(n int) netip.Addr { return addr(fmt.Sprintf("2001:db8::%d", n)) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// filter is the port's with rules, port security on.
func filter(networkID string, n int, rules ...vswitch.Rule) vswitch.PortFilter {
	return vswitch.PortFilter{Port: port(networkID, n), AdminUp: true, PortSecurity: true,
		FixedIPs: []netip.Addr{ip4(n), ip6(n)}, Rules: rules}
}

func anyOut() []vswitch.Rule {
	return []vswitch.Rule{
		{Direction: vswitch.Egress, Remote: []netip.Prefix{vswitch.AnyIPv4}},
		{Direction: vswitch.Egress, IPv6: true, Remote: []netip.Prefix{vswitch.AnyIPv6}}}
}

func tcpIn(port uint16, remote ...netip.Prefix) vswitch.Rule {
	if remote == nil {
		remote = []netip.Prefix{vswitch.AnyIPv4}
	}
	return vswitch.Rule{Direction: vswitch.Ingress, Protocol: vswitch.ProtoTCP, PortMin: port, PortMax: port, Remote: remote}
}

// start makes ports 1 to n of a network on a host, with guests that run.
func (f *fixture) start(h Host, networkID string, numbers ...int) {
	f.Helper()
	for _, n := range numbers {
		p := port(networkID, n)
		tap, err := h.PreparePort(f.ctx, p)
		f.must(err)
		h.Start(f.T, p, tap)
		f.must(h.ActivatePort(f.ctx, p))
	}
}

// filters puts filters of a network in force on the first host.
func (f *fixture) filters(networkID string, fs ...vswitch.PortFilter) {
	f.Helper()
	f.must(f.h.EnsureFilters(f.ctx, networkID, fs))
}

func (f *fixture) list(want ...vswitch.NetworkState) {
	f.Helper()
	got, err := f.h.List(f.ctx)
	f.must(err)
	for i := range got {
		for j := range got[i].Ports {
			if tap := got[i].Ports[j].Tap; tap == "" || len(tap) > 15 {
				f.Errorf("port %s has the tap %q", got[i].Ports[j].ID, tap)
			}
			got[i].Ports[j].Tap = ""
		}
	}
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		f.Errorf("List: %s", d)
	}
}

// A flow between numbered ports of one network.
func tcp(from, to int, dport uint16) vswitch.Flow {
	return vswitch.Flow{Src: ip4(from), Dst: ip4(to), Protocol: vswitch.ProtoTCP, SrcPort: 40000, DstPort: dport}
}

func udp(from, to int, dport uint16) vswitch.Flow {
	fl := tcp(from, to, dport)
	fl.Protocol = vswitch.ProtoUDP
	return fl
}

func icmp(from, to int, typ uint8) vswitch.Flow {
	return vswitch.Flow{Src: ip4(from), Dst: ip4(to), Protocol: vswitch.ProtoICMP, ICMPType: &typ, ICMPCode: new(uint8)}
}

func overIPv6(fl vswitch.Flow, from, to int) vswitch.Flow {
	fl.Src, fl.Dst = ip6(from), ip6(to)
	return fl
}

func from(fl vswitch.Flow, source string) vswitch.Flow {
	fl.Src = addr(source)
	return fl
}

// answered exchanges the ends of a flow.
func answered(fl vswitch.Flow) vswitch.Flow {
	fl.Src, fl.Dst, fl.SrcPort, fl.DstPort = fl.Dst, fl.Src, fl.DstPort, fl.SrcPort
	if fl.Protocol == vswitch.ProtoICMP {
		fl.ICMPType = new(uint8) // echo reply
	}
	return fl
}

// sends tells whether a packet arrives, between ports of a network on the first
// host.
func (f *fixture) sends(networkID string, from, to int, fl vswitch.Flow, step Step) bool {
	f.Helper()
	return f.w.Send(f.T, End{f.h, port(networkID, from)}, End{f.h, port(networkID, to)},
		Packet{SrcMAC: port(networkID, from).MAC, Flow: fl, Step: step})
}

func (f *fixture) passes(what, networkID string, from, to int, fl vswitch.Flow, step Step) {
	f.Helper()
	if !f.sends(networkID, from, to, fl, step) {
		f.Errorf("%s: did not arrive", what)
	}
}

func (f *fixture) drops(what, networkID string, from, to int, fl vswitch.Flow, step Step) {
	f.Helper()
	if f.sends(networkID, from, to, fl, step) {
		f.Errorf("%s: arrived", what)
	}
}
