package hosts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestHelloRegistersTheHost(t *testing.T) {
	w := newWorld(t)
	w.join("h1")
	h, _ := compute.Hosts.Get(w.store.Snapshot(), "h1")
	if !h.Up || h.Name != "name-h1" || h.VTEP.String() != "192.0.2.49" || h.Fingerprint.VCPUs != 16 || h.Fingerprint.DriverName != "sim" {
		t.Errorf("the host is %+v", h)
	}
	if p, ok := network.PhysicalNetworks.Get(w.store.Snapshot(), "phys"); !ok || len(p.Hosts) != 1 {
		t.Errorf("the physical network is %+v", p)
	}
	if !w.server.Connected("h1") || w.server.Connected("h2") {
		t.Error("Connected is wrong")
	}
}

func TestBadHellos(t *testing.T) {
	w := newWorld(t)
	w.join("h1")
	other := hello("h2")
	other.Name = "name-h1"
	odd := hello("h3")
	odd.TunnelAddress = "nowhere"
	none := hello("h4")
	none.Name = ""
	for want, h := range map[string]*hostapi.Hello{"is called name-h1 already": other, "not an IP address": odd, "needs an id and a name": none} {
		if err := w.connect(w.dial(), h).ended(); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), want) {
			t.Errorf("hello %v: %v, want %q", h, err, want)
		}
	}
	w.soon("only h1 has a session", func() bool { return !w.server.Connected("h2") && !w.server.Connected("h3") })
	s, err := w.dial().Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(&hostapi.FromHost{Message: &hostapi.FromHost_Report{Report: &hostapi.Report{}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a hello: %v", err)
	}
}

// I1
func TestNewerSessionReplacesOlder(t *testing.T) {
	w := newWorld(t)
	first, _ := w.join("h1")
	second, _ := w.join("h1")
	if err := first.ended(); status.Code(err) != codes.Unavailable {
		t.Errorf("the first ended with %v", err)
	}
	i := w.create("a")
	if d := second.desired(); len(d.Instances) != 1 || d.Instances[0].Id != i.ID {
		t.Errorf("the second was told %v", d)
	}
	w.clock.move(time.Hour)
	if !w.up("h1") {
		t.Error("the host is down although it has a session")
	}
}

// A host that reads no more must not keep its next session out.
func TestSessionThatReadsNoMoreIsReplaced(t *testing.T) {
	w := newWorld(t)
	stuck := w.connect(w.dial(grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStaticStreamWindowSize(1<<16)), hello("h1"))
	stuck.desired()
	big := func(s *compute.InstanceSpec) {
		s.UserData = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 40_000)))
	}
	for n := range 8 {
		w.create(fmt.Sprint("big", n), big)
	}
	done := make(chan *hostapi.Desired)
	go func() { _, d := w.join("h1"); done <- d }()
	select {
	case d := <-done:
		if len(d.Instances) != 8 {
			t.Errorf("the next session was told of %d instances", len(d.Instances))
		}
	case <-time.After(patience):
		t.Fatal("the next session does not begin")
	}
	stuck.end()
}

// I2
func TestDesiredIsWholeThenChanges(t *testing.T) {
	w := newWorld(t)
	a, d := w.join("h1")
	if len(d.Instances)+len(d.Networks) != 0 {
		t.Errorf("an empty cloud wants %v", d)
	}
	i := w.create("a")
	d = a.desired()
	if d.Whole || len(d.Instances) != 1 || len(d.Networks) != 1 || d.Instances[0].Power != "running" || !d.Instances[0].Asked {
		t.Fatalf("told %v", d)
	}
	n := d.Networks[0]
	if n.Id != w.network || len(n.Ports) != 1 || n.Ports[0].InstanceId != i.ID || len(n.Subnets) != 1 || len(n.RuleSets) != 1 || d.Instances[0].Nics[0].PortId != n.Ports[0].Id {
		t.Errorf("told the network %v", n)
	}
	a.report(&hostapi.ObservedInstance{Id: i.ID, Power: "running", Applied: "x"})
	if d = a.desired(); len(d.Instances) != 1 || d.Instances[0].Asked || len(d.Networks) != 0 {
		t.Errorf("after it ran, told %v", d)
	}
	w.do(func(tx *statestore.Txn) error { // nothing that a host must know
		_, err := compute.InstanceTagAdd(tx, ann, i.ID, "tag")
		return err
	})
	w.do(func(tx *statestore.Txn) error { return compute.InstanceStop(tx, ann, i.ID) })
	if d = a.desired(); len(d.Instances) != 1 || d.Instances[0].Power != "stopped" || len(d.Networks) != 0 {
		t.Errorf("after a stop, told %v", d)
	}
	w.do(func(tx *statestore.Txn) error { return compute.InstanceDelete(tx, ann, i.ID) })
	if d = a.desired(); d.Instances[0].Power != "gone" {
		t.Errorf("after a delete, told %v", d)
	}
	a.report(&hostapi.ObservedInstance{Id: i.ID, Gone: true})
	if d = a.desired(); len(d.RemovedInstances) != 1 || d.RemovedInstances[0] != i.ID || len(d.RemovedNetworks) != 1 {
		t.Errorf("after it is gone, told %v", d)
	}
	if w.instance(i.ID).ID != "" {
		t.Error("the row is left")
	}
	j := w.create("b")
	a.desired()
	a.end()
	if _, d = w.join("h1"); len(d.Instances) != 1 || d.Instances[0].Id != j.ID || len(d.Networks) != 1 {
		t.Errorf("a new session was told %v", d)
	}
}

