package e2e_test

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"

	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

// A stream is a guest's output that should never stall.
type stream struct {
	lines chan time.Duration // how long each line was in coming
	err   error              // why it ended; set when lines is closed
	end   func()
}

// stream opens an SSH session in which the guest says something ten times a second.
func (g *guest) stream() *stream {
	g.w.t.Helper()
	g.run("true")
	s, err := g.client.NewSession()
	g.w.check(err)
	out, err := s.StdoutPipe()
	g.w.check(err)
	g.w.check(s.Start("while :; do echo tick; sleep 0.1; done"))
	st := &stream{lines: make(chan time.Duration, 10000), end: func() { s.Close() }}
	go func() {
		defer close(st.lines)
		sc, last := bufio.NewScanner(out), time.Now()
		for sc.Scan() {
			now := time.Now()
			st.lines <- now.Sub(last)
			last = now
		}
		st.err = sc.Err()
	}()
	return st
}

// longest returns the longest silence since it was last asked, and whether the
// stream still runs.
func (st *stream) longest() (time.Duration, error) {
	longest, n := time.Duration(0), 0
	for {
		select {
		case d, ok := <-st.lines:
			if !ok {
				return longest, fmt.Errorf("the session was cut: %v", st.err)
			}
			longest = max(longest, d)
			n++
		default:
			if n == 0 {
				return longest, fmt.Errorf("nothing was heard")
			}
			return longest, nil
		}
	}
}

// restarts: whatever is restarted, an open session of a guest is not interrupted.
func (g *guests) restarts() {
	st := g.a.stream()
	defer st.end()
	agent := g.agents[slices.IndexFunc(g.bed.Hosts, func(h *testbed.Host) bool { return h.Name == g.show(g.a.id).Host })]
	g.until("the session speaks", patience, func() error { _, err := st.longest(); return err })
	for _, event := range []struct {
		what string
		do   func()
	}{
		{"agent restarted", func() { agent.stop(g.t); agent.start(g.t) }},
		{"agent killed", func() { agent.kill(g.t); agent.start(g.t) }},
		{"server restarted", func() { g.server.stop(g.t); g.startServer() }},
		{"server killed", func() { g.server.kill(g.t); g.startServer() }},
	} {
		event.do()
		g.clientsChanged()
		g.hostsAre("up", len(g.agents))
		port, _ := g.plug() // when that is done, so is what the agent does first
		g.unplug(port)
		longest, err := st.longest()
		if err != nil {
			g.t.Fatalf("%s: %v", event.what, err)
		}
		g.t.Logf("%s: longest silence %s", event.what, longest.Round(time.Millisecond))
		if longest > 5*time.Second {
			g.t.Errorf("%s: nothing was heard for %s", event.what, longest)
		}
	}
	g.reachAB()
}

// clientsChanged has guests use the server's new address.
func (g *guests) clientsChanged() {
	for _, one := range []*guest{g.a, g.b, g.c} {
		one.c = g.admin
	}
	g.other.c = g.demo
}

// hostReboots: with the server away, guests that ran come back after their host's
// reboot, as they were; those that were off stay off. The server then agrees.
func (g *guests) hostReboots() {
	g.status(g.admin, g.c.id, "SHUTOFF")
	boot := g.a.boot()
	host := g.show(g.a.id).Host
	n := slices.IndexFunc(g.bed.Hosts, func(h *testbed.Host) bool { return h.Name == host })
	h := g.bed.Hosts[n]
	g.server.kill(g.t)
	g.check(h.Reboot(g.ctx))
	g.agents[n].kill(g.t) // it was, with the host
	for _, one := range g.all() {
		one.drop()
	}
	g.agents[n].start(g.t)
	g.a.bootsAnew(boot)
	g.reachAB()
	out, err := h.Command(g.ctx, "virsh", "list", "--state-running", "--uuid").Output()
	g.check(err)
	if running := strings.TrimSpace(string(out)); running != g.a.id {
		g.t.Errorf("on %s runs %q, want only a, which is %s", h.Name, running, g.a.id)
	}
	g.startServer()
	g.clientsChanged()
	g.hostsAre("up", len(g.agents))
	g.status(g.admin, g.a.id, "ACTIVE")
	g.status(g.admin, g.b.id, "ACTIVE")
	g.status(g.admin, g.c.id, "SHUTOFF")
	g.status(g.demo, g.other.id, "ACTIVE")
}

// nothingClaimed checks that no host has room taken by anybody.
func (w *world) nothingClaimed() {
	w.t.Helper()
	pages, err := hypervisors.List(w.admin.Compute, nil).AllPages(w.ctx)
	w.check(err)
	for _, h := range must[[]hypervisors.Hypervisor](w)(hypervisors.ExtractHypervisors(pages)) {
		if h.VCPUsUsed != 0 || h.RunningVMs != 0 {
			w.t.Errorf("%s: %d vCPUs are used, %d guests run", h.HypervisorHostname, h.VCPUsUsed, h.RunningVMs)
		}
	}
}
