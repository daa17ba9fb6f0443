package network

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

var (
	ann   = cloud.Caller{UserID: "ann", ProjectID: "p1"}
	bob   = cloud.Caller{UserID: "bob", ProjectID: "p2"}
	admin = cloud.Caller{UserID: "root", ProjectID: "p0", Roles: []string{"admin"}}
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

// world is a store whose transactions fail the test.
type world struct {
	t testing.TB
	s *statestore.Store
}

func newWorld(t testing.TB) world {
	w := world{t, storetest.NewStore(t, Tables)}
	w.do(func(tx *statestore.Txn) error {
		PhysicalNetworkAdd(tx, "physnet1")
		PhysicalNetworkAdd(tx, "physnet2")
		return nil
	})
	return w
}

func (w world) try(fn func(tx *statestore.Txn) error) error { return w.s.Write(w.t.Context(), fn) }

func (w world) do(fn func(tx *statestore.Txn) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

// get runs one domain call as a transaction of its own.
func get[T any](w world, fn func(tx *statestore.Txn) (T, error)) (v T, err error) {
	err = w.try(func(tx *statestore.Txn) error {
		var e error
		v, e = fn(tx)
		return e
	})
	return v, err
}

func must[T any](w world, fn func(tx *statestore.Txn) (T, error)) T {
	w.t.Helper()
	v, err := get(w, fn)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w world) network(c cloud.Caller, s NetworkSpec) Network {
	w.t.Helper()
	return must(w, func(tx *statestore.Txn) (Network, error) { return NetworkCreate(tx, c, s) })
}

func (w world) subnet(c cloud.Caller, s SubnetSpec) Subnet {
	w.t.Helper()
	return must(w, func(tx *statestore.Txn) (Subnet, error) { return SubnetCreate(tx, c, s) })
}

func (w world) port(c cloud.Caller, s PortSpec) Port {
	w.t.Helper()
	return must(w, func(tx *statestore.Txn) (Port, error) { return PortCreate(tx, c, s) })
}

func (w world) tryPort(c cloud.Caller, s PortSpec) (Port, error) {
	return get(w, func(tx *statestore.Txn) (Port, error) { return PortCreate(tx, c, s) })
}

// wants fails the test unless err is of the kind, bears the reason and field,
// and says says.
func wants(t testing.TB, what string, err error, kind cloud.Kind, reason Reason, field, says string) {
	t.Helper()
	var e *cloud.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want %s", what, err, kind)
		return
	}
	got, _ := errors.AsType[Reason](err)
	if e.Kind != kind || got != reason || e.Field != field || !strings.Contains(e.Msg, says) {
		t.Errorf("%s:\n got %s %q %q %q\nwant %s %q %q …%q…", what, e.Kind, got, e.Field, e.Msg, kind, reason, field, says)
	}
}

func TestNetworkCreate(t *testing.T) {
	w := newWorld(t)
	a := w.network(ann, NetworkSpec{Name: "a"})
	b := w.network(ann, NetworkSpec{Name: "b"})
	if a.Type != VXLAN || a.VNI == 0 || a.VNI == b.VNI || a.MTU != 1450 || !a.AdminStateUp || !a.PortSecurity || a.ProjectID != "p1" || a.Revision != 1 {
		t.Errorf("unexpected defaults: %+v, %+v", a, b)
	}
	flat := w.network(admin, NetworkSpec{Name: "flat", Type: Flat, PhysicalNetwork: "physnet1"})
	if flat.MTU != 1500 || flat.VNI != 0 {
		t.Errorf("unexpected flat network: %+v", flat)
	}
	w.network(admin, NetworkSpec{VNI: 5000})
	long := strings.Repeat("ä", 256)
	for _, c := range []struct {
		what   string
		spec   NetworkSpec
		kind   cloud.Kind
		reason Reason
		field  string
		says   string
	}{
		{"a physical network that is taken", NetworkSpec{Type: Flat, PhysicalNetwork: "physnet1"}, cloud.Conflict, PhysicalNetworkInUse, "/provider:physical_network", "physnet1 is in use"},
		{"a physical network nobody has", NetworkSpec{Type: Flat, PhysicalNetwork: "physnet9"}, cloud.Invalid, "", "/provider:physical_network", "known: physnet1, physnet2"},
		{"flat without physical network", NetworkSpec{Type: Flat}, cloud.Invalid, "", "/provider:physical_network", "required"},
		{"flat with a VNI", NetworkSpec{Type: Flat, PhysicalNetwork: "physnet2", VNI: 4}, cloud.Invalid, "", "/provider:segmentation_id", "flat"},
		{"vxlan on a physical network", NetworkSpec{PhysicalNetwork: "physnet2"}, cloud.Invalid, "", "/provider:physical_network", "vxlan"},
		{"a VNI that is taken", NetworkSpec{VNI: 5000}, cloud.Conflict, VNIInUse, "/provider:segmentation_id", "5000"},
		{"a VNI beyond 24 bits", NetworkSpec{VNI: 1 << 24}, cloud.Invalid, "", "/provider:segmentation_id", "16777215"},
		{"a type we lack", NetworkSpec{Type: "gre"}, cloud.Invalid, "", "/provider:network_type", "flat or vxlan"},
		{"packets too big for the tunnel", NetworkSpec{MTU: 1500}, cloud.Invalid, "", "/mtu", "1450"},
		{"packets too small", NetworkSpec{MTU: 20}, cloud.Invalid, "", "/mtu", "68"},
		{"a default network that leads nowhere", NetworkSpec{Default: true}, cloud.Invalid, "", "/is_default", "external"},
		{"a name too long", NetworkSpec{Name: long}, cloud.Invalid, "", "/name", "255"},
		{"an empty tag", NetworkSpec{Tags: []string{""}}, cloud.Invalid, "", "/tags", "tag 0"},
	} {
		_, err := get(w, func(tx *statestore.Txn) (Network, error) { return NetworkCreate(tx, admin, c.spec) })
		wants(t, c.what, err, c.kind, c.reason, c.field, c.says)
	}
	_, err := get(w, func(tx *statestore.Txn) (Network, error) {
		return NetworkCreate(tx, cloud.Caller{UserID: "x", System: true}, NetworkSpec{})
	})
	wants(t, "no project", err, cloud.Invalid, "", "/project_id", "not scoped")
}

func TestNetworkVisibleAndShared(t *testing.T) {
	w := newWorld(t)
	mine := w.network(ann, NetworkSpec{Name: "mine"})
	shared := w.network(admin, NetworkSpec{Name: "shared", Shared: true})
	out := w.network(admin, NetworkSpec{Name: "out", External: true, Default: true})
	for _, c := range []struct {
		who  cloud.Caller
		id   string
		sees bool
	}{{ann, mine.ID, true}, {bob, mine.ID, false}, {admin, mine.ID, true}, {bob, shared.ID, true}, {bob, out.ID, true}, {bob, "nonsense", false}} {
		if _, err := NetworkGet(w.s.Snapshot(), c.who, c.id); (err == nil) != c.sees {
			t.Errorf("%s looks at %s: %v", c.who.UserID, c.id, err)
		}
	}
	w.port(bob, PortSpec{NetworkID: shared.ID})
	_, err := w.tryPort(bob, PortSpec{NetworkID: mine.ID})
	wants(t, "a port on a foreign network", err, cloud.NotFound, "", "/network_id", mine.ID)
	_, err = w.tryPort(bob, PortSpec{NetworkID: out.ID})
	wants(t, "a port on an external network", err, cloud.Forbidden, ExternalAttach, "/network_id", "external network")
	no := false
	_, err = get(w, func(tx *statestore.Txn) (Network, error) {
		return NetworkUpdate(tx, admin, shared.ID, NetworkChange{Shared: &no})
	})
	wants(t, "unsharing what others use", err, cloud.Conflict, SharedInUse, "/shared", "Multiple tenants")
	err = w.try(func(tx *statestore.Txn) error { return NetworkDelete(tx, admin, shared.ID) })
	wants(t, "deleting with ports", err, cloud.Conflict, NetworkInUse, "", "ports still in use")

	next := w.network(admin, NetworkSpec{Name: "out2", External: true, Default: true})
	if n, _ := Networks.Get(w.s.Snapshot(), out.ID); n.Default || !next.Default || n.Revision != 2 {
		t.Errorf("two default external networks: %+v", n)
	}
}

func TestNetworkDefaultFor(t *testing.T) {
	w := newWorld(t)
	_, err := NetworkDefaultFor(w.s.Snapshot(), ann)
	wants(t, "none", err, cloud.NotFound, "", "", "no network")
	shared := w.network(admin, NetworkSpec{Name: "shared", Shared: true})
	if n, err := NetworkDefaultFor(w.s.Snapshot(), ann); err != nil || n.ID != shared.ID {
		t.Errorf("got %v, %v; want the shared one", n.Name, err)
	}
	mine := w.network(ann, NetworkSpec{Name: "mine"})
	if n, err := NetworkDefaultFor(w.s.Snapshot(), ann); err != nil || n.ID != mine.ID {
		t.Errorf("got %v, %v; want its own one", n.Name, err)
	}
	w.network(ann, NetworkSpec{Name: "other"})
	_, err = NetworkDefaultFor(w.s.Snapshot(), ann)
	wants(t, "two", err, cloud.Conflict, Ambiguous, "", "Multiple possible networks")
}

func TestVNIsWrapAndSkip(t *testing.T) {
	w := newWorld(t)
	w.do(func(tx *statestore.Txn) error { Counters.Put(tx, Counter{"vni", MaxVNI - 1}); return nil })
	w.network(admin, NetworkSpec{VNI: 1})
	var got []int
	for range 3 {
		got = append(got, w.network(ann, NetworkSpec{}).VNI)
	}
	if got[0] != MaxVNI || got[1] != 2 || got[2] != 3 {
		t.Errorf("got %v, want [%d 2 3]", got, MaxVNI)
	}
}

func TestPhysicalNetworksOfHost(t *testing.T) {
	w := newWorld(t)
	make := func() error {
		return w.try(func(tx *statestore.Txn) error {
			_, err := NetworkCreate(tx, admin, NetworkSpec{Type: Flat, PhysicalNetwork: "lab"})
			return err
		})
	}
	w.do(func(tx *statestore.Txn) error {
		PhysicalNetworksOfHost(tx, "h1", []string{"lab", "physnet1"})
		PhysicalNetworksOfHost(tx, "h1", []string{"physnet1"})
		return nil
	})
	if make() == nil {
		t.Error("a network was made on a physical network that no host reaches any more")
	}
	w.do(func(tx *statestore.Txn) error { PhysicalNetworksOfHost(tx, "h2", []string{"lab"}); return nil })
	if err := make(); err != nil {
		t.Error(err)
	}
}

func TestSeed(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.do(func(tx *statestore.Txn) error {
			return Seed(tx, SeedSpec{AdminProjectID: "p0", DemoProjectID: "p1", PhysicalNetworks: []string{"physnet3"}})
		})
	}
	r := w.s.Snapshot()
	if n := Networks.Len(r); n != 2 {
		t.Fatalf("%d networks, want 2", n)
	}
	if n, err := NetworkDefaultFor(r, ann); err != nil || n.Name != "private" {
		t.Errorf("demo gets %v, %v; want private", n.Name, err)
	}
	out, _ := Networks.First(r, "name", "public")
	if !out.External || out.Type != Flat || !out.Default || out.ProjectID != "p0" {
		t.Errorf("public is %+v", out)
	}
	s, _ := Subnets.First(r, "name", "public-subnet")
	if s.DHCP || s.Gateway != addr("172.24.4.1") {
		t.Errorf("public-subnet is %+v", s)
	}
}