func TestPeersOfANetwork(t *testing.T) {
	w := newWorld(t)
	a, _ := w.join("h1")
	b, _ := w.join("h2")
	one, two := w.create("a"), w.create("b")
	if one.HostID == two.HostID {
		t.Fatal("both are on one host")
	}
	if one.HostID == "h2" {
		a, b = b, a
	}
	da := a.desiredUntil(func(d *hostapi.Desired) bool { return len(d.Networks) == 1 && len(d.Networks[0].Peers) == 1 })
	db := b.desiredUntil(func(d *hostapi.Desired) bool { return len(d.Networks) == 1 && len(d.Networks[0].Peers) == 1 })
	if da.Networks[0].Peers[0] == db.Networks[0].Peers[0] {
		t.Errorf("both have the peer %v", da.Networks[0].Peers)
	}
	w.do(func(tx *statestore.Txn) error { return compute.InstanceDelete(tx, ann, two.ID) })
	b.desiredUntil(func(d *hostapi.Desired) bool { return len(d.Instances) == 1 && d.Instances[0].Power == "gone" })
	b.report(&hostapi.ObservedInstance{Id: two.ID, Gone: true})
	a.desiredUntil(func(d *hostapi.Desired) bool { return len(d.Networks) == 1 && len(d.Networks[0].Peers) == 0 })
}

// I3
func TestReports(t *testing.T) {
	w := newWorld(t)
	a, _ := w.join("h1")
	i := w.create("a")
	port := i.NICs[0].PortID
	a.desired()
	b, _ := w.join("h2")
	// Another host has nothing to say of it.
	b.say(&hostapi.FromHost{Message: &hostapi.FromHost_Report{Report: &hostapi.Report{
		Instances: []*hostapi.ObservedInstance{{Id: i.ID, Fault: "lie"}, {Id: "unknown", Gone: true}},
		Ports:     []*hostapi.ObservedPort{{Id: port, Fault: "lie"}, {Id: "unknown", Active: true}}}}})
	// It ran, and went off by itself, before anything was said.
	a.say(&hostapi.FromHost{Message: &hostapi.FromHost_Report{Report: &hostapi.Report{
		Instances: []*hostapi.ObservedInstance{{Id: i.ID, Power: "running"}, {Id: i.ID, Power: "stopped"}},
		Ports:     []*hostapi.ObservedPort{{Id: port, Active: true}}}}})
	w.eventually("it is off", func(r statestore.Reader) bool {
		i, _ := compute.Instances.Get(r, i.ID)
		return i.State == compute.Off && !i.LaunchedAt.IsZero()
	})
	if p, _ := network.Ports.Get(w.store.Snapshot(), port); p.Status != network.Active {
		t.Errorf("the port is %s, %s", p.Status, p.StatusMessage)
	}
	j := w.create("b")
	x := a
	if j.HostID == "h2" {
		x = b
	}
	x.report(&hostapi.ObservedInstance{Id: j.ID, Fault: "no luck", FaultDetails: "details"})
	w.eventually("it is in error", func(r statestore.Reader) bool {
		i, _ := compute.Instances.Get(r, j.ID)
		return i.State == compute.Errored && i.Fault != nil && i.Fault.Message == "no luck"
	})
	x.report(&hostapi.ObservedInstance{Id: j.ID, Power: "running"})
	w.eventually("it is healed", func(r statestore.Reader) bool {
		i, _ := compute.Instances.Get(r, j.ID)
		return i.State == compute.Active && i.Fault == nil
	})
}

// I4
func TestGrace(t *testing.T) {
	w := newWorld(t)
	a, _ := w.join("h1")
	away := func() {
		t.Helper()
		before := w.clock.sleepers()
		a.end()
		w.soon("the grace begins", func() bool { return w.clock.sleepers() > before })
	}
	away()
	w.clock.move(9 * time.Second)
	a, _ = w.join("h1")
	w.clock.move(9 * time.Second) // the first grace is over
	if !w.up("h1") {
		t.Fatal("the host is down although it came back in time")
	}
	away()
	w.clock.move(11 * time.Second)
	w.eventually("the host is down", func(r statestore.Reader) bool { h, _ := compute.Hosts.Get(r, "h1"); return !h.Up })
	a, _ = w.join("h1")
	w.eventually("the host is up", func(r statestore.Reader) bool { h, _ := compute.Hosts.Get(r, "h1"); return h.Up })
	_ = a
}

