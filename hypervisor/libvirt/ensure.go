//go:build cgo

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/cloudlet/cloudlet/hypervisor"
)

const (
	// unplugTime is how long a guest may take to let go of a card; one that is
	// booting does so when it has booted.
	unplugTime = 30 * time.Second
	// unplugAgain is when it is asked again: what it was asked while it booted
	// is forgotten. QEMU refuses to ask again sooner.
	unplugAgain = 1500 * time.Millisecond
)

// Ensure as the contract has it. Where a running guest has to let go of a card it
// blocks until the guest has, for at most 30 s.
func (d *Driver) Ensure(ctx context.Context, g hypervisor.Guest) error {
	if err := check(g); err != nil {
		return err
	}
	// What has begun may outlast the call.
	g.NICs, g.Properties, g.ExtraSpecs = slices.Clone(g.NICs), maps.Clone(g.Properties), maps.Clone(g.ExtraSpecs)
	virt, arch, err := d.virtOf(ctx, g.VirtType)
	if err != nil {
		return err
	}
	return d.do(ctx, g.ID, func(l *link) error { return d.ensure(ctx, l, g, virt, arch) })
}

func (d *Driver) ensure(ctx context.Context, l *link, g hypervisor.Guest, virt, arch string) error {
	var kept record
	old, err := l.take(g.ID)
	switch {
	case err == nil:
		kept = old.record
		defer old.free()
	case errors.Is(err, errForeign):
		return fmt.Errorf("%w: a domain that is not ours has the id %s", hypervisor.ErrInvalid, g.ID)
	case !errors.Is(err, hypervisor.ErrNotFound):
		return err
	}
	if err := l.haveFirmware(g, virt, arch); err != nil {
		return err
	}
	if err := ensureDisk(context.WithoutCancel(ctx), g.Root); err != nil {
		return err
	}
	text, err := definition(g, virt, arch, kept)
	if err != nil {
		return err
	}
	dom, err := l.c.DomainDefineXMLFlags(text, 0)
	if err != nil {
		return undefinable(err)
	}
	defer func() { _ = dom.Free() }()
	d.know(g.ID, true)
	if old == nil || !old.active() {
		return nil
	}
	return l.syncNICs(ctx, g.ID, dom, g)
}

// haveFirmware tells of UEFI that the host lacks, which libvirt finds out only when
// the guest starts.
func (l *link) haveFirmware(g hypervisor.Guest, virt, arch string) error {
	machine := machineOf(g, arch)
	want := bootOf(g, arch, machine).Firmware
	if want == "" {
		return nil
	}
	text, err := l.c.GetDomainCapabilities("", arch, machine, virt, 0)
	if err != nil {
		return undefinable(err)
	}
	var caps libvirtxml.DomainCaps
	if err := caps.Unmarshal(text); err != nil {
		return fmt.Errorf("libvirt's capabilities of a domain: %w", err)
	}
	for _, e := range caps.OS.Enums {
		if e.Name == "firmware" && slices.Contains(e.Values, want) {
			return nil
		}
	}
	return fmt.Errorf("%w: the host has no UEFI firmware for %s, %s (package ovmf)", hypervisor.ErrUnsupported, arch, machine)
}

// syncNICs has a running guest have the cards of its definition.
func (l *link) syncNICs(ctx context.Context, id string, dom *libvirt.Domain, g hypervisor.Guest) error {
	live, err := describe(dom, 0)
	if err != nil {
		return err
	}
	gone, come := nicChanges(g.NICs, nicsOf(live))
	for _, n := range gone {
		if err := l.unplug(ctx, id, dom, n); err != nil {
			return fmt.Errorf("unplug port %s: %w", n.PortID, err)
		}
	}
	for _, n := range come {
		card := interfaceOf(n, g.Properties["hw_vif_model"])
		text, err := card.Marshal()
		if err != nil {
			return err
		}
		err = dom.AttachDeviceFlags(text, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
		if isOff(dom, err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("plug port %s: %w", n.PortID, err)
		}
	}
	return nil
}

// unplug has a guest let go of a card, and returns when it has.
func (l *link) unplug(ctx context.Context, id string, dom *libvirt.Domain, n hypervisor.NIC) error {
	s := l.subscribe()
	defer s.end()
	alias := aliasPrefix + n.PortID
	deadline := time.Now().Add(unplugTime)
	for {
		err := dom.DetachDeviceAlias(alias, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
		switch {
		case is(err, libvirt.ERR_DEVICE_MISSING), isOff(dom, err):
			return nil
		case err != nil && !strings.Contains(err.Error(), "in the process of unplug"):
			return err
		}
		wait, cancel := context.WithTimeout(ctx, unplugAgain)
		done, err := s.until(wait, func(e notice) bool {
			return e.id == id && (e.removed == alias || e.ended())
		})
		cancel()
		switch {
		case done || err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("the guest does not let go of it within %v", unplugTime)
		}
	}
}

// isOff tells whether err comes of the guest having gone off.
func isOff(dom *libvirt.Domain, err error) bool {
	if !is(err, libvirt.ERR_OPERATION_INVALID) {
		return false
	}
	active, err := dom.IsActive()
	return err == nil && !active
}
