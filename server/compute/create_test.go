package compute

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/server/scheduler"
	"github.com/cloudlet/cloudlet/statestore"
)

func (w *world) port(c cloud.Caller, net string) network.Port {
	w.t.Helper()
	var p network.Port
	w.do(func(tx *statestore.Txn) (err error) {
		p, err = network.PortCreate(tx, c, network.PortSpec{NetworkID: net})
		return err
	})
	return p
}

// Every refusal has its kind and points at what of the request is wrong, and
// nothing is left of the attempt.
func TestCreateRefusals(t *testing.T) {
	w := newWorld(t, 1)
	var foreign network.Network
	w.do(func(tx *statestore.Txn) error {
		for _, i := range []image.Image{
			{ID: "big", ProjectID: "p1", Status: image.Active, Visibility: image.Public, VirtualSize: 2 << 30},
			{ID: "hungry", ProjectID: "p1", Status: image.Active, Visibility: image.Public, MinRAM: 4096},
			{ID: "wide", ProjectID: "p1", Status: image.Active, Visibility: image.Public, MinDisk: 10},
			{ID: "empty", ProjectID: "p1", Status: image.Queued, Visibility: image.Public},
			{ID: "arm", ProjectID: "p1", Status: image.Active, Visibility: image.Public, Properties: map[string]string{"hw_architecture": "aarch64"}},
			{ID: "bobs", ProjectID: "p2", Status: image.Active, Visibility: image.Private},
		} {
			image.Images.Put(tx, i)
		}
		Flavors.Put(tx, Flavor{ID: "secret", Name: "secret", VCPUs: 1, MemoryMiB: 1})
		Flavors.Put(tx, Flavor{ID: "huge", Name: "huge", Public: true, VCPUs: 1, MemoryMiB: 1 << 14, DiskGiB: 1})
		var err error
		foreign, err = network.NetworkCreate(tx, bob, network.NetworkSpec{Name: "bob's"})
		if err != nil {
			return err
		}
		_, err = network.NetworkCreate(tx, ann, network.NetworkSpec{Name: "no subnet"})
		return err
	})
	var bare network.Network
	for n := range network.Networks.By(w.s.Snapshot(), "name", "no subnet") {
		bare = n
	}
	used := w.port(ann, w.network)
	s := spec("user")
	s.NoNetwork, s.Networks = false, []NICSpec{{PortID: used.ID}}
	w.mustCreate(ann, s)
	bobs := w.port(admin, w.network)

	nics := func(n ...NICSpec) func(s *InstanceSpec) {
		return func(s *InstanceSpec) { s.NoNetwork, s.Networks = false, n }
	}
	for _, c := range []struct {
		name  string
		with  func(s *InstanceSpec)
		kind  cloud.Kind
		field string
	}{
		{"no name", func(s *InstanceSpec) { s.Name = " " }, cloud.Invalid, "/server/name"},
		{"a long name", func(s *InstanceSpec) { s.Name = strings.Repeat("ä", 256) }, cloud.Invalid, "/server/name"},
		{"a name with a control character", func(s *InstanceSpec) { s.Name = "a\x1bb" }, cloud.Invalid, "/server/name"},
		{"a bad host name", func(s *InstanceSpec) { s.Hostname = "a.b" }, cloud.Invalid, "/server/hostname"},
		{"a long description", func(s *InstanceSpec) { s.Description = strings.Repeat("x", 256) }, cloud.Invalid, "/server/description"},
		{"user data that is not base64", func(s *InstanceSpec) { s.UserData = "#!/bin/sh" }, cloud.Invalid, "/server/user_data"},
		{"too much user data", func(s *InstanceSpec) { s.UserData = strings.Repeat("A", 65536) }, cloud.Invalid, "/server/user_data"},
		{"an empty metadata key", func(s *InstanceSpec) { s.Metadata = map[string]string{"": "x"} }, cloud.Invalid, "/server/metadata/"},
		{"a long metadata value", func(s *InstanceSpec) { s.Metadata = map[string]string{"k": strings.Repeat("x", 256)} }, cloud.Invalid, "/server/metadata/k"},
		{"too much metadata", func(s *InstanceSpec) {
			s.Metadata = map[string]string{}
			for i := range 129 {
				s.Metadata[fmt.Sprint(i)] = ""
			}
		}, cloud.Quota, "/server/metadata"},
		{"a tag with a slash", func(s *InstanceSpec) { s.Tags = []string{"a/b"} }, cloud.Invalid, "/server/tags"},
		{"a disk config that is none", func(s *InstanceSpec) { s.DiskConfig = "SOME" }, cloud.Invalid, "/server/OS-DCF:diskConfig"},
		{"min over max", func(s *InstanceSpec) { s.Min, s.Max = 3, 2 }, cloud.Invalid, "/server/min_count"},
		{"an IPv6 address for IPv4", func(s *InstanceSpec) { s.AccessIPv4 = "::1" }, cloud.Invalid, "/server/accessIPv4"},
		{"an unknown flavor", func(s *InstanceSpec) { s.FlavorID = "none" }, cloud.Invalid, "/server/flavorRef"},
		{"a flavor of others", func(s *InstanceSpec) { s.FlavorID = "secret" }, cloud.Invalid, "/server/flavorRef"},
		{"no image", func(s *InstanceSpec) { s.ImageID = "" }, cloud.Invalid, "/server/imageRef"},
		{"an unknown image", func(s *InstanceSpec) { s.ImageID = "none" }, cloud.Invalid, "/server/imageRef"},
		{"another project's image", func(s *InstanceSpec) { s.ImageID = "bobs" }, cloud.Invalid, "/server/imageRef"},
		{"an image without bytes", func(s *InstanceSpec) { s.ImageID = "empty" }, cloud.Invalid, "/server/imageRef"},
		{"an image bigger than the disk", func(s *InstanceSpec) { s.ImageID = "big" }, cloud.Invalid, "/server/flavorRef"},
		{"an image that wants more memory", func(s *InstanceSpec) { s.ImageID = "hungry" }, cloud.Invalid, "/server/flavorRef"},
		{"an image that wants more disk", func(s *InstanceSpec) { s.ImageID = "wide" }, cloud.Invalid, "/server/flavorRef"},
		{"an image of another architecture", func(s *InstanceSpec) { s.ImageID = "arm" }, cloud.NoCapacity, "/server/flavorRef"},
		{"an unknown key", func(s *InstanceSpec) { s.KeyName = "none" }, cloud.Invalid, "/server/key_name"},
		{"an unknown zone", func(s *InstanceSpec) { s.Zone = "mars" }, cloud.Invalid, "/server/availability_zone"},
		{"an unknown host", func(s *InstanceSpec) { s.Host = "none" }, cloud.Invalid, "/server/host"},
		{"an unknown server group", func(s *InstanceSpec) { s.Hints = map[string][]string{"group": {"none"}} }, cloud.Invalid, "/os:scheduler_hints/group"},
		{"more hints than are kept", func(s *InstanceSpec) { s.Hints = map[string][]string{"note": {strings.Repeat("x", 40000)}} }, cloud.Invalid, "/os:scheduler_hints"},
		{"many hints", func(s *InstanceSpec) {
			s.Hints = map[string][]string{"note": make([]string, 5000), strings.Repeat("k", 40000): nil}
		}, cloud.Invalid, "/os:scheduler_hints"},
		{"more security groups than are kept", func(s *InstanceSpec) { s.SecurityGroups = slices.Repeat([]string{"default"}, 101) }, cloud.Invalid, "/server/security_groups"},
		{"more than any host has", func(s *InstanceSpec) { s.FlavorID = "huge" }, cloud.NoCapacity, "/server/flavorRef"},
		{"more than the quota", func(s *InstanceSpec) { s.Min, s.Max = 11, 11 }, cloud.Quota, "/server/flavorRef"},
		{"an unknown network", nics(NICSpec{NetworkID: "none"}), cloud.Invalid, "/server/networks/0/uuid"},
		{"another project's network", nics(NICSpec{NetworkID: foreign.ID}), cloud.Invalid, "/server/networks/0/uuid"},
		{"a network without a subnet", nics(NICSpec{NetworkID: bare.ID}), cloud.Invalid, "/server/networks/0/uuid"},
		{"an unknown port", nics(NICSpec{NetworkID: w.network}, NICSpec{PortID: "none"}), cloud.Invalid, "/server/networks/1/port"},
		{"a port in use", nics(NICSpec{PortID: used.ID}), cloud.Conflict, "/server/networks/0/port"},
		{"another project's port", nics(NICSpec{PortID: bobs.ID}), cloud.Invalid, "/server/networks/0/port"},
		{"an address outside the subnet", nics(NICSpec{NetworkID: w.network, FixedIP: "192.0.2.1"}), cloud.Invalid, "/server/networks/0/fixed_ip"},
		{"an address in use", nics(NICSpec{NetworkID: w.network, FixedIP: used.FixedIPs[0].Address.String()}), cloud.Conflict, "/server/networks/0/fixed_ip"},
		{"an address and a port", nics(NICSpec{PortID: used.ID, FixedIP: "10.1.0.9"}), cloud.Invalid, "/server/networks/0/fixed_ip"},
		{"neither network nor port", nics(NICSpec{}), cloud.Invalid, "/server/networks/0"},
		{"one port for two", func(s *InstanceSpec) { nics(NICSpec{PortID: used.ID})(s); s.Min, s.Max = 2, 2 }, cloud.Invalid, "/server/networks/0/port"},
		{"auto with two networks", func(s *InstanceSpec) { s.NoNetwork, s.AutoNetwork = false, true }, cloud.Conflict, "/server/networks"},
		{"an unknown security group", func(s *InstanceSpec) { s.SecurityGroups = []string{"default", "none"} }, cloud.Invalid, "/server/security_groups/1/name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := w.s.Snapshot().Revision()
			s := spec("x")
			c.with(&s)
			made, err := w.create(ann, s)
			if err == nil {
				t.Fatalf("made %v", made)
			}
			if e := cloud.AsError(err); e.Kind != c.kind || e.Field != c.field || e.Msg == "" {
				t.Errorf("%s at %q: %s; want %s at %q", e.Kind, e.Field, e.Msg, c.kind, c.field)
			}
			if after := w.s.Snapshot().Revision(); after != before {
				t.Error("the refused create changed something")
			}
		})
	}
	if _, err := w.create(cloud.Caller{UserID: "ann"}, spec("x")); !cloud.Is(err, cloud.Forbidden) {
		t.Errorf("without a project: %v", err)
	}
	w.checkSums()
}

