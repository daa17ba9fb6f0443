package network

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

func (w world) updatePort(id string, ch PortChange) (Port, error) {
	return get(w, func(tx *statestore.Txn) (Port, error) { return PortUpdate(tx, ann, id, ch) })
}

func TestPortDefaults(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	v4 := w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/24")})
	v6 := w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("fd00::/64")})
	p := w.port(ann, PortSpec{NetworkID: n.ID})
	g, _ := SecurityGroups.First(w.s.Snapshot(), "default", "p1")
	if !slices.Equal(p.FixedIPs, []FixedIP{{v4.ID, addr("10.0.0.2")}, {v6.ID, addr("fd00::2")}}) || !slices.Equal(p.SecurityGroups, []string{g.ID}) ||
		!strings.HasPrefix(p.MAC, "fa:16:3e:") || len(p.MAC) != 17 || p.Status != Down || !p.AdminStateUp || !p.PortSecurity {
		t.Errorf("unexpected port %+v", p)
	}
	rules := SecurityGroupRules(w.s.Snapshot(), g.ID)
	if len(rules) != 4 {
		t.Errorf("the default group has %d rules, want 4", len(rules))
	}
	if q := w.port(ann, PortSpec{NetworkID: n.ID, FixedIPs: &[]FixedIP{}, SecurityGroups: &[]string{}}); len(q.FixedIPs) != 0 || len(q.SecurityGroups) != 0 {
		t.Errorf("a port without anything has %+v", q)
	}
	open := w.network(ann, NetworkSpec{PortSecurity: new(false)})
	if q := w.port(ann, PortSpec{NetworkID: open.ID}); q.PortSecurity || len(q.SecurityGroups) != 0 {
		t.Errorf("a port of a network without port security is %+v", q)
	}
}

