package hosts

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

const patience = 10 * time.Second // for what must come

var ann = cloud.Caller{UserID: "ann", ProjectID: "p1", Roles: []string{"member", "reader"}}

// clock stands until it is moved.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits map[chan time.Time]time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), waits: map[chan time.Time]time.Time{}}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.waits[ch] = c.now.Add(d)
	return ch
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for ch, at := range c.waits {
		if !c.now.Before(at) {
			ch <- c.now
			delete(c.waits, ch)
		}
	}
}

// sleepers is how many wait for the clock.
func (c *clock) sleepers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waits)
}

// contents are images by their address.
type contents map[string]string

func (c contents) Open(_ context.Context, sha string) (io.ReadSeekCloser, int64, error) {
	s, ok := c[sha]
	if !ok {
		return nil, 0, cloud.Errorf(cloud.NotFound, "image", "none")
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{strings.NewReader(s), io.NopCloser(nil)}, int64(len(s)), nil
}

// world is a server with a network of p1, without hosts.
type world struct {
	*testing.T
	store    *statestore.Store
	clock    *clock
	images   contents
	server   *Server
	listener *bufconn.Listener
	network  string
}

func newWorld(t *testing.T, opts ...grpc.ServerOption) *world {
	w := &world{T: t, clock: newClock(), images: contents{}}
	w.store = storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Now: w.clock.Now,
		Tables: slices.Concat(Tables, compute.Tables, network.Tables, image.Tables), Logs: compute.Logs})
	w.do(func(tx *statestore.Txn) error {
		compute.SeedFlavors(tx)
		image.Images.Put(tx, image.Image{ID: "img", Name: "tiny", ProjectID: "p1", Status: image.Active, Visibility: image.Public,
			DiskFormat: "qcow2", SHA256: "aa", Size: 1 << 20, VirtualSize: 1 << 28, CreatedAt: tx.Now(), UpdatedAt: tx.Now()})
		n, err := network.NetworkCreate(tx, ann, network.NetworkSpec{Name: "net"})
		if err != nil {
			return err
		}
		w.network = n.ID
		_, err = network.SubnetCreate(tx, ann, network.SubnetSpec{NetworkID: n.ID, Name: "sub", CIDR: netip.MustParsePrefix("10.1.0.0/24")})
		return err
	})
	if err := EnsureCA(t.Context(), w.store); err != nil {
		t.Fatal(err)
	}
	w.serve(opts...)
	return w
}

// serve runs a server on the state until the test or the returned function ends it.
func (w *world) serve(opts ...grpc.ServerOption) (stop func()) {
	w.server = New(Options{Store: w.store, Images: w.images, Clock: w.clock, Log: slog.New(slog.DiscardHandler), Grace: 10 * time.Second})
	w.listener = bufconn.Listen(1 << 20)
	s, g, l := w.server, w.server.GRPC(opts...), w.listener
	go g.Serve(l)
	stop = sync.OnceFunc(func() {
		g.Stop()
		s.Close()
	})
	w.Cleanup(stop)
	return stop
}

func (w *world) do(fn func(tx *statestore.Txn) error) {
	w.Helper()
	if err := w.store.Write(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) dial(opts ...grpc.DialOption) hostapi.HostsClient {
	w.Helper()
	l := w.listener
	if len(opts) == 0 {
		opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	c, err := grpc.NewClient("passthrough:///server", append(opts,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	return hostapi.NewHostsClient(c)
}

// create makes an instance on the network.
func (w *world) create(name string, change ...func(s *compute.InstanceSpec)) (i compute.Instance) {
	w.Helper()
	s := compute.InstanceSpec{Name: name, FlavorID: "1", ImageID: "img", Networks: []compute.NICSpec{{NetworkID: w.network}}}
	for _, c := range change {
		c(&s)
	}
	w.do(func(tx *statestore.Txn) error {
		made, err := compute.InstanceCreate(tx, ann, s)
		if err != nil {
			return err
		}
		i = made[0]
		return nil
	})
	return i
}

func (w *world) instance(id string) compute.Instance {
	i, _ := compute.Instances.Get(w.store.Snapshot(), id)
	return i
}

// eventually waits until ok is true of the state.
func (w *world) eventually(what string, ok func(r statestore.Reader) bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		snap, watch := w.store.Watch()
		if ok(snap) {
			return
		}
		if watch.Wait(ctx) != nil {
			w.Fatalf("%s did not come", what)
		}
	}
}

// soon waits for what is not in the state.
func (w *world) soon(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s did not come", what)
		}
	}
}

func (w *world) up(hostID string) bool {
	h, _ := compute.Hosts.Get(w.store.Snapshot(), hostID)
	return h.Up
}

// hostEnd is a host's end of a stream.
type hostEnd struct {
	w      *world
	stream hostapi.Hosts_ConnectClient
	end    context.CancelFunc
}

func hello(id string) *hostapi.Hello {
	return &hostapi.Hello{HostId: id, Name: "name-" + id, TunnelAddress: fmt.Sprintf("192.0.2.%d", id[len(id)-1]), PhysicalNetworks: []string{"phys"},
		Fingerprint: &hostapi.Fingerprint{Driver: "sim", Arch: "x86_64", VirtTypes: []string{"qemu"}, Vcpus: 16, MemoryMib: 65536, DiskGib: 1000}}
}

// connect opens a stream and says hello.
func (w *world) connect(c hostapi.HostsClient, h *hostapi.Hello) *hostEnd {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.Cleanup(cancel)
	s, err := c.Connect(ctx, grpc.MaxCallRecvMsgSize(MaxMessage))
	if err != nil {
		w.Fatal(err)
	}
	a := &hostEnd{w, s, cancel}
	a.say(&hostapi.FromHost{Message: &hostapi.FromHost_Hello{Hello: h}})
	return a
}

// join connects a host and takes the whole Desired.
func (w *world) join(id string) (*hostEnd, *hostapi.Desired) {
	w.Helper()
	a := w.connect(w.dial(), hello(id))
	d := a.desired()
	if !d.Whole {
		w.Fatalf("the first Desired is %v", d)
	}
	return a, d
}

func (a *hostEnd) say(m *hostapi.FromHost) {
	a.w.Helper()
	if err := a.stream.Send(m); err != nil {
		a.w.Fatal(err)
	}
}

func (a *hostEnd) report(instances ...*hostapi.ObservedInstance) {
	a.w.Helper()
	a.say(&hostapi.FromHost{Message: &hostapi.FromHost_Report{Report: &hostapi.Report{Instances: instances}}})
}

func (a *hostEnd) hear() *hostapi.ToHost {
	a.w.Helper()
	m, err := a.stream.Recv()
	if err != nil {
		a.w.Fatal(err)
	}
	return m
}

func (a *hostEnd) desired() *hostapi.Desired {
	a.w.Helper()
	m := a.hear()
	if m.GetDesired() == nil {
		a.w.Fatalf("told %v, want a Desired", m)
	}
	return m.GetDesired()
}

// desiredUntil takes Desireds until ok is true of one.
func (a *hostEnd) desiredUntil(ok func(d *hostapi.Desired) bool) *hostapi.Desired {
	a.w.Helper()
	for {
		if d := a.desired(); ok(d) {
			return d
		}
	}
}

// ended returns why the stream ended.
func (a *hostEnd) ended() error {
	for {
		if _, err := a.stream.Recv(); err != nil {
			return err
		}
	}
}
