package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

// PreparePort implements vswitch.Switch.
func (s *Switch) PreparePort(ctx context.Context, p vswitch.Port) (tap string, err error) {
	end, err := s.begin(ctx, p.NetworkID, p.Check())
	if err != nil {
		return "", err
	}
	defer end()
	tap = tapName(p.ID)
	mtu, err := s.takeBack(p, tap)
	if err != nil {
		return "", fmt.Errorf("port %s: %w", p.ID, err)
	}
	want := mark{network: p.NetworkID, port: p.ID}
	l, err := linkByName(s.hostNL, tap)
	if err != nil {
		return "", fmt.Errorf("port %s: %w", p.ID, err)
	}
	if l == nil {
		if err := s.makeTap(tap, want, mtu); err != nil {
			return "", fmt.Errorf("port %s: make tap: %w", p.ID, err)
		}
		return tap, nil
	}
	if m, ours := parseMark(l.Attrs().Alias); !ours || m != want {
		return "", fmt.Errorf("port %s: the device %s of the host is not this port's (%q): %w", p.ID, tap, l.Attrs().Alias, vswitch.ErrConflict)
	}
	if l.Attrs().Flags&net.FlagUp != 0 {
		if err := s.hostNL.LinkSetDown(l); err != nil {
			return "", fmt.Errorf("port %s: take tap down: %w", p.ID, err)
		}
	}
	if err := setMTU(s.hostNL, l, mtu); err != nil {
		return "", fmt.Errorf("port %s: %w", p.ID, err)
	}
	return tap, nil
}

// takeBack deletes the port's tap from its network, and returns the MTU that the
// next one needs.
func (s *Switch) takeBack(p vswitch.Port, tap string) (mtu int, err error) {
	ns, err := s.openNetwork(p.NetworkID)
	if errors.Is(err, vswitch.ErrNotFound) {
		return cmp.Or(p.MTU, vswitch.Network{}.DefaultMTU()), nil
	}
	if err != nil {
		return 0, err
	}
	defer ns.Close()
	l, err := linkByName(ns.nl, tap)
	if err != nil {
		return 0, err
	}
	if l != nil {
		if err := deleteLink(ns.nl, l); err != nil {
			return 0, err
		}
	}
	return cmp.Or(p.MTU, ns.bridge.Attrs().MTU), nil
}

// makeTap makes a tap that stays when nobody has it open, from the moment on
// that it is marked.
func (s *Switch) makeTap(name string, m mark, mtu int) error {
	return inside(s.host, func() error {
		f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		req, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		fd := int(f.Fd())
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
			return fmt.Errorf("TUNSETIFF: %w", err)
		}
		l, err := s.hostNL.LinkByName(name)
		if err != nil {
			return err
		}
		if err := s.hostNL.LinkSetAlias(l, m.String()); err != nil {
			return fmt.Errorf("mark: %w", err)
		}
		if err := setMTU(s.hostNL, l, mtu); err != nil {
			return err
		}
		if err := unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1); err != nil {
			return fmt.Errorf("TUNSETPERSIST: %w", err)
		}
		return nil
	})
}

// ActivatePort implements vswitch.Switch.
func (s *Switch) ActivatePort(ctx context.Context, p vswitch.Port) error {
	end, err := s.begin(ctx, p.NetworkID, p.Check())
	if err != nil {
		return err
	}
	defer end()
	ns, err := s.openNetwork(p.NetworkID)
	if err != nil {
		return fmt.Errorf("port %s: %w", p.ID, err)
	}
	defer ns.Close()
	tap := tapName(p.ID)
	l, err := linkByName(ns.nl, tap)
	if err != nil {
		return fmt.Errorf("port %s: %w", p.ID, err)
	}
	if l == nil {
		if err := s.moveTap(ns, p, tap); err != nil {
			return fmt.Errorf("port %s: %w", p.ID, err)
		}
	}
	if _, err := plug(ns, tap, cmp.Or(p.MTU, ns.bridge.Attrs().MTU)); err != nil {
		return fmt.Errorf("port %s: %w", p.ID, err)
	}
	return nil
}

// moveTap moves a prepared tap into the network; whoever has it open keeps it.
func (s *Switch) moveTap(ns *netNS, p vswitch.Port, tap string) error {
	l, err := linkByName(s.hostNL, tap)
	if err != nil {
		return err
	}
	if l == nil {
		return fmt.Errorf("no tap: %w", vswitch.ErrNotFound)
	}
	if m, ours := parseMark(l.Attrs().Alias); !ours || m != (mark{network: p.NetworkID, port: p.ID}) {
		return fmt.Errorf("the device %s of the host is not this port's: %w", tap, vswitch.ErrConflict)
	}
	if err := s.hostNL.LinkSetNsFd(l, int(ns.fd)); err != nil {
		return fmt.Errorf("move tap: %w", err)
	}
	return nil
}

// RemovePort implements vswitch.Switch.
func (s *Switch) RemovePort(ctx context.Context, networkID, portID string) error {
	end, err := s.begin(ctx, networkID, nil)
	if err != nil {
		return err
	}
	defer end()
	if portID == "" {
		return nil
	}
	if err := s.removeOnHost(networkID, portID); err != nil {
		return fmt.Errorf("port %s: %w", portID, err)
	}
	ns, err := s.openNetwork(networkID)
	if errors.Is(err, vswitch.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("port %s: %w", portID, err)
	}
	defer ns.Close()
	l, err := linkByName(ns.nl, tapName(portID))
	if err != nil || l == nil {
		return err
	}
	if err := deleteLink(ns.nl, l); err != nil {
		return fmt.Errorf("port %s: %w", portID, err)
	}
	return nil
}
