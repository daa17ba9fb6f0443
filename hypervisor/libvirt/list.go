//go:build cgo

package libvirt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// List as the contract has it.
func (d *Driver) List(ctx context.Context) ([]hypervisor.GuestState, error) {
	var all []hypervisor.GuestState
	err := d.do(ctx, "", func(l *link) error {
		doms, err := l.c.ListAllDomains(0)
		if err != nil {
			return err
		}
		for i := range doms {
			s, ours, err := d.listed(l, &doms[i])
			if err != nil {
				return err
			}
			if ours {
				all = append(all, s)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b hypervisor.GuestState) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// listed is what List tells of a domain, which it frees.
func (d *Driver) listed(l *link, dom *libvirt.Domain) (s hypervisor.GuestState, ours bool, err error) {
	defer func() { _ = dom.Free() }()
	id, err := dom.GetUUIDString()
	if err != nil {
		return s, false, err
	}
	g, err := look(id, dom)
	if err == errForeign || is(err, libvirt.ERR_NO_DOMAIN) { // another's, or gone since
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	d.know(id, true)
	s = hypervisor.GuestState{ID: id, Digest: g.record.Digest, RebootSerial: g.record.Reset, StartedAt: g.record.startedAt(), NICs: nicsOf(g.config)}
	var remember stopped
	s.Power, s.ByGuest, remember = g.power()
	if remember != "" {
		d.putDown(l, id)
	}
	if !g.active() {
		return s, true, nil
	}
	live, err := describe(dom, 0)
	if is(err, libvirt.ERR_NO_DOMAIN) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	s.NICs = nicsOf(live)
	if gone, come := nicChanges(nicsOf(g.config), s.NICs); len(gone)+len(come) > 0 {
		s.Digest = ""
	}
	if err := trimConsole(consoleLogOf(live)); err != nil {
		d.o.Log.Warn("a console log is not kept short", "guest", id, "error", err)
	}
	return s, true, nil
}

// Console as the contract has it.
func (d *Driver) Console(ctx context.Context, id string, most int64) ([]byte, error) {
	var text []byte
	err := d.do(ctx, "", func(l *link) error {
		g, err := l.find(id)
		if err != nil {
			return err
		}
		defer g.free()
		now := g.config
		if g.active() {
			if now, err = describe(g.dom, 0); err != nil {
				return err
			}
		}
		text, err = readConsole(consoleLogOf(now), most)
		return err
	})
	if err != nil {
		return nil, err
	}
	return text, nil
}

// Stats as the contract has it.
func (d *Driver) Stats(ctx context.Context, id string) (hypervisor.Stats, error) {
	var found hypervisor.Stats
	err := d.do(ctx, "", func(l *link) error {
		g, err := l.find(id)
		if err != nil {
			return err
		}
		defer g.free()
		if !g.active() || g.halfStarted() {
			return fmt.Errorf("%w that runs: %s", hypervisor.ErrNotFound, id)
		}
		found, err = g.stats()
		if isOff(g.dom, err) {
			return fmt.Errorf("%w that runs: %s", hypervisor.ErrNotFound, id)
		}
		return err
	})
	if err != nil {
		return hypervisor.Stats{}, err
	}
	return found, nil
}

func (g *guest) stats() (s hypervisor.Stats, err error) {
	info, err := g.dom.GetInfo()
	if err != nil {
		return s, err
	}
	s.CPUTime = time.Duration(info.CpuTime)
	memory, err := g.dom.MemoryStats(uint32(libvirt.DOMAIN_MEMORY_STAT_NR), 0)
	if err != nil {
		return s, err
	}
	for _, m := range memory {
		if m.Tag == int32(libvirt.DOMAIN_MEMORY_STAT_RSS) {
			s.MemoryKiB = m.Val
		}
	}
	disk, err := g.dom.BlockStats(g.config.Devices.Disks[0].Target.Dev)
	if err != nil {
		return s, err
	}
	s.DiskReadB, s.DiskWrittenB = uint64(disk.RdBytes), uint64(disk.WrBytes)
	return s, nil
}
