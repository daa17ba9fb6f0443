package compute

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// TestInvariants does random things in random order, in the cloud and in plan
// sessions, and checks after each that the invariants of doc.go hold.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, 3)
		w.t = rt
		w.do(func(tx *statestore.Txn) error {
			n, err := network.NetworkCreate(tx, bob, network.NetworkSpec{Name: "bob's"})
			if err == nil {
				_, err = network.SubnetCreate(tx, bob, subnetOf(n.ID))
			}
			return err
		})
		m := &machine{world: w, own: map[string]bool{}}
		actions := m.actions()
		actions["plan"] = func(rt *rapid.T) { m.inPlan(rt) }
		rt.Repeat(actions)
	})
}

func subnetOf(networkID string) network.SubnetSpec {
	return network.SubnetSpec{NetworkID: networkID, CIDR: netip.MustParsePrefix("10.2.0.0/24")}
}

// machine is a world that random things happen to.
type machine struct {
	*world
	own map[string]bool // ports that users made and did not delete
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"create": m.createSome, "act": m.act, "observe": m.observeSome, "attach": m.attach, "detach": m.detach,
		"host": m.changeHost, "quota": m.changeQuota, "port": m.changePort, "edit": m.edit, "": m.check,
	}
}

// inPlan does some of it in a fork: what was there stays as it is.
func (m *machine) inPlan(rt *rapid.T) {
	before := m.s.Snapshot().Revision()
	p := &machine{world: m.plan(), own: map[string]bool{}}
	p.t = rt
	for id := range m.own {
		p.own[id] = true
	}
	names := []string{"create", "act", "attach", "detach", "port", "edit", "create"}
	actions := p.actions()
	for range rapid.IntRange(1, 12).Draw(rt, "steps") {
		actions[rapid.SampledFrom(names).Draw(rt, "step")](rt)
		p.check(rt)
	}
	if m.s.Snapshot().Revision() != before {
		rt.Fatal("the plan changed the cloud")
	}
}

// attempt runs one transaction; a refusal must have changed nothing and be of a
// kind that users are told.
func (m *machine) attempt(rt *rapid.T, fn func(tx *statestore.Txn) error) bool {
	before := m.s.Snapshot().Revision()
	err := m.try(fn)
	if err == nil {
		return true
	}
	if k := cloud.KindOf(err); k == cloud.Internal {
		rt.Fatalf("%v", err)
	}
	if m.s.Snapshot().Revision() != before {
		rt.Fatalf("refused (%v), but something changed", err)
	}
	return false
}

func drawCaller(rt *rapid.T) cloud.Caller {
	return rapid.SampledFrom([]cloud.Caller{ann, ann, bob, admin}).Draw(rt, "caller")
}

// instance draws one of the instances, "" if there is none.
func (m *machine) instance(rt *rapid.T) string {
	var ids []string
	for i := range Instances.All(m.s.Snapshot()) {
		ids = append(ids, i.ID)
	}
	if len(ids) == 0 {
		return ""
	}
	return rapid.SampledFrom(ids).Draw(rt, "instance")
}

func (m *machine) nic(rt *rapid.T) NICSpec {
	if own := slices.Sorted(keysOf(m.own)); len(own) > 0 && rapid.Bool().Draw(rt, "port") {
		return NICSpec{PortID: rapid.SampledFrom(own).Draw(rt, "own port")}
	}
	return NICSpec{NetworkID: m.network, FixedIP: rapid.SampledFrom([]string{"", "", "10.1.0.50", "10.1.0.51"}).Draw(rt, "address")}
}

func keysOf(m map[string]bool) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (m *machine) createSome(rt *rapid.T) {
	s := spec("x")
	s.FlavorID = rapid.SampledFrom([]string{"1", "1", "2", "3", "5"}).Draw(rt, "flavor")
	s.Max = rapid.IntRange(1, 3).Draw(rt, "max")
	s.Min = rapid.IntRange(1, s.Max).Draw(rt, "min")
	s.NoNetwork = false
	for range rapid.IntRange(0, 2).Draw(rt, "nics") {
		s.Networks = append(s.Networks, m.nic(rt))
	}
	m.attempt(rt, func(tx *statestore.Txn) error { _, err := InstanceCreate(tx, drawCaller(rt), s); return err })
}

