//go:build cgo

package libvirt

import (
	"fmt"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// guest is a domain of ours, as found.
type guest struct {
	id     string
	dom    *libvirt.Domain
	config *libvirtxml.Domain // what it will be when it starts next
	record record

	state  libvirt.DomainState
	reason int
}

func (g *guest) free() { _ = g.dom.Free() }

// errForeign: a domain has the id, but it is not ours.
var errForeign = fmt.Errorf("%w: a domain that is not ours has the id", hypervisor.ErrNotFound)

// find looks a guest up. The caller frees it.
func (l *link) find(id string) (*guest, error) {
	if !uuidPattern.MatchString(id) {
		return nil, fmt.Errorf("%w: %q", hypervisor.ErrNotFound, id)
	}
	dom, err := l.c.LookupDomainByUUIDString(id)
	if err != nil {
		return nil, l.explain(err)
	}
	g, err := look(id, dom)
	if err != nil {
		_ = dom.Free()
		return nil, l.explain(err)
	}
	return g, nil
}

// take is find for a call that changes the guest. One whose start was cut off is
// off then.
func (l *link) take(id string) (*guest, error) {
	g, err := l.find(id)
	if err != nil || !g.halfStarted() {
		return g, err
	}
	err = l.cutOff(g)
	if err == nil {
		g.state = libvirt.DOMAIN_SHUTOFF
		return g, nil
	}
	g.free()
	if is(err, libvirt.ERR_OPERATION_TIMEOUT) {
		return nil, fmt.Errorf("libvirtd was killed while it started domain %s%s, and the libvirtd after it can't let go of it; restart libvirtd", namePrefix, id)
	}
	return nil, err
}

// halfStarted tells whether libvirt calls the domain starting though nobody goes on
// with it, or only a program like this one that was killed: this one's own starts hold
// the guest's lock. Such a domain never answers a resume, a reset or a shutdown.
func (g *guest) halfStarted() bool {
	return g.state == libvirt.DOMAIN_PAUSED && libvirt.DomainPausedReason(g.reason) == libvirt.DOMAIN_PAUSED_STARTING_UP
}

// look reads a domain, which becomes the guest's unless there is an error.
func look(id string, dom *libvirt.Domain) (*guest, error) {
	g := &guest{id: id, dom: dom}
	var err error
	if g.config, err = describe(dom, libvirt.DOMAIN_XML_INACTIVE); err != nil {
		return nil, err
	}
	var ours bool
	if g.record, ours = recordOf(g.config); !ours {
		return nil, errForeign
	}
	g.state, g.reason, err = dom.GetState()
	return g, err
}

func describe(dom *libvirt.Domain, flags libvirt.DomainXMLFlags) (*libvirtxml.Domain, error) {
	text, err := dom.GetXMLDesc(flags)
	if err != nil {
		return nil, err
	}
	var x libvirtxml.Domain
	if err := x.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("libvirt's description of a domain: %w", err)
	}
	return &x, nil
}

// active tells whether there is a hypervisor's process.
func (g *guest) active() bool {
	return g.state != libvirt.DOMAIN_SHUTOFF && g.state != libvirt.DOMAIN_CRASHED
}

// power is how g is, and whether by its own doing. remember is what should be put
// down in the record, before libvirt forgets it; empty if nothing.
func (g *guest) power() (p hypervisor.Power, byGuest bool, remember stopped) {
	switch g.state {
	case libvirt.DOMAIN_PAUSED, libvirt.DOMAIN_PMSUSPENDED:
		return hypervisor.Paused, false, ""
	case libvirt.DOMAIN_CRASHED:
		return hypervisor.Crashed, false, stoppedCrashed
	case libvirt.DOMAIN_SHUTOFF:
	default: // blocked, going down: there is a process still
		return hypervisor.Running, false, ""
	}
	why := g.record.Stopped
	if why == "" {
		switch libvirt.DomainShutoffReason(g.reason) {
		case libvirt.DOMAIN_SHUTOFF_SHUTDOWN:
			why, remember = stoppedByGuest, stoppedByGuest
		case libvirt.DOMAIN_SHUTOFF_CRASHED:
			why, remember = stoppedCrashed, stoppedCrashed
		}
	}
	if why == stoppedCrashed {
		return hypervisor.Crashed, false, remember
	}
	return hypervisor.Off, why == stoppedByGuest, remember
}

// keep writes g's record.
func (g *guest) keep() error {
	return g.dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, g.record.element(), recordKey, recordNamespace, libvirt.DOMAIN_AFFECT_CONFIG)
}

// putDown puts down why a guest is off, unless a call for it is under way: then
// the next List does it.
func (d *Driver) putDown(l *link, id string) {
	unlock, ok := d.guests.tryLock(id)
	if !ok {
		return
	}
	defer unlock()
	g, err := l.find(id)
	if err != nil {
		return
	}
	defer g.free()
	if _, _, why := g.power(); why != "" {
		g.record.Stopped = why
		if err := g.keep(); err != nil {
			d.o.Log.Warn("why a guest is off is not kept", "guest", id, "error", err)
		}
	}
}
