package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// fastClock passes fifty times as fast, so that retries need no patience.
type fastClock struct{}

func (fastClock) Now() time.Time                         { return time.Now() }
func (fastClock) After(d time.Duration) <-chan time.Time { return time.After(d / 50) }

// server is the server's end of the stream, in memory.
type server struct {
	hostapi.UnimplementedHostsServer
	grpc     *grpc.Server
	listener *bufconn.Listener

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each report
	want      *hostapi.Desired
	streams   map[hostapi.Hosts_ConnectServer]context.CancelFunc
	instances map[string]*hostapi.ObservedInstance // the last report of each
	ports     map[string]*hostapi.ObservedPort
	history   []*hostapi.ObservedInstance
	consoles  chan *hostapi.ConsoleReply
	images    map[string][]byte
	cut       int64 // each image transfer breaks after so many bytes; 0: never
	offsets   []int64
}

func newServer(t *testing.T) *server {
	s := &server{listener: bufconn.Listen(1 << 20), changed: make(chan struct{}), streams: map[hostapi.Hosts_ConnectServer]context.CancelFunc{},
		instances: map[string]*hostapi.ObservedInstance{}, ports: map[string]*hostapi.ObservedPort{}, consoles: make(chan *hostapi.ConsoleReply, 8),
		images: map[string][]byte{}, grpc: grpc.NewServer()}
	hostapi.RegisterHostsServer(s.grpc, s)
	go s.grpc.Serve(s.listener)
	t.Cleanup(s.grpc.Stop)
	return s
}

func (s *server) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient("passthrough:///server", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Connect implements hostapi.HostsServer. Nothing is told before there is a Desired.
func (s *server) Connect(stream hostapi.Hosts_ConnectServer) error {
	if m, err := stream.Recv(); err != nil || m.GetHello() == nil {
		return status.Error(codes.InvalidArgument, "no hello")
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	s.mu.Lock()
	s.streams[stream] = cancel
	if s.want != nil {
		whole := proto.CloneOf(s.want)
		whole.Whole = true
		stream.Send(&hostapi.ToHost{Message: &hostapi.ToHost_Desired{Desired: whole}})
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.streams, stream)
		s.mu.Unlock()
	}()
	go s.receive(stream)
	<-ctx.Done()
	return status.Error(codes.Unavailable, "cut")
}

// cutStreams ends the streams that are open.
func (s *server) cutStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.streams {
		cancel()
	}
}

// receive takes what an agent says until the stream ends.
func (s *server) receive(stream hostapi.Hosts_ConnectServer) {
	for {
		m, err := stream.Recv()
		if err != nil {
			return
		}
		if c := m.GetConsole(); c != nil {
			s.consoles <- c
		}
		s.take(m.GetReport())
	}
}

func (s *server) take(r *hostapi.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range r.GetInstances() {
		s.instances[o.Id] = o
		s.history = append(s.history, o)
	}
	for _, o := range r.GetPorts() {
		s.ports[o.Id] = o
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) send(m *hostapi.ToHost) {
	for stream := range s.streams {
		stream.Send(m)
	}
}

// desire changes what is wanted and tells the agents that are there the change.
func (s *server) desire(d *hostapi.Desired) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.want == nil {
		s.want = &hostapi.Desired{}
		d.Whole = true
	}
	gone := func(id string) bool {
		return slices.Contains(d.RemovedInstances, id) || slices.Contains(d.RemovedNetworks, id)
	}
	for _, i := range d.Instances {
		s.want.Instances = append(slices.DeleteFunc(s.want.Instances, func(o *hostapi.Instance) bool { return o.Id == i.Id }), i)
	}
	for _, n := range d.Networks {
		s.want.Networks = append(slices.DeleteFunc(s.want.Networks, func(o *hostapi.Network) bool { return o.Id == n.Id }), n)
	}
	s.want.Instances = slices.DeleteFunc(s.want.Instances, func(o *hostapi.Instance) bool { return gone(o.Id) })
	s.want.Networks = slices.DeleteFunc(s.want.Networks, func(o *hostapi.Network) bool { return gone(o.Id) })
	s.send(&hostapi.ToHost{Message: &hostapi.ToHost_Desired{Desired: proto.CloneOf(d)}})
}

