package scheduler

import (
	"fmt"
	"iter"
	"strings"
)

// Ratios are how often a resource may be given away: 1.5 lets instances claim
// half as much again as the host has.
type Ratios struct{ VCPU, RAM, Disk float64 }

// DefaultRatios are Nova's.
var DefaultRatios = Ratios{VCPU: 16, RAM: 1.5, Disk: 1}

// Capacity is what instances may claim of a host with these resources.
func (r Ratios) Capacity(total Resources) Resources {
	return Resources{int(float64(total.VCPUs) * r.VCPU), int(float64(total.MemoryMiB) * r.RAM), int(float64(total.DiskGiB) * r.Disk)}
}

// Host is what the choice is made by.
type Host struct {
	ID, Name, Zone string
	Up, Enabled    bool
	Total, Used    Resources // physical; claimed
	Instances      int
	Arch           string
	VirtTypes      []string
	Driver         string
	Capabilities   map[string]bool
}

// Request is what an instance needs. Sets of hosts are by id.
type Request struct {
	Claim           Resources
	Zone            string            // "" for any
	Host            string            // by name; "" for any
	ExtraSpecs      map[string]string // of the flavor
	ImageProperties map[string]string
	SameHost        []map[string]bool // a host must be in each
	DifferentHost   map[string]bool   // a host must not be in it
	Prefer, Avoid   map[string]bool   // soft affinity, soft anti-affinity
	Ratios          Ratios            // zero: DefaultRatios
}

// Refusal says that no host will do, and why.
type Refusal struct {
	Hosts   int           // looked at
	By      []FilterCount // in the order of the filters, those that refused any
	Nearest string        // host that came furthest, "" without hosts
	Miss    string        // what it lacks
}

// FilterCount is how many hosts a filter refused.
type FilterCount struct {
	Filter string
	Count  int
}

// Error says it in one paragraph, for users.
func (r *Refusal) Error() string {
	if r.Hosts == 0 {
		return "No valid host was found. The cloud has no host yet: start an agent."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "No valid host was found. Of %s", plural(r.Hosts, "host"))
	for n, f := range r.By {
		sep := ", "
		if n == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%d refused by %s", sep, f.Count, f.Filter)
	}
	fmt.Fprintf(&b, ". Nearest miss: host %s %s.", r.Nearest, r.Miss)
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Choose returns the host for the request. It looks at each host once and keeps
// no pointer: hosts may yield the same one again and again, filled anew.
func Choose(hosts iter.Seq[*Host], req Request) (Host, *Refusal) {
	p := prepare(req)
	var best, nearest Host
	found := false
	seen, furthest, gap := 0, -1, 0
	var counts [len(filters)]int
	for h := range hosts {
		seen++
		at := p.refusedBy(h)
		if at == passed {
			if !found || p.better(h, &best) {
				best, found = *h, true
			}
			continue
		}
		counts[at]++
		if found {
			continue
		}
		if g := p.gap(h, at); at > furthest || at == furthest && (g < gap || g == gap && h.Name < nearest.Name) {
			nearest, furthest, gap = *h, at, g
		}
	}
	if found {
		return best, nil
	}
	r := &Refusal{Hosts: seen}
	for n, c := range counts {
		if c > 0 {
			r.By = append(r.By, FilterCount{filters[n].name, c})
		}
	}
	if seen > 0 {
		r.Nearest, r.Miss = nearest.Name, filters[furthest].miss(p, &nearest)
	}
	return Host{}, r
}

// Eligible returns the hosts that would do if nothing were claimed of them.
func Eligible(hosts iter.Seq[*Host], req Request) []Host {
	p := prepare(req)
	var out []Host
	for h := range hosts {
		empty := *h
		empty.Used = Resources{}
		if p.refusedBy(&empty) == passed {
			out = append(out, empty)
		}
	}
	return out
}

// better reports whether a is to be chosen before b.
func (p *prepared) better(a, b *Host) bool {
	if p.soft {
		if n := p.taste(b) - p.taste(a); n != 0 {
			return n < 0
		}
	}
	if x, y := a.Total.MemoryMiB-a.Used.MemoryMiB, b.Total.MemoryMiB-b.Used.MemoryMiB; x != y {
		return x > y
	}
	if a.Instances != b.Instances {
		return a.Instances < b.Instances
	}
	return a.Name < b.Name
}

func (p *prepared) taste(h *Host) int {
	n := 0
	if p.Prefer[h.ID] {
		n++
	}
	if p.Avoid[h.ID] {
		n--
	}
	return n
}