func TestPortRefused(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	s := w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/24")})
	other := w.network(ann, NetworkSpec{})
	so := w.subnet(ann, SubnetSpec{NetworkID: other.ID, CIDR: prefix("10.0.0.0/24")})
	taken := w.port(ann, PortSpec{NetworkID: n.ID, MAC: "02-00-00-00-00-0A", FixedIPs: &[]FixedIP{{s.ID, addr("10.0.0.50")}}})
	if taken.MAC != "02:00:00:00:00:0a" {
		t.Errorf("the MAC is kept as %s", taken.MAC)
	}
	theirs := must(w, func(tx *statestore.Txn) (SecurityGroup, error) {
		return SecurityGroupCreate(tx, bob, GroupSpec{Name: "g"})
	})
	ip := func(f ...FixedIP) *[]FixedIP { return &f }
	any := netip.Addr{}
	for _, c := range []struct {
		what   string
		spec   PortSpec
		kind   cloud.Kind
		reason Reason
		field  string
		says   string
	}{
		{"an address in use", PortSpec{FixedIPs: ip(FixedIP{"", addr("10.0.0.50")})}, cloud.Conflict, AddressInUse, "/fixed_ips/0/ip_address", "10.0.0.50"},
		{"an address of no subnet", PortSpec{FixedIPs: ip(FixedIP{"", addr("10.0.1.50")})}, cloud.Invalid, AddressOffNetwork, "/fixed_ips/0/ip_address", "10.0.1.50"},
		{"an address off its subnet", PortSpec{FixedIPs: ip(FixedIP{s.ID, any}, FixedIP{s.ID, addr("10.0.1.50")})}, cloud.Invalid, AddressOffSubnet, "/fixed_ips/1/ip_address", "10.0.0.0/24"},
		{"the broadcast address", PortSpec{FixedIPs: ip(FixedIP{s.ID, addr("10.0.0.255")})}, cloud.Invalid, AddressOffSubnet, "/fixed_ips/0/ip_address", "10.0.0.255"},
		{"the same address twice", PortSpec{FixedIPs: ip(FixedIP{s.ID, addr("10.0.0.60")}, FixedIP{"", addr("10.0.0.60")})}, cloud.Invalid, "", "/fixed_ips/1/ip_address", "Duplicate"},
		{"a subnet of another network", PortSpec{FixedIPs: ip(FixedIP{so.ID, any})}, cloud.Invalid, "", "/fixed_ips/0/subnet_id", "invalid subnet"},
		{"a subnet that is not there", PortSpec{FixedIPs: ip(FixedIP{"nowhere", any})}, cloud.NotFound, "", "/fixed_ips/0/subnet_id", "nowhere"},
		{"neither subnet nor address", PortSpec{FixedIPs: ip(FixedIP{})}, cloud.Invalid, "", "/fixed_ips/0", "requires"},
		{"too many addresses", PortSpec{FixedIPs: ip(make([]FixedIP, 6)...)}, cloud.Invalid, "", "/fixed_ips", "at most 5"},
		{"a MAC in use", PortSpec{MAC: "02:00:00:00:00:0a"}, cloud.Conflict, MACInUse, "/mac_address", "02:00:00:00:00:0a"},
		{"a multicast MAC", PortSpec{MAC: "01:00:00:00:00:0a"}, cloud.Invalid, "", "/mac_address", "valid MAC"},
		{"junk for a MAC", PortSpec{MAC: "junk"}, cloud.Invalid, "", "/mac_address", "junk"},
		{"another's group", PortSpec{SecurityGroups: &[]string{theirs.ID}}, cloud.NotFound, "", "/security_groups/0", theirs.ID},
		{"groups without port security", PortSpec{PortSecurity: new(false), SecurityGroups: &[]string{theirs.ID}}, cloud.Conflict, GroupsNeedSecurity, "/security_groups", "port security"},
		{"pairs without port security", PortSpec{PortSecurity: new(false), AllowedPairs: []AddressPair{{"", prefix("10.0.0.9/32")}}}, cloud.Conflict, PairsNeedSecurity, "/allowed_address_pairs", "Port Security"},
		{"the same pair twice", PortSpec{AllowedPairs: []AddressPair{{"", prefix("10.0.0.9/32")}, {"", prefix("10.0.0.9/32")}}}, cloud.Invalid, "", "/allowed_address_pairs/1", "duplicate"},
		{"a pair without address", PortSpec{AllowedPairs: []AddressPair{{"02:00:00:00:00:01", netip.Prefix{}}}}, cloud.Invalid, "", "/allowed_address_pairs/0/ip_address", "CIDR"},
		{"a network that is not there", PortSpec{NetworkID: "nowhere"}, cloud.NotFound, "", "/network_id", "nowhere"},
	} {
		if c.spec.NetworkID == "" {
			c.spec.NetworkID = n.ID
		}
		before := w.s.Snapshot().Revision()
		_, err := w.tryPort(ann, c.spec)
		wants(t, c.what, err, c.kind, c.reason, c.field, c.says)
		if w.s.Snapshot().Revision() != before {
			t.Errorf("%s: something was kept of a refused call", c.what)
		}
	}
	w.port(ann, PortSpec{NetworkID: other.ID, MAC: taken.MAC, FixedIPs: ip(FixedIP{"", addr("10.0.0.50")})}) // other networks do not count
}

func TestPortAddressesChange(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	s := w.subnet(ann, SubnetSpec{NetworkID: n.ID, CIDR: prefix("10.0.0.0/29")}) // .2 to .6
	p := w.port(ann, PortSpec{NetworkID: n.ID})
	set := func(f ...FixedIP) []FixedIP {
		q, err := w.updatePort(p.ID, PortChange{FixedIPs: &f})
		if err != nil {
			t.Fatal(err)
		}
		return q.FixedIPs
	}
	if got := set(FixedIP{s.ID, netip.Addr{}}, FixedIP{s.ID, addr("10.0.0.5")}); !slices.Equal(got, []FixedIP{{s.ID, addr("10.0.0.2")}, {s.ID, addr("10.0.0.5")}}) {
		t.Errorf("got %v: the address it had is to be kept", got)
	}
	if got := set(FixedIP{"", addr("10.0.0.6")}); !slices.Equal(got, []FixedIP{{s.ID, addr("10.0.0.6")}}) {
		t.Errorf("got %v", got)
	}
	var all []string
	for range 4 {
		all = append(all, w.port(ann, PortSpec{NetworkID: n.ID}).FixedIPs[0].Address.String())
	}
	if want := []string{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"}; !slices.Equal(all, want) {
		t.Errorf("got %v, want %v: what was left is free again", all, want)
	}
}

