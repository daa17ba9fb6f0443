package scheduler

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func host(name string, mem int) Host {
	return Host{ID: "id-" + name, Name: name, Zone: "nova", Up: true, Enabled: true, Total: Resources{8, mem, 100}, Arch: "x86_64",
		VirtTypes: []string{"qemu"}, Driver: "QEMU", Capabilities: map[string]bool{"hotplug_nic": true, "HW_CPU_X86_AVX2": true}}
}

// each yields one Host, filled anew each time, as callers do.
func each(hosts []Host) iter.Seq[*Host] {
	return func(yield func(*Host) bool) {
		var scratch Host
		for _, h := range hosts {
			scratch = h
			if !yield(&scratch) {
				return
			}
		}
	}
}

func TestFilters(t *testing.T) {
	small := Resources{1, 512, 1}
	cases := []struct {
		name   string
		change func(*Host)
		req    Request
		filter string // that refuses; "" if chosen
		miss   string
	}{
		{"fits", func(*Host) {}, Request{Claim: small}, "", ""},
		{"down", func(h *Host) { h.Up = false }, Request{Claim: small}, "compute status", "is down"},
		{"disabled", func(h *Host) { h.Enabled = false }, Request{Claim: small}, "compute status", "is disabled"},
		{"zone", func(*Host) {}, Request{Claim: small, Zone: "az2"}, "availability zone", "is in availability zone nova, not az2"},
		{"right zone", func(*Host) {}, Request{Claim: small, Zone: "nova"}, "", ""},
		{"forced host", func(*Host) {}, Request{Claim: small, Host: "other"}, "requested host", "is not the requested host other"},
		{"same host", func(*Host) {}, Request{Claim: small, SameHost: []map[string]bool{{"id-b": true}}}, "same host", "does not run"},
		{"same host of two", func(*Host) {}, Request{Claim: small, SameHost: []map[string]bool{{"id-a": true}, {"id-b": true}}}, "same host", "does not run"},
		{"different host", func(*Host) {}, Request{Claim: small, DifferentHost: map[string]bool{"id-a": true}}, "different host", "to be apart from"},
		{"arch", func(*Host) {}, Request{Claim: small, ImageProperties: map[string]string{"hw_architecture": "aarch64"}}, "image properties", "is x86_64"},
		{"arch by another name", func(*Host) {}, Request{Claim: small, ImageProperties: map[string]string{"architecture": "amd64"}}, "", ""},
		{"hypervisor", func(*Host) {}, Request{Claim: small, ImageProperties: map[string]string{"img_hv_type": "kvm"}}, "image properties", "qemu"},
		{"xen mode", func(*Host) {}, Request{Claim: small, ImageProperties: map[string]string{"vm_mode": "xen"}}, "image properties", ""},
		{"kvm runs qemu", func(h *Host) { h.VirtTypes = []string{"kvm"} }, Request{Claim: small, ImageProperties: map[string]string{"hypervisor_type": "qemu"}}, "", ""},
		{"capability", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"capabilities:hypervisor_type": "s== QEMU"}}, "", ""},
		{"capability missing", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"capabilities:gpu": "true"}}, "capabilities", "capabilities:gpu=true"},
		{"capability number", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"vcpus": ">= 9"}}, "capabilities", ">= 9"},
		{"capability bool", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"hotplug_nic": "True"}}, "", ""},
		{"trait", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"trait:HW_CPU_X86_AVX2": "required"}}, "", ""},
		{"trait forbidden", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"trait:HW_CPU_X86_AVX2": "forbidden"}}, "capabilities", "AVX2"},
		{"other scope", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"hw:cpu_policy": "dedicated"}}, "", ""},
		{"one of", func(*Host) {}, Request{Claim: small, ExtraSpecs: map[string]string{"arch": "<or> aarch64 <or> x86_64"}}, "", ""},
		{"ram ratio", func(h *Host) { h.Used.MemoryMiB = 1024 }, Request{Claim: small}, "", ""},
		{"ram", func(h *Host) { h.Used.MemoryMiB = 1025 }, Request{Claim: small}, "RAM", "has 511 MiB of memory free, 512 wanted"},
		{"larger than the host", func(*Host) {}, Request{Claim: Resources{1, 1025, 1}}, "RAM", "has 1024 MiB of memory free, 1025 wanted"},
		{"disk", func(h *Host) { h.Used.DiskGiB = 100 }, Request{Claim: small}, "disk", "has 0 GiB of disk free, 1 wanted"},
		{"vcpu ratio", func(h *Host) { h.Used.VCPUs = 127 }, Request{Claim: small}, "", ""},
		{"vcpu", func(h *Host) { h.Used.VCPUs = 128 }, Request{Claim: small}, "vCPU", "has 0 vCPUs free, 1 wanted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := host("a", 1024)
			c.change(&h)
			got, refusal := Choose(each([]Host{h}), c.req)
			if c.filter == "" {
				if refusal != nil || got.Name != "a" {
					t.Fatalf("refused: %v", refusal)
				}
				return
			}
			if refusal == nil {
				t.Fatal("chosen; want a refusal by " + c.filter)
			}
			if len(refusal.By) != 1 || refusal.By[0] != (FilterCount{c.filter, 1}) || !strings.Contains(refusal.Miss, c.miss) {
				t.Errorf("refusal %+v; want %s, %q", refusal, c.filter, c.miss)
			}
		})
	}
}

