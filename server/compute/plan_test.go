package compute

import (
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// plan returns the world as a plan session sees it.
func (w *world) plan() *world {
	f := &world{t: w.t, tb: w.tb, s: w.s.Fork(), network: w.network}
	f.do(func(tx *statestore.Txn) error { StandIns(tx); network.StandIns(tx); image.StandIns(tx); return nil })
	return f
}

// A plan refuses what no order of its steps could make possible, warns of what
// needs room first, and leaves nothing.
func TestPlanQuota(t *testing.T) {
	w := newWorld(t, 4)
	for range 8 {
		w.running(ann, spec("old"))
	}
	before := w.s.Snapshot().Revision()
	p := w.plan()
	s := spec("new")
	for n := range 10 {
		if _, err := p.create(ann, s); err != nil {
			t.Fatalf("create %d, which alone with the plan's own fits: %v", n, err)
		}
		switch warnings := p.s.Warnings(); {
		case n < 2 && len(warnings) > 0:
			t.Errorf("create %d fits as things are, yet: %v", n, warnings)
		case n >= 2 && (len(warnings) == 0 || !strings.Contains(warnings[0], "8 of 10")):
			t.Errorf("create %d: the warnings are %v", n, warnings)
		}
		p.checkSums()
	}
	_, err := p.create(ann, s)
	if e := cloud.AsError(err); e.Kind != cloud.Quota || e.Field != "/server/flavorRef" {
		t.Errorf("the plan alone is over the quota: %v", err)
	}
	if w.s.Snapshot().Revision() != before || UsageOf(w.s.Snapshot(), "p1").Instances != 8 {
		t.Error("the plan left something")
	}
	w.checkSums()
}

func TestPlanRoom(t *testing.T) {
	w := newWorld(t, 1)
	w.do(func(tx *statestore.Txn) error {
		return QuotaSet(tx, "p1", map[string]int{QuotaInstances: 100, QuotaCores: 100, QuotaRAM: 1 << 20}, false)
	})
	var old []Instance
	for range 12 { // as many as fit
		old = append(old, w.running(ann, spec("old")))
	}
	if _, err := w.create(ann, spec("x")); !cloud.Is(err, cloud.NoCapacity) {
		t.Fatalf("the host is not full: %v", err)
	}
	p := w.plan()
	i := p.mustCreate(ann, spec("new"))
	if i.HostID != "" {
		t.Errorf("placed on %s, which is full", i.HostID)
	}
	if warnings := p.s.Warnings(); len(warnings) != 1 || !strings.Contains(warnings[0], "room is made first") {
		t.Errorf("warnings %v", warnings)
	}
	p.checkSums()
	p.do(func(tx *statestore.Txn) error { return InstanceDelete(tx, ann, old[0].ID) })
	if _, there := Instances.Get(p.s.Snapshot(), old[0].ID); there {
		t.Error("a delete in a plan waits for a host")
	}
	if i := p.mustCreate(ann, spec("in its place")); i.HostID == "" || len(p.s.Warnings()) != 0 {
		t.Errorf("after a delete of the plan there is room, yet %+v", i)
	}
	p.checkSums()
	for n := 3; n <= 12; n++ {
		p.mustCreate(ann, spec("new"))
	}
	if _, err := p.create(ann, spec("new")); !cloud.Is(err, cloud.NoCapacity) {
		t.Errorf("the plan alone has no room: %v", err)
	}
	w.get(old[0].ID)
	w.checkSums()
}

// Ports, groups, images, flavors and the rest that the plan itself will make
// have an id that stands for any of them.
func TestPlanUnknowns(t *testing.T) {
	w := newWorld(t, 1)
	s := spec("x")
	s.FlavorID, s.ImageID = cloud.UnknownID, cloud.UnknownID
	s.NoNetwork, s.Networks = false, []NICSpec{{PortID: cloud.UnknownID}, {PortID: cloud.UnknownID}, {NetworkID: cloud.UnknownID}}
	s.SecurityGroups = []string{cloud.UnknownID}
	s.Hints = map[string][]string{"group": {cloud.UnknownID}, "different_host": {cloud.UnknownID}, "same_host": {cloud.UnknownID}}
	if _, err := w.create(ann, s); err == nil {
		t.Fatal("unknown ids outside of plans")
	}
	p := w.plan()
	i, err := p.create(ann, s)
	if err != nil {
		t.Fatal(err)
	}
	p.checkSums()
	p.do(func(tx *statestore.Txn) error {
		if _, err := InstanceAttach(tx, ann, i[0].ID, NICSpec{PortID: cloud.UnknownID}); err != nil {
			return err
		}
		return InstanceDelete(tx, ann, i[0].ID)
	})
	p.checkSums()
	if n := Instances.Len(w.s.Snapshot()); n != 0 {
		t.Errorf("%d instances are left in the cloud", n)
	}
}

// An image that the plan has yet to upload may turn out to fit.
func TestPlanImageToCome(t *testing.T) {
	w := newWorld(t, 1)
	w.do(func(tx *statestore.Txn) error {
		image.Images.Put(tx, image.Image{ID: "soon", ProjectID: "p1", Status: image.Queued, Visibility: image.Private})
		return nil
	})
	s := spec("x")
	s.ImageID = "soon"
	if _, err := w.create(ann, s); !cloud.Is(err, cloud.Invalid) {
		t.Errorf("outside of plans: %v", err)
	}
	if _, err := w.plan().create(ann, s); err != nil {
		t.Error(err)
	}
}

// What the plan leaves as it is counts, whether that is told before or after what
// the plan makes.
func TestPlanStays(t *testing.T) {
	w := newWorld(t, 4)
	var old []string
	for range 8 {
		old = append(old, w.running(ann, spec("old")).ID)
	}
	for _, first := range []bool{true, false} {
		p := w.plan()
		refusals, refused := 0, error(nil)
		note := func(err error) {
			if err != nil {
				refusals, refused = refusals+1, err
			}
		}
		keep := func() {
			name := "old"
			for _, id := range old {
				note(p.try(func(tx *statestore.Txn) error {
					_, err := InstanceUpdate(tx, ann, id, InstanceChange{Name: &name})
					return err
				}))
			}
		}
		if first {
			keep()
		}
		for range 3 {
			_, err := p.create(ann, spec("new"))
			note(err)
		}
		if !first {
			keep()
		}
		if e := cloud.AsError(refused); refusals != 1 || e.Kind != cloud.Quota || e.Field != "/server/flavorRef" {
			t.Errorf("told first %v: %d refusals, %v", first, refusals, refused)
		}
		p.checkSums()
	}
}

// A full host has no room for one more beside those that stay.
func TestPlanStaysOnFullHost(t *testing.T) {
	w := newWorld(t, 1)
	w.do(func(tx *statestore.Txn) error {
		return QuotaSet(tx, "p1", map[string]int{QuotaInstances: 100, QuotaCores: 100, QuotaRAM: 1 << 20}, false)
	})
	var old []string
	for range 12 { // as many as fit
		old = append(old, w.running(ann, spec("old")).ID)
	}
	p, name := w.plan(), "old"
	p.mustCreate(ann, spec("new"))
	refusals := 0
	for _, id := range old {
		err := p.try(func(tx *statestore.Txn) error {
			_, err := InstanceUpdate(tx, ann, id, InstanceChange{Name: &name})
			return err
		})
		if err != nil && !cloud.Is(err, cloud.NoCapacity) {
			t.Fatal(err)
		} else if err != nil {
			refusals++
		}
	}
	if refusals != 1 {
		t.Errorf("%d refusals", refusals)
	}
	p.checkSums()
}