func TestCreateKeepsWhatItWasMadeWith(t *testing.T) {
	w := newWorld(t, 1)
	public, _, err := KeyGenerate("ann")
	if err != nil {
		t.Fatal(err)
	}
	w.do(func(tx *statestore.Txn) error {
		if _, err := KeypairCreate(tx, Keypair{UserID: "ann", Name: "k", Type: "ssh", PublicKey: public}); err != nil {
			return err
		}
		_, err := FlavorSpecsSet(tx, admin, "1", map[string]string{"hw:x": "y"})
		return err
	})
	s := spec("Web 1.example")
	s.KeyName, s.Metadata, s.Tags = "k", map[string]string{"role": "web"}, []string{"b", "a", "b"}
	i := w.mustCreate(ann, s)
	w.do(func(tx *statestore.Txn) error {
		image.Images.Delete(tx, "img")
		if err := KeypairDelete(tx, "ann", "k"); err != nil {
			return err
		}
		return FlavorDelete(tx, admin, "1")
	})
	got := w.get(i.ID)
	if got.Flavor.Name != "m1.tiny" || got.Flavor.ExtraSpecs["hw:x"] != "y" || got.Image.SHA256 != "aa" || got.PublicKey != public || got.Hostname != "web-1-example" {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(got.Tags, []string{"a", "b"}) || got.Metadata["role"] != "web" || got.HostID != "id-h0" || got.Zone != DefaultZone || got.Generation != 1 {
		t.Errorf("%+v", got)
	}
	w.observe(i.ID, Observed{Power: Running})
	w.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) })
	w.observe(i.ID, Observed{Gone: true})
	w.checkSums()
}