// A server that starts gives hosts that were up the grace to come back.
func TestGraceAfterServerRestart(t *testing.T) {
	w := newWorld(t)
	stop := w.serve()
	w.join("h1")
	w.join("h2")
	stop()
	w.serve()
	if !w.up("h1") || !w.up("h2") {
		t.Fatal("a restart marks hosts down")
	}
	w.join("h2")
	w.soon("the grace begins", func() bool { return w.clock.sleepers() >= 2 })
	w.clock.move(11 * time.Second)
	w.eventually("h1 is down", func(r statestore.Reader) bool { h, _ := compute.Hosts.Get(r, "h1"); return !h.Up })
	if !w.up("h2") {
		t.Error("h2 is down although it is back")
	}
}

func TestCloseEndsSessions(t *testing.T) {
	w := newWorld(t)
	stop := w.serve()
	a, _ := w.join("h1")
	w.server.Close()
	if err := a.ended(); status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v", err)
	}
	if err := w.connect(w.dial(), hello("h2")).ended(); status.Code(err) != codes.Unavailable {
		t.Errorf("a stream to a closed server ended with %v", err)
	}
	stop()
}

func TestConsoleOutput(t *testing.T) {
	w := newWorld(t)
	read := func(lines int) (string, error) {
		b, err := w.server.ConsoleOutput(t.Context(), "h1", "i1", lines)
		return string(b), err
	}
	if _, err := read(5); !cloud.Is(err, cloud.Unavailable) {
		t.Errorf("without its host: %v", err)
	}
	a, _ := w.join("h1")
	answers := make(chan func(r *hostapi.ConsoleRequest) []*hostapi.ConsoleReply, 1)
	go func() {
		for {
			m, err := a.stream.Recv()
			if err != nil {
				return
			}
			for _, r := range (<-answers)(m.GetConsole()) {
				a.stream.Send(&hostapi.FromHost{Message: &hostapi.FromHost_Console{Console: r}})
			}
		}
	}()
	answer := func(r *hostapi.ConsoleReply) {
		answers <- func(q *hostapi.ConsoleRequest) []*hostapi.ConsoleReply {
			r.Id = q.Id
			return []*hostapi.ConsoleReply{{Id: q.Id + 1, Fault: "of another call"}, r, r}
		}
	}
	for lines, want := range map[int]string{-1: "one\ntwo\nthree\n", 2: "two\nthree\n", 0: "", 9: "one\ntwo\nthree\n"} {
		answer(&hostapi.ConsoleReply{Data: []byte("one\ntwo\nthree\n")})
		if got, err := read(lines); got != want || err != nil {
			t.Errorf("%d lines are %q, %v; want %q", lines, got, err, want)
		}
	}
	answer(&hostapi.ConsoleReply{NotFound: true})
	if _, err := read(1); !cloud.Is(err, cloud.NotFound) {
		t.Errorf("none yet: %v", err)
	}
	answer(&hostapi.ConsoleReply{Fault: "broken pipe"})
	if _, err := read(1); !cloud.Is(err, cloud.Unavailable) || !strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("a fault: %v", err)
	}
	w.clock.move(consoleWait) // those that were answered in time wait no more
	answers <- func(*hostapi.ConsoleRequest) []*hostapi.ConsoleReply { return nil }
	silent := make(chan error, 1)
	go func() { _, err := read(1); silent <- err }()
	w.soon("the wait begins", func() bool { return w.clock.sleepers() > 0 })
	w.clock.move(consoleWait)
	if err := <-silent; !cloud.Is(err, cloud.Unavailable) {
		t.Errorf("a host that does not answer: %v", err)
	}
}

func TestLastLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"", 3, ""}, {"a", 1, "a"}, {"a\nb", 1, "b"}, {"a\nb\n", 1, "b\n"}, {"\n\n\n", 2, "\n\n"}, {"a\n", 5, "a\n"}, {"a\nb", -1, "a\nb"}, {"a", 0, ""}} {
		if got := string(lastLines([]byte(c.in), c.n)); got != c.want {
			t.Errorf("the last %d lines of %q are %q, want %q", c.n, c.in, got, c.want)
		}
	}
}

func TestFetchImage(t *testing.T) {
	w := newWorld(t)
	content := strings.Repeat("0123456789", 70_000) // more than two messages
	w.images["sha"] = content
	fetch := func(sha string, offset int64) (string, error) {
		s, err := w.dial().FetchImage(t.Context(), &hostapi.FetchImageRequest{Sha256: sha, Offset: offset})
		if err != nil {
			return "", err
		}
		var b strings.Builder
		for {
			m, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return b.String(), nil
			}
			if err != nil {
				return "", err
			}
			b.Write(m.Data)
		}
	}
	for _, offset := range []int64{0, 1, chunk - 1, chunk, chunk + 1, int64(len(content)) - 1, int64(len(content))} {
		if got, err := fetch("sha", offset); got != content[offset:] || err != nil {
			t.Errorf("from %d came %d bytes, %v", offset, len(got), err)
		}
	}
	for _, offset := range []int64{-1, int64(len(content)) + 1} {
		if _, err := fetch("sha", offset); status.Code(err) != codes.OutOfRange {
			t.Errorf("from %d: %v", offset, err)
		}
	}
	if _, err := fetch("other", 0); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown image: %v", err)
	}
}
