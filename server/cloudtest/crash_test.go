package cloudtest_test

import (
	"fmt"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

const scriptServers = 2

// TestLife makes a deployment, restarts everything, and takes the deployment away.
func TestLife(t *testing.T) {
	c := cloudtest.Start(t, cloudtest.Options{Hosts: 2, CheckLeaks: true})
	ctx, cl := withTimeout(t), c.Client(t, "demo")
	before, err := ensure(ctx, cl, scriptServers)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	after, err := ensure(ctx, cl, scriptServers)
	if err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("a restart changed what there is: %+v, then %+v", before, after)
	}
	checkOnce(t, c)
	if err := destroy(ctx, cl); err != nil {
		t.Fatal(err)
	}
	c.Eventually(t, "no instance is left", func(r statestore.Reader) bool { return compute.Instances.Len(r) == 0 })
}

// TestCrashAtEveryCommit cuts the power at each commit of a deployment in turn,
// before and after it is durable, starts again, and asks for the same deployment:
// it completes, what was acknowledged is there, and nothing is there twice or left.
func TestCrashAtEveryCommit(t *testing.T) {
	total := commitsOf(t)
	t.Logf("a deployment takes %d commits", total)
	for at := 1; at <= total; at++ {
		for _, side := range []storetest.Side{storetest.BeforeDurable, storetest.AfterDurable} {
			if testing.Short() && at%5 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d/%s", at, side), func(t *testing.T) { crashAt(t, at, side) })
		}
	}
}

// commitsOf counts the commits of a deployment that is not disturbed.
func commitsOf(t *testing.T) int {
	var engine *storetest.Crashy
	c := cloudtest.Start(t, cloudtest.Options{Engine: func(e statestore.Engine) statestore.Engine {
		engine = storetest.NewCrashy(e, 0, storetest.BeforeDurable)
		return engine
	}})
	start := engine.Commits()
	if _, err := ensure(withTimeout(t), c.Client(t, "demo"), scriptServers); err != nil {
		t.Fatal(err)
	}
	return engine.Commits() - start
}

func crashAt(t *testing.T, at int, side storetest.Side) {
	var engine *storetest.Crashy
	crash := false
	c := cloudtest.Start(t, cloudtest.Options{CheckLeaks: true, OnFatal: func(error) {}, Engine: func(e statestore.Engine) statestore.Engine {
		if !crash {
			return e
		}
		engine = storetest.NewCrashy(e, at, side)
		return engine
	}})
	crash = true
	if err := c.Restart(); err != nil {
		// The commit by which the host comes back was the one.
		crash = false
		if err := c.PowerCut(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cl := withTimeout(t), c.Client(t, "demo")
	acknowledged, err := ensure(ctx, cl, scriptServers)
	if err != nil && engine != nil && !isDown(engine) {
		t.Fatalf("without a crash: %v", err)
	}
	crash = false
	if err := c.PowerCut(); err != nil {
		t.Fatalf("starting after the crash: %v", err)
	}
	cl = c.Client(t, "demo")
	after, err := ensure(ctx, cl, scriptServers)
	if err != nil {
		t.Fatalf("the same deployment after the crash: %v", err)
	}
	checkKept(t, acknowledged, after)
	checkOnce(t, c)
}

// isDown reports whether the engine was cut off. It may not have been: group
// commit can have joined what were two commits in the count.
func isDown(e *storetest.Crashy) bool {
	select {
	case <-e.Down():
		return true
	default:
		return false
	}
}

// checkKept checks that what was acknowledged before a crash is there after it.
func checkKept(t *testing.T, before, after ensured) {
	t.Helper()
	for _, pair := range [][2]string{{before.image, after.image}, {before.network, after.network}, {before.subnet, after.subnet}, {before.port, after.port}} {
		if pair[0] != "" && pair[0] != pair[1] {
			t.Errorf("what was acknowledged as %s is %s after the crash", pair[0], pair[1])
		}
	}
	for n, id := range before.servers {
		if after.servers[n] != id {
			t.Errorf("server %s was acknowledged, after the crash it is %s", id, after.servers[n])
		}
	}
}

// checkOnce checks that everything of the deployment is there exactly once.
func checkOnce(t *testing.T, c *cloudtest.Cloud) {
	t.Helper()
	r := c.Store().Snapshot()
	count := func(what string, got, want int) {
		if got != want {
			t.Errorf("there are %d %s, want %d", got, what, want)
		}
	}
	named := func(name string) bool { return name == "script" }
	images, nets := 0, 0
	for i := range image.Images.All(r) {
		if named(i.Name) {
			images++
		}
	}
	var netID string
	for n := range network.Networks.All(r) {
		if named(n.Name) {
			nets++
			netID = n.ID
		}
	}
	count("images", images, 1)
	count("networks", nets, 1)
	count("ports", network.Ports.Count(r, "network", netID), scriptServers)
	count("instances", compute.Instances.Len(r), scriptServers)
	for i := range compute.Instances.All(r) {
		if i.State != compute.Active {
			t.Errorf("instance %s is %s", i.Name, i.State)
		}
	}
}

// TestSwitchForgets restarts a cloud whose simulated guests run on while the
// switch, which is in memory, comes up empty: as cloudlet dev does.
func TestSwitchForgets(t *testing.T) {
	c := cloudtest.Start(t, cloudtest.Options{CheckLeaks: true})
	ctx, cl := withTimeout(t), c.Client(t, "demo")
	before, err := ensure(ctx, cl, scriptServers)
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	c.Hosts[0].Switch.Close()
	c.Hosts[0].Switch = fake.New()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	after, err := ensure(ctx, c.Client(t, "demo"), scriptServers)
	if err != nil || fmt.Sprint(before) != fmt.Sprint(after) {
		t.Fatalf("after the restart there is %+v, %v; before there was %+v", after, err, before)
	}
	c.Eventually(t, "the ports are active again", func(r statestore.Reader) bool {
		for p := range network.Ports.All(r) {
			if p.DeviceID != "" && p.Status != network.Active {
				return false
			}
		}
		return true
	})
	states, err := c.Hosts[0].Switch.List(ctx)
	if err != nil || len(states) != 1 || len(states[0].Ports) != scriptServers {
		t.Errorf("the switch has %+v, %v; want %d ports of one network", states, err, scriptServers)
	}
}
