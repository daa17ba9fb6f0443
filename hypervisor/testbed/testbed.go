package testbed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The addresses of a testbed.
var (
	UnderlayNet = netip.MustParsePrefix("10.99.0.0/24")
	PublicNet   = netip.MustParsePrefix("172.24.4.0/24")
	// PublicGateway is who is outside, on the public network.
	PublicGateway = netip.MustParseAddr("172.24.4.1")
)

const (
	// PublicBridge is the bridge in each host that is the physical network public.
	PublicBridge = "br-public"
	// UnderlayDevice is the device in each host by which hosts reach each other.
	UnderlayDevice = "underlay0"

	maxHosts   = 100
	markerFile = "testbed" // in the directory; holds the number of hosts
)

// Options say what a testbed is.
type Options struct {
	// Dir is its directory, which Up makes if it must. Files of others may be
	// in it. It can't be below /run, which hosts have for themselves.
	Dir   string
	Hosts int // 1 to 100
}

// A Testbed is hosts on one machine. Methods may be called from any goroutine.
type Testbed struct {
	Dir   string // absolute
	Hosts []*Host
}

// Up makes the testbed be there, with every host's libvirtd running. A testbed
// that is there keeps its hosts, and its number of them.
func Up(ctx context.Context, o Options) (*Testbed, error) {
	if err := Missing(); err != nil {
		return nil, fmt.Errorf("testbed: %w", err)
	}
	if o.Hosts < 1 || o.Hosts > maxHosts {
		return nil, fmt.Errorf("testbed: %d hosts: 1 to %d can be", o.Hosts, maxHosts)
	}
	dir, err := cleanDir(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "ns"), 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	t, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		// First of all, so that Down knows what to look for.
		err = os.WriteFile(filepath.Join(dir, markerFile), []byte(strconv.Itoa(o.Hosts)), 0o644)
		t = newTestbed(dir, o.Hosts)
	}
	if err != nil {
		return nil, err
	}
	if len(t.Hosts) != o.Hosts {
		return nil, fmt.Errorf("testbed: in %s are %d hosts, not %d", dir, len(t.Hosts), o.Hosts)
	}
	if err := t.outsideUp(ctx); err != nil {
		return nil, err
	}
	for _, h := range t.Hosts {
		if err := h.up(ctx); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Open finds the testbed in dir. The error wraps fs.ErrNotExist if there is none.
func Open(dir string) (*Testbed, error) {
	dir, err := cleanDir(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, markerFile))
	if err != nil {
		return nil, fmt.Errorf("no testbed: %w", err)
	}
	n, err := strconv.Atoi(string(data))
	if err != nil || n < 1 || n > maxHosts {
		return nil, fmt.Errorf("testbed: %s does not hold a number of hosts", filepath.Join(dir, markerFile))
	}
	return newTestbed(dir, n), nil
}

func newTestbed(dir string, hosts int) *Testbed {
	t := &Testbed{Dir: dir}
	for n := range hosts {
		t.Hosts = append(t.Hosts, newHost(t, n+1))
	}
	return t
}

// Down takes everything away. Nothing there is no error.
func Down(ctx context.Context, dir string) error {
	t, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.Down(ctx)
}

// Down as the function of that name.
func (t *Testbed) Down(ctx context.Context) error {
	if !exists(t.Dir) {
		return nil
	}
	unlock, err := lock(t.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	var spaces []string
	for _, h := range t.Hosts {
		spaces = append(spaces, h.spaces()...)
	}
	spaces = append(spaces, t.outside())
	if err := killAll(ctx, spaces); err != nil {
		return err
	}
	ns := filepath.Join(t.Dir, "ns")
	for isMount(ns) {
		// Lazily: who was about to enter a host may hold a file here for a moment.
		if err := tool(ctx, "umount", "--lazy", "--recursive", ns); err != nil {
			return err
		}
	}
	for _, h := range t.Hosts {
		if err := os.RemoveAll(h.Dir); err != nil {
			return err
		}
	}
	// Last of all, so that a Down that was cut off can be repeated.
	for _, name := range []string{"ns", markerFile} {
		if err := os.Remove(filepath.Join(t.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	os.Remove(t.Dir) // unless others have something in it
	return nil
}

// Outside is a command that runs outside of the hosts, at 172.24.4.1 on the public
// network.
func (t *Testbed) Outside(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + t.outside(), "--", name}, args...)...)
}

// outside is the file that holds the network namespace between the hosts.
func (t *Testbed) outside() string { return filepath.Join(t.Dir, "ns", "outside") }

// outsideUp makes what lies between the hosts.
func (t *Testbed) outsideUp(ctx context.Context) error {
	ns := filepath.Join(t.Dir, "ns")
	if !isMount(ns) {
		// A mount of its own, since namespaces can be kept only where mounts are
		// private; in memory, so that files there say what is true since the boot.
		if err := tool(ctx, "mount", "-t", "tmpfs", "-o", "mode=0755", "testbed", ns); err != nil {
			return err
		}
		if err := tool(ctx, "mount", "--make-private", ns); err != nil {
			return err
		}
	}
	ready := t.outside() + ".ready"
	if exists(ready) {
		return nil
	}
	if err := release(t.outside()); err != nil {
		return err
	}
	if err := os.WriteFile(t.outside(), nil, 0o600); err != nil {
		return err
	}
	if err := tool(ctx, "unshare", "--net="+t.outside(), "true"); err != nil {
		return err
	}
	err := ipBatch(ctx, t.outside(),
		"link set lo up",
		"link add dev underlay type bridge mcast_snooping 0",
		"link set underlay up",
		"link add dev public type bridge mcast_snooping 0",
		"link set public up",
		"address add "+netip.PrefixFrom(PublicGateway, PublicNet.Bits()).String()+" dev public")
	if err != nil {
		return err
	}
	return os.WriteFile(ready, nil, 0o600)
}

// ipBatch has ip obey lines in the network namespace that file holds.
func ipBatch(ctx context.Context, file string, lines ...string) error {
	cmd := exec.CommandContext(ctx, "nsenter", "--net="+file, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// cleanDir is dir as every process of the testbed knows it.
func cleanDir(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("testbed: no directory")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for _, hidden := range []string{"/run", "/sys", "/var/lib/libvirt", "/etc/libvirt", "/var/log/libvirt", "/var/cache/libvirt"} {
		if dir == hidden || strings.HasPrefix(dir, hidden+"/") {
			return "", fmt.Errorf("testbed: %s can't be in %s, of which each host has its own", dir, hidden)
		}
	}
	return dir, nil
}

// lock keeps other processes' Up and Down away.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

// Missing tells what this machine lacks for a testbed, nil for nothing.
func Missing() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make network namespaces")
	}
	for program, pkg := range map[string]string{
		"libvirtd": "libvirt-daemon-system", "qemu-img": "qemu-utils", "ip": "iproute2",
		"nsenter": "util-linux", "unshare": "util-linux", "mount": "mount",
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed (package %s)", program, pkg)
		}
	}
	return nil
}