func TestCreateMany(t *testing.T) {
	w := newWorld(t, 0)
	w.do(func(tx *statestore.Txn) error { return w.host(tx, "h0", 2048) }) // at 1.5 to one, 6 of m1.tiny
	s := spec("web")
	s.NoNetwork, s.Networks, s.Min, s.Max = false, []NICSpec{{NetworkID: w.network}}, 2, 9
	made, err := w.create(ann, s)
	if err != nil || len(made) != 6 {
		t.Fatalf("%d made, %v; want as many as fit", len(made), err)
	}
	for n, i := range made {
		if i.Name != fmt.Sprintf("web-%d", n+1) || i.LaunchIndex != n || i.ReservationID != made[0].ReservationID || len(i.NICs) != 1 || !i.NICs[0].Made {
			t.Errorf("%d: %+v", n, i)
		}
	}
	w.checkSums()
	before := w.s.Snapshot().Revision()
	if _, err := w.create(ann, s); !cloud.Is(err, cloud.NoCapacity) {
		t.Errorf("less room than the least that is wanted: %v", err)
	}
	if w.s.Snapshot().Revision() != before {
		t.Error("a refusal left something")
	}
	s = spec("few")
	w.do(func(tx *statestore.Txn) error { return w.host(tx, "h1", 8192) })
	s.Min, s.Max = 1, 9
	if made, err = w.create(ann, s); err != nil || len(made) != 4 {
		t.Errorf("%d made, %v; the quota has room for 4", len(made), err)
	}
	w.checkSums()
}

