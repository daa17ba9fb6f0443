package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// consoleKept is how much of a console is kept, in bytes.
const consoleKept = 16 << 10

// state is what List tells of the guest. NICs come and go at once, so that its
// description is always in force.
func (g *guest) state() hypervisor.GuestState {
	return hypervisor.GuestState{
		ID: g.Guest.ID, Power: g.Power, ByGuest: g.ByGuest, Digest: g.Guest.Digest, RebootSerial: g.Serial,
		NICs: slices.Clone(g.Guest.NICs), StartedAt: g.StartedAt,
	}
}

// down returns the guest as it is when it has stopped running.
func (g *guest) down(p hypervisor.Power, byGuest bool) guest {
	next := *g
	next.Power, next.ByGuest = p, byGuest
	return next
}

// boot returns the guest as it is when it has started.
func (d *Driver) boot(g guest) guest {
	g.Power, g.ByGuest, g.StartedAt = hypervisor.Running, false, d.opts.Clock.Now()
	g.Console = booted(g)
	return g
}

// booted is the guest's console after one more boot.
func booted(g guest) string {
	var b strings.Builder
	b.WriteString(g.Console)
	name := g.Guest.Name
	fmt.Fprintf(&b, "[    0.000000] Linux version 6.1.0-cloud-amd64 (simulated)\r\n")
	fmt.Fprintf(&b, "[    0.000000] Command line: root=/dev/vda1 console=ttyS0\r\n")
	fmt.Fprintf(&b, "[    0.004000] smpboot: Allowing %d CPUs, 0 hotplug CPUs\r\n", g.Guest.VCPUs)
	fmt.Fprintf(&b, "[    0.008000] Memory: %dK available\r\n", g.Guest.MemoryMiB<<10)
	for i, n := range g.Guest.NICs {
		fmt.Fprintf(&b, "[    0.%d] virtio_net eth%d: %s\r\n", 100000+i, i, n.MAC)
	}
	fmt.Fprintf(&b, "[    0.500000] Hostname set to <%s>\r\n\r\n%s login: ", name, name)
	text := b.String()
	return text[max(len(text)-consoleKept, 0):]
}

// clone copies what a Guest refers to.
func clone(g hypervisor.Guest) hypervisor.Guest {
	g.NICs = slices.Clone(g.NICs)
	g.Properties, g.ExtraSpecs = maps.Clone(g.Properties), maps.Clone(g.ExtraSpecs)
	return g
}

// put makes next the guest's record and tells of its power if it changed. d.mu
// is held.
func (d *Driver) put(next guest) error {
	id := next.Guest.ID
	if d.opts.Dir != "" {
		if err := save(d.opts.Dir, next); err != nil {
			return err
		}
	}
	old := d.guests[id]
	d.guests[id] = &next
	if old != nil && old.Power != next.Power {
		d.publish(hypervisor.Event{ID: id, Power: next.Power, ByGuest: next.ByGuest})
	}
	return nil
}

// forget removes the guest's record. d.mu is held.
func (d *Driver) forget(id string) error {
	g := d.guests[id]
	if g == nil {
		return nil
	}
	if d.opts.Dir != "" {
		if err := remove(d.opts.Dir, id); err != nil {
			return err
		}
	}
	delete(d.guests, id)
	delete(d.deaf, id)
	if g.Power != hypervisor.Off {
		d.publish(hypervisor.Event{ID: id, Power: hypervisor.Off})
	}
	return nil
}