func (m *machine) act(rt *rapid.T) {
	id := m.instance(rt)
	c := drawCaller(rt)
	do := rapid.SampledFrom([]func(tx *statestore.Txn) error{
		func(tx *statestore.Txn) error { return InstanceStart(tx, c, id) },
		func(tx *statestore.Txn) error { return InstanceStop(tx, c, id) },
		func(tx *statestore.Txn) error { return InstanceReboot(tx, c, id, true) },
		func(tx *statestore.Txn) error { return InstanceReboot(tx, c, id, false) },
		func(tx *statestore.Txn) error { return InstanceReset(tx, c, id, true) },
		func(tx *statestore.Txn) error { return InstanceReset(tx, c, id, false) },
		func(tx *statestore.Txn) error { return InstanceLock(tx, c, id, "") },
		func(tx *statestore.Txn) error { return InstanceUnlock(tx, c, id) },
		func(tx *statestore.Txn) error { return InstanceDelete(tx, c, id) },
		func(tx *statestore.Txn) error { return InstanceDelete(tx, c, id) },
	}).Draw(rt, "act")
	m.told(rt, id, func() { m.attempt(rt, do) })
}

func (m *machine) edit(rt *rapid.T) {
	id := m.instance(rt)
	c := drawCaller(rt)
	name, key := rapid.StringMatching(`[a-c]?`).Draw(rt, "name"), rapid.StringMatching(`[a-b]?`).Draw(rt, "key")
	do := rapid.SampledFrom([]func(tx *statestore.Txn) error{
		func(tx *statestore.Txn) error {
			_, err := InstanceUpdate(tx, c, id, InstanceChange{Name: &name, UserData: new("YQ==")})
			return err
		},
		func(tx *statestore.Txn) error {
			_, err := InstanceMetadataSet(tx, c, id, map[string]string{key: name}, name == "a")
			return err
		},
		func(tx *statestore.Txn) error { return InstanceMetadataUnset(tx, c, id, key) },
		func(tx *statestore.Txn) error { _, err := InstanceTagAdd(tx, c, id, key); return err },
		func(tx *statestore.Txn) error { return InstanceGroupAdd(tx, c, id, "default") },
		func(tx *statestore.Txn) error { return InstanceGroupRemove(tx, c, id, "default") },
	}).Draw(rt, "edit")
	m.told(rt, id, func() { m.attempt(rt, do) })
}

// told checks I6: Generation rises whenever what the host must know changes, and
// never falls.
func (m *machine) told(rt *rapid.T, id string, do func()) {
	rendered := func(i Instance) string {
		return fmt.Sprint(i.Desired, i.RebootSerial, i.Ports(), i.Name, i.Hostname, i.UserData, i.Metadata)
	}
	was, _ := Instances.Get(m.s.Snapshot(), id)
	do()
	is, ok := Instances.Get(m.s.Snapshot(), id)
	if !ok {
		return
	}
	if is.Generation < was.Generation || rendered(is) != rendered(was) && is.Generation == was.Generation {
		rt.Fatalf("generation %d became %d while\n%s became\n%s", was.Generation, is.Generation, rendered(was), rendered(is))
	}
}

func (m *machine) observeSome(rt *rapid.T) {
	id := m.instance(rt)
	i, ok := Instances.Get(m.s.Snapshot(), id)
	if !ok {
		return
	}
	o := Observed{InstanceID: id, Power: rapid.SampledFrom([]Power{PowerUnknown, Running, Running, Stopped, Paused, Crashed}).Draw(rt, "power"),
		Gone: rapid.IntRange(0, 3).Draw(rt, "gone") == 0, RebootSerial: i.RebootSerial, Applied: "d"}
	if i.RebootSerial > 0 && rapid.Bool().Draw(rt, "before the reboot") {
		o.RebootSerial--
	}
	if rapid.IntRange(0, 5).Draw(rt, "fault") == 0 {
		o.Fault = "it broke"
	}
	host := rapid.SampledFrom([]string{i.HostID, i.HostID, i.HostID, "id-h0"}).Draw(rt, "host")
	m.told(rt, id, func() {
		m.do(func(tx *statestore.Txn) error { return InstanceObserve(tx, host, o) })
	})
	again := m.s.Snapshot().Revision()
	m.do(func(tx *statestore.Txn) error { return InstanceObserve(tx, host, o) })
	if m.s.Snapshot().Revision() != again {
		rt.Fatalf("%+v a second time is news", o)
	}
}

func (m *machine) attach(rt *rapid.T) {
	id, s := m.instance(rt), m.nic(rt)
	m.told(rt, id, func() {
		m.attempt(rt, func(tx *statestore.Txn) error { _, err := InstanceAttach(tx, drawCaller(rt), id, s); return err })
	})
}

