package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// nsDir is where ip(8) looks for named namespaces.
const nsDir = "/run/netns"

// onThread runs f on a thread of its own, which ends with it: f may change the
// thread's namespace.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		done <- f()
	}()
	return <-done
}

// inside runs f in a namespace.
func inside(ns netns.NsHandle, f func() error) error {
	return onThread(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// A netNS is an open network namespace of a network.
type netNS struct {
	name   string
	fd     netns.NsHandle
	nl     *netlink.Handle
	bridge netlink.Link
	mark   mark // of the bridge
}

func (n *netNS) Close() {
	n.nl.Close()
	n.fd.Close()
}

func (s *Switch) nsPrefix() string { return fmt.Sprintf("%s-%x-", s.opts.Prefix, s.hostID) }

func (s *Switch) nsName(networkID string) string { return s.nsPrefix() + short(networkID) }

// openNetwork opens the network's namespace. The error wraps
// vswitch.ErrNotFound if it is not there.
func (s *Switch) openNetwork(networkID string) (*netNS, error) {
	n, err := openNS(s.nsName(networkID))
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", networkID, err)
	}
	if n == nil || n.mark.network != networkID {
		if n != nil {
			n.Close()
		}
		return nil, missing(networkID)
	}
	return n, nil
}

// openNS returns nil if the name is not a namespace with a bridge of ours.
func openNS(name string) (*netNS, error) {
	path := filepath.Join(nsDir, name)
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil || st.Type != unix.NSFS_MAGIC {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return nil, nil
	}
	fd, err := netns.GetFromPath(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := unix.Fstatfs(int(fd), &st); err != nil || st.Type != unix.NSFS_MAGIC { // it has just gone
		fd.Close()
		return nil, err
	}
	n, err := attach(name, fd)
	if err != nil {
		fd.Close()
		return nil, err
	}
	l, err := linkByName(n.nl, bridgeName)
	if err != nil {
		n.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if l != nil {
		if m, ours := parseMark(l.Attrs().Alias); ours && m.port == "" {
			n.bridge, n.mark = l, m
			return n, nil
		}
	}
	n.Close()
	return nil, nil
}

func attach(name string, fd netns.NsHandle) (*netNS, error) {
	nl, err := netlink.NewHandleAt(fd, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink in namespace %s: %w", name, err)
	}
	return &netNS{name: name, fd: fd, nl: nl}, nil
}

// createNS makes a namespace, lets build fill it, and only then gives it its
// name: one that failed or was interrupted vanishes by itself.
func createNS(name string, build func(*netNS) error) (*netNS, error) {
	if err := shareNSDir(); err != nil {
		return nil, err
	}
	path := filepath.Join(nsDir, name)
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err == nil {
		if st.Type == unix.NSFS_MAGIC {
			return nil, fmt.Errorf("the namespace %s is there and not ours: %w", name, vswitch.ErrConflict)
		}
		if err := removeNS(name); err != nil { // a crash came between the name and its mount
			return nil, err
		}
	}
	var n *netNS
	err := onThread(func() (err error) {
		fd, err := netns.New()
		if err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		if n, err = attach(name, fd); err != nil {
			fd.Close()
			return err
		}
		defer func() {
			if err != nil {
				n.Close()
			}
		}()
		if err := build(n); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o444)
		if err != nil {
			return err
		}
		f.Close()
		if err := unix.Mount("/proc/thread-self/ns/net", path, "none", unix.MS_BIND, ""); err != nil {
			os.Remove(path)
			return fmt.Errorf("mount %s: %w", path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

var sharing sync.Mutex

// shareNSDir makes the directory a shared mount, as ip(8) does, so that every
// mount namespace sees a name come and go.
func shareNSDir() error {
	sharing.Lock()
	defer sharing.Unlock()
	if err := os.MkdirAll(nsDir, 0o755); err != nil {
		return err
	}
	err := unix.Mount("", nsDir, "none", unix.MS_SHARED|unix.MS_REC, "")
	if errors.Is(err, unix.EINVAL) { // no mount point yet
		if err = unix.Mount(nsDir, nsDir, "none", unix.MS_BIND|unix.MS_REC, ""); err == nil {
			err = unix.Mount("", nsDir, "none", unix.MS_SHARED|unix.MS_REC, "")
		}
	}
	if err != nil {
		return fmt.Errorf("make %s a shared mount: %w", nsDir, err)
	}
	return nil
}

func removeNS(name string) error {
	path := filepath.Join(nsDir, name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// namespaces lists the names that begin with prefix.
func namespaces(prefix string) ([]string, error) {
	entries, err := os.ReadDir(nsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// sysctl writes one of the calling thread's namespace.
func sysctl(name, value string) error {
	path := "/proc/sys/net/" + name
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("sysctl %s: %w", name, err)
	}
	return nil
}