// Ports live as the attachment does: those made with it go with it, others stay.
func TestPorts(t *testing.T) {
	w := newWorld(t, 1)
	own := w.port(ann, w.network)
	s := spec("x")
	s.NoNetwork, s.Networks = false, []NICSpec{{PortID: own.ID}, {NetworkID: w.network, FixedIP: "10.1.0.77", Tag: "b"}}
	i := w.running(ann, s)
	made := i.NICs[1].PortID
	ps := PortsOf(w.s.Snapshot(), i)
	if len(ps) != 2 || ps[0].ID != own.ID || ps[0].DeviceID != i.ID || ps[0].DeviceOwner != "compute:nova" || ps[0].BindingHost != "h0" {
		t.Fatalf("%+v", ps)
	}
	if ps[1].FixedIPs[0].Address != netip.MustParseAddr("10.1.0.77") {
		t.Errorf("%+v", ps[1].FixedIPs)
	}
	gen := i.Generation
	var hot network.Port
	w.do(func(tx *statestore.Txn) (err error) {
		hot, err = InstanceAttach(tx, ann, i.ID, NICSpec{NetworkID: w.network})
		return err
	})
	if got := w.get(i.ID); len(got.NICs) != 3 || got.Ports()[2] != hot.ID || got.Generation <= gen {
		t.Errorf("attached: %+v", got)
	}
	for _, c := range []struct {
		what  string
		spec  NICSpec
		kind  cloud.Kind
		field string
	}{
		{"its own port again", NICSpec{PortID: own.ID}, cloud.Conflict, ""},
		{"an unknown port", NICSpec{PortID: "none"}, cloud.Invalid, "/interfaceAttachment/port_id"},
		{"an unknown network", NICSpec{NetworkID: "none"}, cloud.Invalid, "/interfaceAttachment/net_id"},
		{"an address in use", NICSpec{NetworkID: w.network, FixedIP: "10.1.0.77"}, cloud.Conflict, "/interfaceAttachment/fixed_ips/0/ip_address"},
	} {
		err := w.try(func(tx *statestore.Txn) error { _, err := InstanceAttach(tx, ann, i.ID, c.spec); return err })
		if e := cloud.AsError(err); err == nil || e.Kind != c.kind || e.Field != c.field {
			t.Errorf("%s: %v at %q, want %s at %q", c.what, err, e.Field, c.kind, c.field)
		}
	}
	w.do(func(tx *statestore.Txn) error {
		if err := InstanceDetach(tx, ann, i.ID, hot.ID); err != nil {
			return err
		}
		return InstanceDetach(tx, ann, i.ID, own.ID)
	})
	if _, there := network.Ports.Get(w.s.Snapshot(), hot.ID); there {
		t.Error("a port made by the attach outlived the detach")
	}
	p, there := network.Ports.Get(w.s.Snapshot(), own.ID)
	if !there || p.DeviceID != "" || p.BindingHost != "" || len(p.FixedIPs) != 1 || p.FixedIPs[0] != own.FixedIPs[0] {
		t.Errorf("the user's own port after the detach: %v %+v", there, p)
	}
	if err := w.try(func(tx *statestore.Txn) error { return InstanceDetach(tx, ann, i.ID, own.ID) }); !cloud.Is(err, cloud.NotFound) {
		t.Errorf("detached twice: %v", err)
	}
	w.do(func(tx *statestore.Txn) error {
		_, err := InstanceAttach(tx, ann, i.ID, NICSpec{PortID: own.ID})
		return err
	})
	w.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) })
	if err := w.try(func(tx *statestore.Txn) error { return InstanceDetach(tx, ann, i.ID, own.ID) }); !cloud.Is(err, cloud.Conflict) {
		t.Errorf("detached while it is deleted: %v", err)
	}
	w.observe(i.ID, Observed{Gone: true})
	if _, there := network.Ports.Get(w.s.Snapshot(), made); there {
		t.Error("a port made by the create outlived the instance")
	}
	if p, there := network.Ports.Get(w.s.Snapshot(), own.ID); !there || p.DeviceID != "" {
		t.Errorf("the user's own port after the delete: %v %+v", there, p)
	}
	w.checkSums()
}

