package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

func newKeeper(t *testing.T, dir string) *keeper {
	t.Helper()
	k, err := openKeeper(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestKeeperKeeps(t *testing.T) {
	dir := t.TempDir()
	k := newKeeper(t, dir)
	one, n := instance("g1", "p1"), network("g1", "p1")
	k.put(&hostapi.Desired{Instances: []*hostapi.Instance{one, instance("g2")}, Networks: []*hostapi.Network{n}})
	k.put(&hostapi.Desired{RemovedInstances: []string{"g2", "never"}})
	k.flush()
	k.put(&hostapi.Desired{Instances: []*hostapi.Instance{with(one, func(i *hostapi.Instance) { i.Name = "new" })}})
	k.flush()
	instances, networks := newKeeper(t, dir).load()
	if len(instances) != 1 || instances["g1"].Name != "new" || !proto.Equal(networks["n1"], n) {
		t.Errorf("kept %v and %v", instances, networks)
	}
	if fi, err := os.Stat(filepath.Join(dir, keptInstances, "g1")); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v: it holds user data", fi.Mode(), err)
	}
	k.put(&hostapi.Desired{RemovedInstances: []string{"g1"}, RemovedNetworks: []string{"n1"}})
	k.flush()
	if left := append(names(t, filepath.Join(dir, keptInstances)), names(t, filepath.Join(dir, keptNetworks))...); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// What is to be kept when the agent ends is kept.
func TestKeeperEnds(t *testing.T) {
	dir := t.TempDir()
	for n := range 20 {
		k := newKeeper(t, dir)
		id := fmt.Sprint("g", n)
		k.put(&hostapi.Desired{Instances: []*hostapi.Instance{instance(id)}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		k.run(ctx)
		if instances, _ := k.load(); instances[id] == nil {
			t.Fatalf("%s is not kept", id)
		}
	}
}

func TestKeeperAndFilesThatAreNotWhole(t *testing.T) {
	dir := t.TempDir()
	k := newKeeper(t, dir)
	k.put(&hostapi.Desired{Instances: []*hostapi.Instance{instance("g1"), instance("g2"), instance("g3")}})
	k.flush()
	at := func(name string) string { return filepath.Join(dir, keptInstances, name) }
	whole, err := os.ReadFile(at("g1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"g1": nil, "g2": whole, "torn": []byte("\x0a\xff\xff"), unfinished + "123": whole} {
		if err := os.WriteFile(at(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for cut := range len(whole) {
		if err := os.WriteFile(at("g1"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		instances, _ := newKeeper(t, dir).load()
		for id, i := range instances {
			if i.Id != id || id != "g1" && id != "g3" {
				t.Errorf("cut at %d, it loads %s as %v", cut, id, i)
			}
		}
	}
	k.sweepDesired(map[string]bool{"g3": true}, nil)
	if left := names(t, filepath.Join(dir, keptInstances)); !slices.Equal(left, []string{"g3"}) {
		t.Errorf("after a sweep there are %v", left)
	}
}

func TestKeeperGuestDirectories(t *testing.T) {
	dir := t.TempDir()
	k := newKeeper(t, dir)
	for _, id := range []string{"g1", "g2"} {
		if err := os.MkdirAll(filepath.Join(k.guestDir(id), "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.removeGuest(""); err != nil || len(names(t, filepath.Join(dir, guestDirs))) != 2 {
		t.Errorf("an empty id removed something: %v", err)
	}
	if got := k.guestDir("../../etc"); !strings.HasPrefix(got, filepath.Join(dir, guestDirs)+"/") {
		t.Errorf("an id leads out of the directory: %s", got)
	}
	k.sweepGuests(map[string]bool{"g2": true})
	if left := names(t, filepath.Join(dir, guestDirs)); !slices.Equal(left, []string{"g2"}) {
		t.Errorf("after a sweep there are %v", left)
	}
	if err := k.removeGuest("g2"); err != nil {
		t.Error(err)
	}
	none := newKeeper(t, "")
	none.put(&hostapi.Desired{Instances: []*hostapi.Instance{instance("g1")}})
	none.flush()
	none.sweepGuests(nil)
	if err := none.removeGuest("g1"); err != nil {
		t.Error(err)
	}
}

func TestHostIDStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, err := HostID(dir)
	if err != nil || len(first) != 36 {
		t.Fatalf("id %q, %v", first, err)
	}
	if again, err := HostID(dir); again != first || err != nil {
		t.Errorf("id %q, then %q, %v", first, again, err)
	}
	if other, _ := HostID(t.TempDir()); other == first {
		t.Error("two hosts have one id")
	}
}
