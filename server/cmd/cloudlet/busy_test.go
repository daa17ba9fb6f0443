package main

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/node"
)

// busy creates and deletes instances, and knows what was acknowledged.
type busy struct {
	t             *testing.T
	image, flavor string
	chance        *rand.Rand

	mu               sync.Mutex
	created, deleted map[string]bool
}

// newBusy prepares a cloud for it: the seed of chance is logged.
func newBusy(t *testing.T, a *api) *busy {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	project := a.do("GET", "/identity/v3/projects?name=admin", nil)["projects"].([]any)[0].(object)["id"].(string)
	a.do("PUT", "/compute/v2.1/os-quota-sets/"+project, object{"quota_set": object{"instances": -1, "cores": -1, "ram": -1}})
	return &busy{t: t, image: a.image("i", make([]byte, 4096)), flavor: a.tiny(), chance: rand.New(rand.NewPCG(seed, 0)),
		created: map[string]bool{}, deleted: map[string]bool{}}
}

func (b *busy) note(set map[string]bool, id string, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	set[id] = is
}

// during has four clients create and delete while harm is done after a random
// while; they end with their connection, or after it.
func (b *busy) during(a *api, harm func()) {
	var work sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		work.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id, err := a.tryCreate(b.flavor, b.image)
				if err != nil {
					return // killed
				}
				b.note(b.created, id, true)
				if n%2 == 0 {
					continue
				}
				b.note(b.created, id, false) // it may go from here on
				if a.tryDelete(id) != nil {
					return
				}
				b.note(b.deleted, id, true)
			}
		})
	}
	time.Sleep(time.Duration(20+b.chance.IntN(100)) * time.Millisecond) // the random moment
	harm()
	close(stop)
	work.Wait()
}

// check proves that what was acknowledged is so, and that all that is there runs. It
// returns the ids of that, sorted.
func (b *busy) check(a *api) (there []string) {
	b.t.Helper()
	for id := range b.deleted {
		a.untilGone("/compute/v2.1/servers/" + id)
	}
	for _, id := range a.instances() {
		if s := a.await("/compute/v2.1/servers/"+id, settled); s != nil { // or its delete was kept, but not acknowledged
			there = append(there, id)
			if status := s["server"].(object)["status"]; status != "ACTIVE" {
				b.t.Errorf("instance %s is %s", id, status)
			}
		}
	}
	for id, is := range b.created {
		if is && !slices.Contains(there, id) {
			b.t.Errorf("instance %s was acknowledged and is not there", id)
		}
	}
	b.t.Logf("%d creates and %d deletes acknowledged, %d there", len(b.created), len(b.deleted), len(there))
	if len(b.created) == 0 || len(b.deleted) == 0 {
		b.t.Error("nothing is proven")
	}
	slices.Sort(there)
	return there
}

// settled reports whether nothing goes on with the server of an answer.
func settled(o object) bool {
	s := o["server"].(object)
	return s["OS-EXT-STS:task_state"] == nil && s["status"] != "BUILD"
}

// guests returns the ids of the guests that simulated hosts have in their
// directories, sorted.
func guests(t *testing.T, dirs ...string) (ids []string) {
	t.Helper()
	for _, d := range dirs {
		files, err := filepath.Glob(filepath.Join(d, "host", "sim", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			id, _, _ := strings.Cut(filepath.Base(f), ".")
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestKilledWhileBusy kills a cloud at random moments of creating and deleting
// instances. What was acknowledged is so at the end, all that is there runs, and the
// host has nothing else.
func TestKilledWhileBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := dev(t, dir)
	a := asAdmin(t, base)
	b := newBusy(t, a)
	for range 4 {
		b.during(a, p.kill)
		p, base = dev(t, dir)
		a = asAdmin(t, base)
	}
	there := b.check(a)
	p.stop()
	if on := guests(t, dir); !slices.Equal(on, there) {
		t.Errorf("the host has the guests\n%v\nthe cloud has\n%v", on, there)
	}
}

// TestKilledApartWhileBusy is TestKilledWhileBusy for a server and two agents, each
// of which is killed at random.
func TestKilledApartWhileBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dirs := []string{t.TempDir(), t.TempDir()}
	names := []string{"h1", "h2"}
	p, base := server(t, dir)
	start := func(i int) *process { return agentOf(t, nil, dirs[i], filepath.Join(dir, node.AgentSocket), names[i]) }
	hosts := []*process{start(0), start(1)}
	for _, n := range names {
		p.await(p.log, 0, hostIsUp+n)
	}
	a := asAdmin(t, base)
	b := newBusy(t, a)
	for range 5 {
		which := 1 + b.chance.IntN(7)
		from := p.log.Len()
		b.during(a, func() {
			for i, h := range append([]*process{p}, hosts...) {
				if which>>i&1 == 1 {
					h.kill()
				}
			}
		})
		for i := range hosts {
			if which>>(i+1)&1 == 1 {
				hosts[i] = start(i)
			}
		}
		if which&1 == 1 {
			p, base = server(t, dir)
			a, from = asAdmin(t, base), 0
		}
		for i, n := range names {
			if which&1 == 1 || which>>(i+1)&1 == 1 {
				p.await(p.log, from, hostIsUp+n)
			}
		}
	}
	there := b.check(a)
	for _, h := range append(hosts, p) {
		h.stop()
	}
	if on := guests(t, dirs...); !slices.Equal(on, there) {
		t.Errorf("the hosts have the guests\n%v\nthe cloud has\n%v", on, there)
	}
}