func TestWeigherSpreads(t *testing.T) {
	hosts := []Host{host("b", 4096), host("a", 4096), host("c", 2048)}
	var order []string
	for range 6 {
		h, refusal := Choose(each(hosts), Request{Claim: Resources{1, 512, 1}})
		if refusal != nil {
			t.Fatal(refusal)
		}
		order = append(order, h.Name)
		for n := range hosts {
			if hosts[n].Name == h.Name {
				hosts[n].Used = hosts[n].Used.Plus(Resources{1, 512, 1})
				hosts[n].Instances++
			}
		}
	}
	if got := strings.Join(order, ""); got != "ababab" {
		t.Errorf("order %s, want ababab: most free memory first, then by name", got)
	}
}

func TestRefusalTellsTheNearestMiss(t *testing.T) {
	down, tight, tighter := host("down", 8192), host("tight", 1024), host("tighter", 1024)
	down.Up = false
	tight.Used.MemoryMiB, tighter.Used.MemoryMiB = 1200, 1400
	_, refusal := Choose(each([]Host{down, tighter, tight}), Request{Claim: Resources{1, 512, 1}})
	want := "No valid host was found. Of 3 hosts: 1 refused by compute status, 2 refused by RAM. Nearest miss: host tight has 336 MiB of memory free, 512 wanted."
	if refusal == nil || refusal.Error() != want {
		t.Errorf("got  %v\nwant %s", refusal, want)
	}
	_, refusal = Choose(each(nil), Request{})
	if refusal == nil || !strings.Contains(refusal.Error(), "no host yet") {
		t.Errorf("without hosts: %v", refusal)
	}
}

func drawHosts(t *rapid.T) []Host {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Host {
		h := host(rapid.StringMatching(`[a-z]{6}`).Draw(t, "name"), rapid.IntRange(0, 8192).Draw(t, "mem"))
		h.Up = rapid.Bool().Draw(t, "up")
		h.Zone = rapid.SampledFrom([]string{"nova", "az2"}).Draw(t, "zone")
		h.Used = Resources{rapid.IntRange(0, 140).Draw(t, "uc"), rapid.IntRange(0, 9000).Draw(t, "um"), rapid.IntRange(0, 110).Draw(t, "ud")}
		return h
	}), 0, 12).Draw(t, "hosts")
}

func TestChoiceNeverOverAllocates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := drawHosts(t)
		req := Request{Claim: Resources{rapid.IntRange(0, 9).Draw(t, "c"), rapid.IntRange(0, 4096).Draw(t, "m"), rapid.IntRange(0, 60).Draw(t, "d")},
			Zone: rapid.SampledFrom([]string{"", "nova", "az2"}).Draw(t, "zone")}
		h, refusal := Choose(each(hosts), req)
		if refusal != nil {
			sum := 0
			for _, c := range refusal.By {
				sum += c.Count
			}
			if sum != len(hosts) || refusal.Hosts != len(hosts) {
				t.Fatalf("counts of %+v sum to %d, there are %d hosts", refusal, sum, len(hosts))
			}
			for _, h := range hosts {
				if h.Up && (req.Zone == "" || req.Zone == h.Zone) && h.Total.Covers(req.Claim) && DefaultRatios.Capacity(h.Total).Covers(h.Used.Plus(req.Claim)) {
					t.Fatalf("refused although %s has room", h.Name)
				}
			}
			return
		}
		if !DefaultRatios.Capacity(h.Total).Covers(h.Used.Plus(req.Claim)) || !h.Total.Covers(req.Claim) || !h.Up {
			t.Fatalf("%+v over-allocated by %+v", h, req.Claim)
		}
	})
}

// Whatever a greedy placement manages in some order must be possible (I3).
func TestPossibleNeverRefusesWhatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := drawHosts(t)
		for n := range hosts {
			hosts[n].Used, hosts[n].Up, hosts[n].ID = Resources{}, true, fmt.Sprint(n)
		}
		flavors := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Resources {
			return Resources{rapid.IntRange(0, 9).Draw(t, "c"), rapid.IntRange(0, 4096).Draw(t, "m"), rapid.IntRange(0, 60).Draw(t, "d")}
		}), 1, 3).Draw(t, "flavors")
		all := slices.Clone(hosts)
		var placed []Resources
		for range 40 {
			c := rapid.SampledFrom(flavors).Draw(t, "claim")
			h, refusal := Choose(each(hosts), Request{Claim: c})
			if refusal != nil {
				continue
			}
			for n := range hosts {
				if hosts[n].ID == h.ID {
					hosts[n].Used = hosts[n].Used.Plus(c)
				}
			}
			placed = append(placed, c)
		}
		if !Possible(all, Ratios{}, placed) {
			t.Fatalf("%v are placed on %v and called impossible", placed, all)
		}
	})
}

func TestPossibleIsExactForEqualClaims(t *testing.T) {
	hosts := []Host{host("a", 1000), host("b", 1000)}
	claim := Resources{1, 600, 1} // two to a host of 1,500 MiB capacity
	for n := 1; n <= 6; n++ {
		if got, want := Possible(hosts, Ratios{}, slices.Repeat([]Resources{claim}, n)), n <= 4; got != want {
			t.Errorf("%d claims: possible %v, want %v", n, got, want)
		}
	}
	if Possible(hosts, Ratios{}, []Resources{{1, 1001, 1}}) {
		t.Error("a claim larger than every host is called possible")
	}
}

func BenchmarkChoose1000(b *testing.B) {
	hosts := make([]Host, 1000)
	for n := range hosts {
		hosts[n] = host(fmt.Sprintf("h%04d", n), 1<<17)
	}
	req := Request{Claim: Resources{1, 512, 1}, Zone: "nova", ImageProperties: map[string]string{"hw_architecture": "x86_64"}}
	for b.Loop() {
		if _, refusal := Choose(each(hosts), req); refusal != nil {
			b.Fatal(refusal)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
}
