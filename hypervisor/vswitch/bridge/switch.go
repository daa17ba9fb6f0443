package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// Options configure a Switch.
type Options struct {
	// Physnets maps the names of physical networks to bridges in the host's
	// namespace, which the operator made.
	Physnets map[string]string
	// TunnelAddress is this host's VTEP. The zero Addr: tenant networks live on
	// this host only, and a network with peers is ErrUnsupported.
	TunnelAddress netip.Addr
	// Prefix begins the names of the namespaces, for people to tell them; empty
	// means "cloudlet". Switches find only what has their own.
	Prefix string
	Log    *slog.Logger // nil: discard
}

// Switch is a vswitch.Switch in the kernel. Make it with New.
type Switch struct {
	opts   Options
	log    *slog.Logger
	host   netns.NsHandle
	hostID uint64          // inode of the host's namespace: tells hosts of one machine apart
	hostNL *netlink.Handle // speaks in the host's namespace

	mu    sync.Mutex
	locks map[string]*keyLock
	open  map[string]map[string]io.Closer // network → kind → socket
}

var _ vswitch.Switch = (*Switch)(nil)

// New returns the switch of the calling thread's network namespace. It makes
// nothing. The error wraps vswitch.ErrUnsupported if the host lacks what is
// needed.
func New(o Options) (*Switch, error) {
	if o.Prefix == "" {
		o.Prefix = "cloudlet"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Physnets = maps.Clone(o.Physnets)
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("bridge: network namespaces need root: %w", vswitch.ErrUnsupported)
	}
	for what, path := range map[string]string{"TUN/TAP": "/dev/net/tun", "br_netfilter": "/proc/sys/net/bridge"} {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("bridge: the kernel's %s is not there (%s); load its module: %w", what, path, vswitch.ErrUnsupported)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	host, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("bridge: the host's network namespace: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(host), &st); err != nil {
		host.Close()
		return nil, fmt.Errorf("bridge: the host's network namespace: %w", err)
	}
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		host.Close()
		return nil, fmt.Errorf("bridge: netlink: %w", err)
	}
	return &Switch{opts: o, log: o.Log, host: host, hostID: st.Ino, hostNL: nl,
		locks: map[string]*keyLock{}, open: map[string]map[string]io.Closer{}}, nil
}

// Close implements vswitch.Switch. No other call may be under way or follow.
func (s *Switch) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.open {
		s.closeSockets(id)
	}
	s.hostNL.Close()
	return s.host.Close()
}

type keyLock struct {
	mu    sync.Mutex
	users int
}

// begin looks at what was checked and at ctx, and takes the network's lock; the
// caller calls end.
func (s *Switch) begin(ctx context.Context, networkID string, checked error) (end func(), err error) {
	if checked != nil {
		return nil, checked
	}
	s.mu.Lock()
	l := s.locks[networkID]
	if l == nil {
		l = &keyLock{}
		s.locks[networkID] = l
	}
	l.users++
	s.mu.Unlock()
	l.mu.Lock()
	end = func() {
		l.mu.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(s.locks, networkID)
		}
	}
	if err := ctx.Err(); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// linkByName returns nil if there is no such link.
func linkByName(nl *netlink.Handle, name string) (netlink.Link, error) {
	l, err := nl.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, nil
	}
	return l, err
}

// dump repeats a listing that the kernel interrupted because something changed.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	for range 20 {
		out, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return out, err
		}
	}
	return list()
}

func missing(networkID string) error {
	return fmt.Errorf("network %s: %w", networkID, vswitch.ErrNotFound)
}