func (m *machine) detach(rt *rapid.T) {
	id := m.instance(rt)
	i, ok := Instances.Get(m.s.Snapshot(), id)
	if !ok || len(i.NICs) == 0 {
		return
	}
	port := rapid.SampledFrom(i.Ports()).Draw(rt, "nic")
	m.told(rt, id, func() {
		m.attempt(rt, func(tx *statestore.Txn) error { return InstanceDetach(tx, drawCaller(rt), id, port) })
	})
}

func (m *machine) changePort(rt *rapid.T) {
	if own := slices.Sorted(keysOf(m.own)); len(own) > 2 || len(own) > 0 && rapid.Bool().Draw(rt, "delete") {
		id := rapid.SampledFrom(own).Draw(rt, "port")
		m.do(func(tx *statestore.Txn) error { return network.PortDelete(tx, admin, id) })
		delete(m.own, id)
		return
	}
	m.do(func(tx *statestore.Txn) error {
		p, err := network.PortCreate(tx, ann, network.PortSpec{NetworkID: m.network})
		m.own[p.ID] = true
		return err
	})
}

func (m *machine) changeHost(rt *rapid.T) {
	id := rapid.SampledFrom([]string{"id-h0", "id-h1", "id-h2"}).Draw(rt, "host")
	flag := rapid.Bool().Draw(rt, "flag")
	do := rapid.SampledFrom([]func(tx *statestore.Txn) error{
		func(tx *statestore.Txn) error { return HostDown(tx, id) },
		func(tx *statestore.Txn) error { return HostSeen(tx, id) },
		func(tx *statestore.Txn) error { _, err := HostUpdate(tx, id, HostChange{Disabled: &flag}); return err },
		func(tx *statestore.Txn) error {
			_, err := HostUpdate(tx, id, HostChange{ForcedDown: &flag})
			return err
		},
		func(tx *statestore.Txn) error { return m.host(tx, id[len("id-"):], 4096) },
	}).Draw(rt, "change")
	m.do(do)
}

func (m *machine) changeQuota(rt *rapid.T) {
	name := rapid.SampledFrom([]string{QuotaInstances, QuotaCores, QuotaRAM}).Draw(rt, "limit")
	m.attempt(rt, func(tx *statestore.Txn) error {
		return QuotaSet(tx, "p1", map[string]int{name: rapid.SampledFrom([]int{1, 5, 30, 20000}).Draw(rt, "to")}, false)
	})
}

// check verifies I1 to I4.
func (m *machine) check(rt *rapid.T) {
	m.t = rt
	m.checkSums()
	r := m.s.Snapshot()
	plugged := map[string]string{} // port → instance
	for i := range Instances.All(r) {
		if !slices.Contains(States, i.State) {
			rt.Fatalf("instance %s is %q", i.ID, i.State)
		}
		if i.State.settled() && i.Pending != nil || i.State != Deleting && !i.State.settled() && i.Pending == nil {
			rt.Fatalf("instance %s is %s and %+v is pending", i.ID, i.State, i.Pending)
		}
		for _, nic := range i.NICs {
			p, there := network.Ports.Get(r, nic.PortID)
			// A plan may give a port away that it has yet to take from its device.
			if p.DeviceID != i.ID && m.s.Base() != nil && (there || !nic.Made) {
				if was, _ := network.Ports.Get(m.s.Base(), nic.PortID); was.DeviceID == i.ID {
					continue
				}
			}
			if other, twice := plugged[nic.PortID]; twice {
				rt.Fatalf("port %s is a NIC of %s and %s", nic.PortID, i.ID, other)
			}
			plugged[nic.PortID] = i.ID
			switch {
			case !there && (nic.Made || m.own[nic.PortID]):
				rt.Fatalf("instance %s lost port %s", i.ID, nic.PortID)
			case there && p.DeviceID != i.ID:
				rt.Fatalf("port %s of instance %s is bound to %q", p.ID, i.ID, p.DeviceID)
			}
		}
	}
	for p := range network.Ports.All(r) {
		if p.DeviceID != "" && plugged[p.ID] != p.DeviceID {
			rt.Fatalf("port %s is bound to %s, whose NIC it is not", p.ID, p.DeviceID)
		}
		if p.DeviceID == "" && !m.own[p.ID] && p.ID != cloud.UnknownID {
			rt.Fatalf("port %s outlived its attachment", p.ID)
		}
	}
}