// A delete is done at once where no host has a part in it, and only reported
// gone by the host otherwise.
func TestDelete(t *testing.T) {
	w := newWorld(t, 1)
	i := w.running(ann, spec("x"))
	w.do(func(tx *statestore.Txn) error { return InstanceLock(tx, ann, i.ID, "mine") })
	if err := w.try(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) }); !cloud.Is(err, cloud.Conflict) {
		t.Errorf("a locked one: %v", err)
	}
	if err := w.try(func(tx *statestore.Txn) error { return InstanceDelete(tx, bob, i.ID) }); !cloud.Is(err, cloud.NotFound) {
		t.Errorf("another project's: %v", err)
	}
	w.observe(i.ID, Observed{Gone: true})
	if got := w.get(i.ID); got.State != Active {
		t.Errorf("gone, but not as wanted: %s", got.State)
	}
	w.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, admin, i.ID) })
	w.do(func(tx *statestore.Txn) error {
		return InstanceObserve(tx, "id-other", Observed{InstanceID: i.ID, Gone: true})
	})
	if got := w.get(i.ID); got.State != Deleting || got.Desired != Gone {
		t.Errorf("%s, desired %s", got.State, got.Desired)
	}
	if u := UsageOf(w.s.Snapshot(), "p1"); u.Instances != 1 {
		t.Errorf("its claim went before it: %+v", u)
	}
	w.do(func(tx *statestore.Txn) error { return HostDown(tx, "id-h0") })
	if _, ok := Instances.Get(w.s.Snapshot(), i.ID); ok {
		t.Error("its host went down, but it still waits for it")
	}
	w.do(func(tx *statestore.Txn) error { return HostSeen(tx, "id-h0") })
	i = w.running(ann, spec("y"))
	w.do(func(tx *statestore.Txn) error { return HostDown(tx, "id-h0") })
	if got := w.get(i.ID); got.State != Active {
		t.Errorf("its host is down, and it is %s", got.State)
	}
	w.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, i.ID) })
	if _, ok := Instances.Get(w.s.Snapshot(), i.ID); ok {
		t.Error("the host is down, but the row stayed")
	}
	if h, _ := Hosts.Get(w.s.Snapshot(), "id-h0"); h.Used != (scheduler.Resources{}) || h.Instances != 0 {
		t.Errorf("%+v", h)
	}
	w.checkSums()
}

func TestServerGroups(t *testing.T) {
	w := newWorld(t, 2)
	var g Group
	w.do(func(tx *statestore.Txn) (err error) {
		g, err = GroupCreate(tx, ann, Group{Name: "apart", Policy: "anti-affinity"})
		return err
	})
	s := spec("a")
	s.Hints = map[string][]string{"group": {g.ID}}
	s.Min, s.Max = 2, 2
	made, err := w.create(ann, s)
	if err != nil || made[0].HostID == made[1].HostID {
		t.Fatalf("%v %+v", err, made)
	}
	s.Min, s.Max = 1, 1
	if _, err := w.create(ann, s); !cloud.Is(err, cloud.NoCapacity) {
		t.Errorf("a third on two hosts: %v", err)
	}
	near := spec("near")
	near.Hints = map[string][]string{"same_host": {made[1].ID}}
	if i := w.mustCreate(ann, near); i.HostID != made[1].HostID {
		t.Errorf("same_host %s, placed on %s", made[1].HostID, i.HostID)
	}
	far := spec("far")
	far.Hints = map[string][]string{"different_host": {made[0].ID, made[1].ID}}
	if _, err := w.create(ann, far); !cloud.Is(err, cloud.NoCapacity) {
		t.Errorf("apart from both: %v", err)
	}
	if !slices.Contains(GroupMembers(w.s.Snapshot(), g.ID), made[0].ID) {
		t.Error("not a member")
	}
	w.checkSums()
}
