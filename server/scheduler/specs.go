package scheduler

import (
	"slices"
	"strconv"
	"strings"
)

// spec is one extra spec that a host must satisfy.
type spec struct {
	raw, key, want string
	trait          bool
}

// parseSpecs picks the extra specs that speak of hosts, in order of their names:
// "capabilities:KEY", "trait:NAME" and keys without a scope (Nova's
// ComputeCapabilitiesFilter). Other scopes (hw:, quota:, …) are the driver's.
func parseSpecs(extra map[string]string) []spec {
	var out []spec
	for k, v := range extra {
		scope, rest, scoped := strings.Cut(k, ":")
		switch {
		case !scoped:
			out = append(out, spec{raw: k, key: k, want: v})
		case scope == "capabilities":
			out = append(out, spec{raw: k, key: rest, want: v})
		case scope == "trait":
			out = append(out, spec{raw: k, key: rest, want: v, trait: true})
		}
	}
	slices.SortFunc(out, func(a, b spec) int { return strings.Compare(a.raw, b.raw) })
	return out
}

// unmet returns the first extra spec that the host does not satisfy, or nil.
func (p *prepared) unmet(h *Host) *spec {
	for n := range p.specs {
		s := &p.specs[n]
		ok := false
		if s.trait {
			ok = h.Capabilities[s.key] == (s.want != "forbidden")
		} else if have, known := capability(h, s.key); known {
			ok = satisfies(have, s.want)
		}
		if !ok {
			return s
		}
	}
	return nil
}

// capability returns what a host says of itself under a name.
func capability(h *Host, key string) (string, bool) {
	switch key {
	case "hypervisor_type":
		return h.Driver, true
	case "arch", "cpu_arch", "cpu_info:arch":
		return h.Arch, true
	case "vcpus", "vcpus_total":
		return strconv.Itoa(h.Total.VCPUs), true
	case "memory_mb", "total_usable_ram_mb":
		return strconv.Itoa(h.Total.MemoryMiB), true
	case "free_ram_mb":
		return strconv.Itoa(h.Total.MemoryMiB - h.Used.MemoryMiB), true
	case "num_instances":
		return strconv.Itoa(h.Instances), true
	}
	v, ok := h.Capabilities[key]
	return strconv.FormatBool(v), ok
}

// satisfies compares as Nova's extra_specs_ops: an operator and its operand, or
// a plain value that must be equal (true and True being the same).
func satisfies(have, want string) bool {
	f := strings.Fields(want)
	if len(f) == 0 {
		return have == ""
	}
	op, args := f[0], f[1:]
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	switch op {
	case "<in>":
		return strings.Contains(have, first)
	case "<all-in>":
		return !slices.ContainsFunc(args, func(a string) bool { return !strings.Contains(have, a) })
	case "<or>":
		return slices.ContainsFunc(args, func(a string) bool { return a != "<or>" && a == have })
	case "s==":
		return have == first
	case "s!=":
		return have != first
	case "s<":
		return have < first
	case "s<=":
		return have <= first
	case "s>":
		return have > first
	case "s>=":
		return have >= first
	case "=", ">=", "<=", "==", "!=":
		a, err1 := strconv.ParseFloat(have, 64)
		b, err2 := strconv.ParseFloat(first, 64)
		if err1 != nil || err2 != nil {
			return false
		}
		switch op {
		case "<=":
			return a <= b
		case "==":
			return a == b
		case "!=":
			return a != b
		}
		return a >= b // "=" means at least, as in Nova
	}
	return strings.EqualFold(have, want)
}