// await waits until ok is true of what was reported.
func (s *server) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("%s was not reported; instances %v, ports %v", what, s.instances, s.ports)
		}
	}
}

// FetchImage implements hostapi.HostsServer.
func (s *server) FetchImage(r *hostapi.FetchImageRequest, stream hostapi.Hosts_FetchImageServer) error {
	s.mu.Lock()
	b, ok := s.images[r.Sha256]
	cut := s.cut
	s.offsets = append(s.offsets, r.Offset)
	s.mu.Unlock()
	if !ok {
		return status.Error(codes.NotFound, "no such image")
	}
	if r.Offset > int64(len(b)) {
		return status.Error(codes.OutOfRange, "beyond the end")
	}
	b = b[r.Offset:]
	if broken := cut > 0 && int64(len(b)) > cut; broken {
		stream.Send(&hostapi.ImageChunk{Data: b[:cut]})
		return status.Error(codes.Unavailable, "cut")
	}
	for chunk := range slices.Chunk(b, 1000) {
		if err := stream.Send(&hostapi.ImageChunk{Data: chunk}); err != nil {
			return err
		}
	}
	return nil
}

// journal notes what was asked of driver and switch, in order, and fails what it
// is told to fail.
type journal struct {
	mu    sync.Mutex
	lines []string
	fail  map[string]error
}

func (j *journal) note(format string, args ...any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	j.lines = append(j.lines, line)
	return j.fail[line]
}

func (j *journal) failing(line string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail == nil {
		j.fail = map[string]error{}
	}
	j.fail[line] = err
}

// take returns what was noted and forgets it.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.lines
	j.lines = nil
	return l
}

func (j *journal) count(line string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if l == line {
			n++
		}
	}
	return n
}

// driver is the simulated one, with disks if it is told so.
type driver struct {
	*sim.Driver
	j     *journal
	disks bool
}

func (d driver) Fingerprint(ctx context.Context) (hypervisor.Fingerprint, error) {
	f, err := d.Driver.Fingerprint(ctx)
	if d.disks {
		f.Capabilities = maps.Clone(f.Capabilities)
		f.Capabilities[hypervisor.CapDisk] = true
	}
	return f, err
}

func (d driver) Ensure(ctx context.Context, g hypervisor.Guest) error {
	return cmpErr(d.j.note("ensure %s", g.ID), func() error { return d.Driver.Ensure(ctx, g) })
}

func (d driver) Start(ctx context.Context, id string) error {
	return cmpErr(d.j.note("start %s", id), func() error { return d.Driver.Start(ctx, id) })
}

func (d driver) Stop(ctx context.Context, id string, grace time.Duration) error {
	return cmpErr(d.j.note("stop %s %s", id, grace), func() error { return d.Driver.Stop(ctx, id, grace) })
}

func (d driver) Reset(ctx context.Context, id string, serial uint64) error {
	return cmpErr(d.j.note("reset %s %d", id, serial), func() error { return d.Driver.Reset(ctx, id, serial) })
}

func (d driver) Destroy(ctx context.Context, id string) error {
	return cmpErr(d.j.note("destroy %s", id), func() error { return d.Driver.Destroy(ctx, id) })
}

// netSwitch is the switch in memory.
type netSwitch struct {
	*fake.Switch
	j *journal
}

func (s netSwitch) EnsureNetwork(ctx context.Context, n vswitch.Network) error {
	return cmpErr(s.j.note("network %s", n.ID), func() error { return s.Switch.EnsureNetwork(ctx, n) })
}

func (s netSwitch) EnsureFilters(ctx context.Context, id string, f []vswitch.PortFilter) error {
	return cmpErr(s.j.note("filters %s", id), func() error { return s.Switch.EnsureFilters(ctx, id, f) })
}

