package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// prepared is a request with what can be worked out before any host.
type prepared struct {
	Request
	arch, hvType string
	vmMode       string
	specs        []spec
	soft         bool
	plain        bool // no filter has anything to say but status, zone and resources
}

const passed = -1

type filter struct {
	name string
	ok   func(p *prepared, h *Host) bool
	miss func(p *prepared, h *Host) string // what the host lacks, after its name
}

// filters in order, the cheap and final ones first.
var filters = [...]filter{
	{"compute status",
		func(_ *prepared, h *Host) bool { return h.Up && h.Enabled },
		func(_ *prepared, h *Host) string {
			if !h.Up {
				return "is down"
			}
			return "is disabled"
		}},
	{"availability zone",
		func(p *prepared, h *Host) bool { return p.Zone == "" || p.Zone == h.Zone },
		func(p *prepared, h *Host) string {
			return fmt.Sprintf("is in availability zone %s, not %s", h.Zone, p.Zone)
		}},
	{"requested host",
		func(p *prepared, h *Host) bool { return p.Host == "" || p.Host == h.Name },
		func(p *prepared, h *Host) string { return "is not the requested host " + p.Host }},
	{"same host",
		func(p *prepared, h *Host) bool {
			for _, set := range p.SameHost {
				if !set[h.ID] {
					return false
				}
			}
			return true
		},
		func(*prepared, *Host) string { return "does not run the instances to be together with" }},
	{"different host",
		func(p *prepared, h *Host) bool { return !p.DifferentHost[h.ID] },
		func(*prepared, *Host) string { return "runs an instance to be apart from" }},
	{"image properties", imageFits,
		func(p *prepared, h *Host) string {
			return fmt.Sprintf("is %s with %s, which the image's properties do not allow", h.Arch, strings.Join(h.VirtTypes, "/"))
		}},
	{"capabilities",
		func(p *prepared, h *Host) bool { return p.unmet(h) == nil },
		func(p *prepared, h *Host) string {
			s := p.unmet(h)
			return fmt.Sprintf("does not satisfy the flavor's extra spec %s=%s", s.raw, s.want)
		}},
	{"RAM",
		func(p *prepared, h *Host) bool { return p.free(h).MemoryMiB >= p.Claim.MemoryMiB },
		func(p *prepared, h *Host) string {
			return fmt.Sprintf("has %d MiB of memory free, %d wanted", max(p.free(h).MemoryMiB, 0), p.Claim.MemoryMiB)
		}},
	{"disk",
		func(p *prepared, h *Host) bool { return p.free(h).DiskGiB >= p.Claim.DiskGiB },
		func(p *prepared, h *Host) string {
			return fmt.Sprintf("has %d GiB of disk free, %d wanted", max(p.free(h).DiskGiB, 0), p.Claim.DiskGiB)
		}},
	{"vCPU",
		func(p *prepared, h *Host) bool { return p.free(h).VCPUs >= p.Claim.VCPUs },
		func(p *prepared, h *Host) string {
			return fmt.Sprintf("has %d vCPUs free, %d wanted", max(p.free(h).VCPUs, 0), p.Claim.VCPUs)
		}},
}

const ramFilter = len(filters) - 3

func prepare(req Request) *prepared {
	if req.Ratios == (Ratios{}) {
		req.Ratios = DefaultRatios
	}
	prop := func(names ...string) string {
		for _, n := range names {
			if v := req.ImageProperties[n]; v != "" {
				return strings.ToLower(v)
			}
		}
		return ""
	}
	p := &prepared{Request: req, arch: canonicalArch(prop("hw_architecture", "architecture")), hvType: prop("img_hv_type", "hypervisor_type"),
		vmMode: prop("hw_vm_mode", "vm_mode"), specs: parseSpecs(req.ExtraSpecs), soft: len(req.Prefer)+len(req.Avoid) > 0}
	p.plain = req.Host == "" && len(req.SameHost)+len(req.DifferentHost)+len(p.specs) == 0 && p.arch == "" && p.hvType == "" && p.vmMode == ""
	return p
}

// refusedBy returns the index of the first filter that refuses the host, or passed.
func (p *prepared) refusedBy(h *Host) int {
	if p.plain && h.Up && h.Enabled && (p.Zone == "" || p.Zone == h.Zone) && p.free(h).Covers(p.Claim) {
		return passed // the common case, without going through the filters one by one
	}
	for n := range filters {
		if !filters[n].ok(p, h) {
			return n
		}
	}
	return passed
}

// free is what one instance may still claim: what is left of the capacity, and
// never more than the host has.
func (p *prepared) free(h *Host) Resources {
	left := p.Ratios.Capacity(h.Total).Minus(h.Used)
	return Resources{min(left.VCPUs, h.Total.VCPUs), min(left.MemoryMiB, h.Total.MemoryMiB), min(left.DiskGiB, h.Total.DiskGiB)}
}

// gap tells how far the host is from passing the filter, to find the nearest miss.
func (p *prepared) gap(h *Host, at int) int {
	if at < ramFilter {
		return 0
	}
	f := p.free(h)
	return max(0, p.Claim.MemoryMiB-f.MemoryMiB) + max(0, p.Claim.DiskGiB-f.DiskGiB) + max(0, p.Claim.VCPUs-f.VCPUs)
}

// imageFits is Nova's ImagePropertiesFilter: architecture, hypervisor type and
// machine mode. A KVM host runs what asks for QEMU.
func imageFits(p *prepared, h *Host) bool {
	if p.arch != "" && h.Arch != "" && p.arch != canonicalArch(h.Arch) {
		return false
	}
	if p.vmMode != "" && p.vmMode != "hvm" {
		return false
	}
	switch p.hvType {
	case "", strings.ToLower(h.Driver):
		return true
	case "qemu":
		return slices.Contains(h.VirtTypes, "qemu") || slices.Contains(h.VirtTypes, "kvm")
	}
	return slices.Contains(h.VirtTypes, p.hvType)
}

func canonicalArch(a string) string {
	switch strings.ToLower(a) {
	case "amd64", "x86_64", "x86-64":
		return "x86_64"
	case "arm64", "aarch64":
		return "aarch64"
	case "i386", "i486", "i586", "i686":
		return "i686"
	}
	return strings.ToLower(a)
}
