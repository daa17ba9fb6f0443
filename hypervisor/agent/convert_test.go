package agent

import (
	"net/netip"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor/dhcp"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/metadata"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

func TestSwitchNetwork(t *testing.T) {
	n := network("g1", "p1", "p2")
	n.Peers = []string{"192.0.2.7"}
	eight, zero := uint32(8), uint32(0)
	n.RuleSets = []*hostapi.RuleSet{
		{Id: "web", Rules: []*hostapi.Rule{{Protocol: 6, PortMin: 80, PortMax: 81, RemotePrefix: "198.51.100.0/24"}, {Protocol: 1, IcmpType: &eight, IcmpCode: &zero}}},
		{Id: "out", Rules: []*hostapi.Rule{{Egress: true}, {Egress: true, Ipv6: true}}},
		{Id: "peers", Rules: []*hostapi.Rule{{RemoteSet: "web"}, {RemoteSet: "nobody"}}},
	}
	n.AddressSets = []*hostapi.AddressSet{{Id: "web", Prefixes: []string{"10.0.0.10/32"}}}
	n.Ports[0].RuleSets = []string{"web", "out"}
	n.Ports[0].AllowedPairs = []*hostapi.AddressPair{{Mac: "fa:16:3e:00:00:77", Prefix: "10.9.0.0/16"}}
	n.Ports[1].RuleSets, n.Ports[1].PortSecurity, n.Ports[1].AdminUp = []string{"peers"}, false, false
	spec, filters, err := switchNetwork(n)
	if err != nil {
		t.Fatal(err)
	}
	prefix := netip.MustParsePrefix
	want := vswitch.Network{ID: "n1", VNI: 7, MTU: 1450, Peers: []netip.Addr{netip.MustParseAddr("192.0.2.7")},
		Subnets: []vswitch.Subnet{{ID: "s1", CIDR: prefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"), ServeGateway: true, DHCP: true}}}
	if !reflect.DeepEqual(spec, want) {
		t.Errorf("the network is %+v, want %+v", spec, want)
	}
	typ, code := uint8(8), uint8(0)
	rules := []vswitch.Rule{
		{Direction: vswitch.Ingress, Protocol: 6, PortMin: 80, PortMax: 81, Remote: []netip.Prefix{prefix("198.51.100.0/24")}},
		{Direction: vswitch.Ingress, Protocol: 1, ICMPType: &typ, ICMPCode: &code, Remote: []netip.Prefix{vswitch.AnyIPv4}},
		{Direction: vswitch.Egress, Remote: []netip.Prefix{vswitch.AnyIPv4}},
		{Direction: vswitch.Egress, IPv6: true, Remote: []netip.Prefix{vswitch.AnyIPv6}},
	}
	first := vswitch.PortFilter{Port: vswitch.Port{ID: "p1", NetworkID: "n1", MAC: "fa:16:3e:00:00:01", MTU: 1450}, AdminUp: true, PortSecurity: true,
		FixedIPs: []netip.Addr{netip.MustParseAddr("10.0.0.10")}, AllowedPairs: []vswitch.Pair{{MAC: "fa:16:3e:00:00:77", Prefix: prefix("10.9.0.0/16")}}, Rules: rules}
	if len(filters) != 2 || !reflect.DeepEqual(filters[0], first) {
		t.Errorf("the filters are %+v, want first %+v", filters, first)
	}
	second := filters[1]
	if second.PortSecurity || second.AdminUp || len(second.Rules) != 2 || len(second.Rules[0].Remote) != 1 {
		t.Errorf("the second filter is %+v", second)
	}
	if len(second.Rules[1].Remote) != 0 {
		t.Errorf("a group without members lets %v in", second.Rules[1].Remote)
	}
	n.AdminUp = false
	if _, filters, _ := switchNetwork(n); filters[0].AdminUp {
		t.Error("a port of a network that is down is up")
	}
}

func TestSwitchNetworkRefusesWhatNoServerSays(t *testing.T) {
	for name, spoil := range map[string]func(n *hostapi.Network){
		"peer":        func(n *hostapi.Network) { n.Peers = []string{"x"} },
		"subnet":      func(n *hostapi.Network) { n.Subnets[0].Cidr = "x" },
		"pair":        func(n *hostapi.Network) { n.Ports[0].AllowedPairs = []*hostapi.AddressPair{{Prefix: "x"}} },
		"address set": func(n *hostapi.Network) { n.AddressSets = []*hostapi.AddressSet{{Id: "a", Prefixes: []string{"x"}}} },
		"rule": func(n *hostapi.Network) {
			n.RuleSets = []*hostapi.RuleSet{{Id: "a", Rules: []*hostapi.Rule{{RemotePrefix: "x"}}}}
		},
	} {
		n := network("g1", "p1")
		spoil(n)
		if _, _, err := switchNetwork(n); err == nil {
			t.Errorf("a bad %s was taken", name)
		}
	}
}

func TestLeaseAndMetadata(t *testing.T) {
	n := network("g1", "p1")
	n.Subnets[0].Routes = []*hostapi.Route{{Destination: "10.5.0.0/16", NextHop: "10.0.0.2"}}
	i := instance("g1", "p1", "gone")
	i.Hostname, i.KeyName, i.PublicKey, i.Metadata = "web", "k", "ssh-ed25519 AAAA", map[string]string{"a": "b"}
	a := &Agent{instances: map[string]*hostapi.Instance{"g1": i}, networks: map[string]*hostapi.Network{"n1": n}}
	mac, _ := vswitch.ParseMAC("FA:16:3E:00:00:01")
	ip, gw := netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("10.0.0.1")
	cidr, dest, via := netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("10.5.0.0/16"), netip.MustParseAddr("10.0.0.2")
	dns := []netip.Addr{netip.MustParseAddr("9.9.9.9")}
	l, ok := a.lease("n1", mac)
	want := dhcp.Lease{IP: ip, Subnet: cidr, Gateway: gw, MetadataVia: gw, DNS: dns, MTU: 1450, Hostname: "web", Routes: []dhcp.Route{{Dest: dest, Via: via}}}
	if !ok || !reflect.DeepEqual(l, want) {
		t.Errorf("the lease is %+v, %t; want %+v", l, ok, want)
	}
	m, ok := a.metadataAt("n1", ip)
	nic := metadata.NIC{PortID: "p1", NetworkID: "n1", MAC: "fa:16:3e:00:00:01", MTU: 1450, Addresses: []metadata.Address{
		{IP: ip, Subnet: cidr, Gateway: gw, DHCP: true, DNS: dns, Routes: []metadata.Route{{Dest: dest, Via: via}}}}}
	if !ok || m.ID != "g1" || m.Hostname != "web" || m.Metadata["a"] != "b" || len(m.Keys) != 1 || m.UserData != nil || !reflect.DeepEqual(m.NICs, []metadata.NIC{nic}) {
		t.Errorf("the metadata is %+v, %t", m, ok)
	}
	if _, ok := a.metadataAt("n1", netip.MustParseAddr("10.0.0.99")); ok {
		t.Error("an address of nobody has metadata")
	}
	if _, ok := a.metadataAt("n2", ip); ok {
		t.Error("the address has metadata on another network")
	}
	other, _ := vswitch.ParseMAC("fa:16:3e:00:00:02")
	if _, ok := a.lease("n1", other); ok {
		t.Error("a MAC of nobody has a lease")
	}
	off := proto.CloneOf(n)
	off.Subnets[0].Dhcp = false
	a.networks["n1"] = off
	if _, ok := a.lease("n1", mac); ok {
		t.Error("a subnet without DHCP leases")
	}
}