func (s netSwitch) PreparePort(ctx context.Context, p vswitch.Port) (tap string, err error) {
	err = cmpErr(s.j.note("prepare %s", p.ID), func() (err error) { tap, err = s.Switch.PreparePort(ctx, p); return err })
	return tap, err
}

func (s netSwitch) ActivatePort(ctx context.Context, p vswitch.Port) error {
	return cmpErr(s.j.note("activate %s", p.ID), func() error { return s.Switch.ActivatePort(ctx, p) })
}

func (s netSwitch) RemovePort(ctx context.Context, network, port string) error {
	return cmpErr(s.j.note("remove %s", port), func() error { return s.Switch.RemovePort(ctx, network, port) })
}

func (s netSwitch) RemoveNetwork(ctx context.Context, id string) error {
	return cmpErr(s.j.note("remove network %s", id), func() error { return s.Switch.RemoveNetwork(ctx, id) })
}

func cmpErr(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// world is a host with an agent and the server it knows.
type world struct {
	*testing.T
	*server
	j     *journal
	sim   *sim.Driver
	sw    *fake.Switch
	dir   string
	disks bool
	agent *Agent
	stop  func()
}

// newWorld returns a host whose agent runs; change may set up what it needs first.
func newWorld(t *testing.T, change func(w *world)) *world {
	w := &world{T: t, server: newServer(t), j: &journal{}, sim: sim.New(sim.Options{}), sw: fake.New(), dir: t.TempDir()}
	t.Cleanup(func() {
		if w.stop != nil {
			w.stop()
		}
		w.sim.Close()
		w.sw.Close()
	})
	if change != nil {
		change(w)
	}
	w.start()
	return w
}

// start runs an agent, which must not run already.
func (w *world) start() {
	w.Helper()
	a, err := New(w.Context(), Options{ID: "h1", Name: "host", Driver: driver{w.sim, w.j, w.disks}, Switch: netSwitch{w.sw, w.j}, Server: w.dial(w.T), Dir: w.dir,
		Resync: time.Hour, Clock: fastClock{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.agent = a
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.Errorf("Run returned %v", err)
		}
	})
}

// desire changes what is wanted and waits until the agent knows.
func (w *world) desire(d *hostapi.Desired) {
	w.Helper()
	w.server.desire(d)
	w.eventually("that the agent knows", func() bool {
		w.agent.mu.Lock()
		defer w.agent.mu.Unlock()
		known := w.agent.told
		for _, i := range d.Instances {
			known = known && w.agent.instances[i.Id].GetGeneration() == i.Generation
		}
		for _, n := range d.Networks {
			known = known && proto.Equal(w.agent.networks[n.Id], n)
		}
		for _, id := range d.RemovedInstances {
			known = known && w.agent.instances[id] == nil
		}
		for _, id := range d.RemovedNetworks {
			known = known && w.agent.networks[id] == nil
		}
		return known
	})
}

// restart ends the agent and runs another on what is there.
func (w *world) restart() {
	w.Helper()
	w.stop()
	w.start()
}

// eventually waits for what is true of the host: it tells nobody, so it is asked.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s did not come; guests %+v, networks %+v", what, w.guests(), w.networks())
		}
	}
}

func (w *world) guests() []hypervisor.GuestState {
	l, err := w.sim.List(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	return l
}

func (w *world) guest(id string) (g hypervisor.GuestState) {
	for _, g := range w.guests() {
		if g.ID == id {
			return g
		}
	}
	return g
}

func (w *world) networks() []vswitch.NetworkState {
	l, err := w.sw.List(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	return l
}

// idle waits until the agent has nothing to do.
func (w *world) idle() {
	w.Helper()
	q := w.agent.queue
	w.eventually("rest", func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.keys) == 0 && len(w.agent.refresh) == 0
	})
}