func TestPortMACChange(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	p := w.port(ann, PortSpec{NetworkID: n.ID, AllowedPairs: []AddressPair{{"", prefix("10.9.0.0/24")}}})
	mac := "02:00:00:00:00:01"
	q, err := w.updatePort(p.ID, PortChange{MAC: &mac})
	if err != nil || q.MAC != mac || q.AllowedPairs[0].MAC != mac {
		t.Errorf("got %+v, %v", q, err)
	}
	must(w, func(tx *statestore.Txn) (Port, error) {
		return PortBind(tx, p.ID, Binding{DeviceID: "i1", HostID: "h1"})
	})
	mac2 := "02:00:00:00:00:02"
	_, err = w.updatePort(p.ID, PortChange{MAC: &mac2})
	wants(t, "a bound port's MAC", err, cloud.Conflict, PortBound, "/mac_address", "already bound")
}

func TestPortBinding(t *testing.T) {
	w := newWorld(t)
	n := w.network(ann, NetworkSpec{})
	p := w.port(ann, PortSpec{NetworkID: n.ID})
	bind := func(b Binding) (Port, error) {
		return get(w, func(tx *statestore.Txn) (Port, error) { return PortBind(tx, p.ID, b) })
	}
	if _, err := bind(Binding{DeviceID: "i1"}); err != nil {
		t.Fatal(err)
	}
	q, err := bind(Binding{DeviceID: "i1", HostID: "h1", HostName: "host-1"})
	if err != nil || q.DeviceOwner != "compute:nova" || q.BindingHost != "host-1" || q.Status != Down {
		t.Errorf("got %+v, %v", q, err)
	}
	_, err = bind(Binding{DeviceID: "i2"})
	wants(t, "another device", err, cloud.Conflict, PortInUse, "", "i1")
	observe := func(active bool, msg string) Port {
		w.do(func(tx *statestore.Txn) error { PortObserve(tx, p.ID, active, msg); return nil })
		q, _ := Ports.Get(w.s.Snapshot(), p.ID)
		return q
	}
	if q = observe(true, ""); q.Status != Active {
		t.Errorf("got %s, want ACTIVE", q.Status)
	}
	before := w.s.Snapshot().Revision()
	if observe(true, ""); w.s.Snapshot().Revision() != before {
		t.Error("an observation of nothing new was written")
	}
	if q = observe(false, "no such bridge"); q.Status != Failed || q.StatusMessage == "" {
		t.Errorf("got %+v, want ERROR", q)
	}
	r := w.s.Snapshot()
	if len(PortsOfDevice(r, "i1")) != 1 || len(PortsOfHost(r, "h1")) != 1 {
		t.Error("the port is not found by device or host")
	}
	q = must(w, func(tx *statestore.Txn) (Port, error) { return PortUnbind(tx, p.ID) })
	if q.DeviceID != "" || q.HostID != "" || q.Status != Down || q.StatusMessage != "" || len(PortsOfHost(w.s.Snapshot(), "h1")) != 0 {
		t.Errorf("unbound: %+v", q)
	}
	w.do(func(tx *statestore.Txn) error {
		if !PortRemove(tx, p.ID) || PortRemove(tx, p.ID) {
			t.Error("PortRemove tells the wrong thing")
		}
		PortObserve(tx, p.ID, true, "")
		return nil
	})
}

func TestPortVisible(t *testing.T) {
	w := newWorld(t)
	shared := w.network(ann, NetworkSpec{})
	w.do(func(tx *statestore.Txn) error {
		_, err := NetworkUpdate(tx, admin, shared.ID, NetworkChange{Shared: new(true)})
		return err
	})
	p := w.port(bob, PortSpec{NetworkID: shared.ID})
	r := w.s.Snapshot()
	for who, sees := range map[*cloud.Caller]bool{&ann: true, &bob: true, &admin: true, {ProjectID: "p3"}: false} {
		if _, err := PortGet(r, *who, p.ID); (err == nil) != sees {
			t.Errorf("%+v: %v", who, err)
		}
	}
}
