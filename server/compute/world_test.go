package compute

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/server/scheduler"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

var (
	ann   = cloud.Caller{UserID: "ann", ProjectID: "p1", RequestID: "req-ann", Roles: []string{"member", "reader"}}
	bob   = cloud.Caller{UserID: "bob", ProjectID: "p2", RequestID: "req-bob", Roles: []string{"member", "reader"}}
	admin = cloud.Caller{UserID: "root", ProjectID: "p0", RequestID: "req-root", Roles: []string{"admin"}}
)

// fataler is what a *testing.T and a *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// world is a store with flavors, an image, a network of p1 and some hosts.
type world struct {
	t       fataler
	tb      testing.TB
	s       *statestore.Store
	network string
}

func newWorld(t testing.TB, hosts int) *world {
	ids := 0 // counted, so that a failure can be replayed
	w := &world{t: t, tb: t, s: storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{
		Tables: slices.Concat(Tables, network.Tables, image.Tables), Logs: Logs,
		NewID: func() string { ids++; return fmt.Sprintf("%08x-0000-4000-8000-%012x", ids, ids) },
	})}
	w.do(func(tx *statestore.Txn) error {
		SeedFlavors(tx)
		image.Images.Put(tx, image.Image{ID: "img", Name: "tiny", ProjectID: "p1", Status: image.Active, Visibility: image.Public,
			DiskFormat: "qcow2", SHA256: "aa", Size: 1 << 20, VirtualSize: 1 << 28, CreatedAt: tx.Now(), UpdatedAt: tx.Now()})
		n, err := network.NetworkCreate(tx, ann, network.NetworkSpec{Name: "net"})
		if err != nil {
			return err
		}
		w.network = n.ID
		if _, err = network.SubnetCreate(tx, ann, network.SubnetSpec{NetworkID: n.ID, Name: "sub", CIDR: netip.MustParsePrefix("10.1.0.0/24")}); err != nil {
			return err
		}
		for k := range hosts {
			if err := w.host(tx, fmt.Sprintf("h%d", k), 4096); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) host(tx *statestore.Txn, name string, memory int) error {
	_, err := HostRegister(tx, HostSpec{ID: "id-" + name, Name: name, Fingerprint: Fingerprint{Arch: "x86_64", VirtTypes: []string{"qemu"},
		DriverName: "sim", VCPUs: 4, MemoryMiB: memory, DiskGiB: 100}})
	return err
}

func (w *world) try(fn func(tx *statestore.Txn) error) error {
	return w.s.Write(w.tb.Context(), fn)
}

func (w *world) do(fn func(tx *statestore.Txn) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

// spec is a request for one m1.tiny without networks.
func spec(name string) InstanceSpec {
	return InstanceSpec{Name: name, FlavorID: "1", ImageID: "img", NoNetwork: true}
}

func (w *world) create(c cloud.Caller, s InstanceSpec) ([]Instance, error) {
	var made []Instance
	err := w.try(func(tx *statestore.Txn) (err error) {
		made, err = InstanceCreate(tx, c, s)
		return err
	})
	return made, err
}

func (w *world) mustCreate(c cloud.Caller, s InstanceSpec) Instance {
	w.t.Helper()
	made, err := w.create(c, s)
	if err != nil {
		w.t.Fatal(err)
	}
	return made[0]
}

func (w *world) get(id string) Instance {
	w.t.Helper()
	i, ok := Instances.Get(w.s.Snapshot(), id)
	if !ok {
		w.t.Fatalf("instance %s is gone", id)
	}
	return i
}

func (w *world) observe(id string, o Observed) {
	w.t.Helper()
	o.InstanceID = id
	w.do(func(tx *statestore.Txn) error {
		i, _ := Instances.Get(tx, id)
		return InstanceObserve(tx, i.HostID, o)
	})
}

// running makes an instance and has its host run it.
func (w *world) running(c cloud.Caller, s InstanceSpec) Instance {
	w.t.Helper()
	i := w.mustCreate(c, s)
	w.observe(i.ID, Observed{Power: Running})
	return w.get(i.ID)
}

// checkSums verifies invariant I1, that Desired follows State (I3) and, outside
// of plan sessions, I2.
func (w *world) checkSums() {
	w.t.Helper()
	r := w.s.Snapshot()
	hosts, projects := map[string]scheduler.Resources{}, map[string]Usage{}
	for i := range Instances.All(r) {
		hosts[i.HostID] = hosts[i.HostID].Plus(i.Claim())
		u := projects[i.ProjectID]
		u.ProjectID, u.Instances, u.Resources = i.ProjectID, u.Instances+1, u.Resources.Plus(i.Claim())
		projects[i.ProjectID] = u
		if i.Desired != desiredIn(i.State, i.Desired) {
			w.t.Fatalf("instance %s is %s and desired %s", i.ID, i.State, i.Desired)
		}
	}
	for h := range Hosts.All(r) {
		if h.Used != hosts[h.ID] {
			w.t.Fatalf("host %s: used %+v, its instances claim %+v", h.Name, h.Used, hosts[h.ID])
		}
		f := h.Fingerprint
		if w.s.Base() != nil {
			continue
		}
		if c := scheduler.DefaultRatios.Capacity(scheduler.Resources{VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB, DiskGiB: f.DiskGiB}); !c.Covers(h.Used) {
			w.t.Fatalf("host %s: used %+v of %+v", h.Name, h.Used, c)
		}
	}
	n := 0
	for u := range Usages.All(r) {
		n++
		if u != projects[u.ProjectID] {
			w.t.Fatalf("project %s: usage %+v, its instances take %+v", u.ProjectID, u, projects[u.ProjectID])
		}
		limits := Limits(r, u.ProjectID)
		if w.s.Base() != nil {
			continue
		}
		if u.Instances > limits[QuotaInstances] || u.Resources.VCPUs > limits[QuotaCores] || u.Resources.MemoryMiB > limits[QuotaRAM] {
			w.t.Fatalf("project %s: usage %+v exceeds %v", u.ProjectID, u, limits)
		}
	}
	if n != len(projects) {
		w.t.Fatalf("%d projects have usage, %d have instances", n, len(projects))
	}
}