// heard waits until the server has heard all that was seen.
func (w *world) heard() {
	w.Helper()
	w.idle()
	w.eventually("that all is said", func() bool {
		o := w.agent.out
		o.mu.Lock()
		defer o.mu.Unlock()
		return len(o.instances)+len(o.ports)+len(o.last) == 0
	})
	w.ask("nobody") // what was said before its answer has come before it
}

// ask asks for a guest's console and waits for the answer.
func (w *world) ask(id string) *hostapi.ConsoleReply {
	w.Helper()
	w.mu.Lock()
	w.send(&hostapi.ToHost{Message: &hostapi.ToHost_Console{Console: &hostapi.ConsoleRequest{Id: 3, InstanceId: id, MaxBytes: 100}}})
	w.mu.Unlock()
	select {
	case r := <-w.consoles:
		return r
	case <-time.After(patience):
		w.Fatal("no console was told")
		return nil
	}
}

// powers waits until the server was last told a power of an instance.
func (w *world) powers(id, power string) {
	w.Helper()
	w.await(w.T, id+" "+power, func() bool { o := w.instances[id]; return o != nil && o.Power == power && o.Fault == "" && !o.Gone })
}

// faults waits until the server was last told a fault of an instance, and returns it.
func (w *world) faults(id string) *hostapi.ObservedInstance {
	w.Helper()
	w.await(w.T, id+" fault", func() bool { o := w.instances[id]; return o != nil && o.Fault != "" })
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.instances[id]
}

// twice does everything once more and checks that nothing changes by it.
func (w *world) twice() {
	w.Helper()
	w.heard()
	guests, networks := w.guests(), w.networks()
	w.mu.Lock()
	said := len(w.history)
	w.mu.Unlock()
	w.agent.reconcileAll()
	w.heard()
	if now := w.guests(); fmt.Sprint(now) != fmt.Sprint(guests) {
		w.Errorf("once more changed guests from %+v to %+v", guests, now)
	}
	if now := w.networks(); fmt.Sprint(now) != fmt.Sprint(networks) {
		w.Errorf("once more changed networks from %+v to %+v", networks, now)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.history) != said {
		w.Errorf("once more reported %v", w.history[said:])
	}
}

// instance is one that shall run, with ports on network n1.
func instance(id string, ports ...string) *hostapi.Instance {
	i := &hostapi.Instance{Id: id, Generation: 1, Name: id, Hostname: id, ProjectId: "p", Power: powerRunning, Asked: true, Vcpus: 1, MemoryMib: 64, ImageSha256: emptySHA}
	for _, p := range ports {
		i.Nics = append(i.Nics, &hostapi.Nic{PortId: p, NetworkId: "n1"})
	}
	return i
}

// with returns a changed copy of the next generation.
func with(i *hostapi.Instance, change func(i *hostapi.Instance)) *hostapi.Instance {
	c := proto.CloneOf(i)
	c.Generation++
	change(c)
	return c
}

// network is n1 with ports of the instance.
func network(instance string, ports ...string) *hostapi.Network {
	n := &hostapi.Network{Id: "n1", Vni: 7, Mtu: 1450, AdminUp: true,
		Subnets: []*hostapi.Subnet{{Id: "s1", Cidr: "10.0.0.0/24", Gateway: "10.0.0.1", ServeGateway: true, Dhcp: true, Dns: []string{"9.9.9.9"}}}}
	for k, p := range ports {
		n.Ports = append(n.Ports, &hostapi.Port{Id: p, Mac: fmt.Sprintf("fa:16:3e:00:00:%02x", k+1), AdminUp: true, PortSecurity: true, InstanceId: instance,
			FixedIps: []*hostapi.FixedIP{{SubnetId: "s1", Address: fmt.Sprintf("10.0.0.%d", 10+k)}}})
	}
	return n
}

func desired(i *hostapi.Instance, n ...*hostapi.Network) *hostapi.Desired {
	return &hostapi.Desired{Instances: []*hostapi.Instance{i}, Networks: n}
}
