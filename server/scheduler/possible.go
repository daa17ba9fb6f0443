package scheduler

// Possible reports whether claims could fit on hosts, if nothing else were
// there. It never says no where some placement exists; it may say yes where none
// does (packing is hard). It is exact for claims that are all alike.
//
// Two bounds are checked. The sum of the claims is within the sum of the
// capacities. And for each claim c: the claims that are at least c in everything
// are no more than the hosts can hold of c.
func Possible(hosts []Host, ratios Ratios, claims []Resources) bool {
	if ratios == (Ratios{}) {
		ratios = DefaultRatios
	}
	caps := make([]Resources, len(hosts))
	var all, sum Resources
	for n, h := range hosts {
		caps[n] = ratios.Capacity(h.Total)
		all = all.Plus(caps[n])
	}
	distinct := map[Resources]bool{}
	for _, c := range claims {
		sum = sum.Plus(c)
		distinct[c] = true
	}
	if !all.Covers(sum) {
		return false
	}
	for c := range distinct {
		atLeast, room := 0, 0
		for _, d := range claims {
			if d.Covers(c) {
				atLeast++
			}
		}
		for n, h := range hosts {
			if h.Total.Covers(c) {
				room += holds(caps[n], c, len(claims))
			}
		}
		if atLeast > room {
			return false
		}
	}
	return true
}

// holds returns how many claims of c the capacity covers, at most limit.
func holds(capacity, c Resources, limit int) int {
	n := limit
	for _, d := range [][2]int{{capacity.VCPUs, c.VCPUs}, {capacity.MemoryMiB, c.MemoryMiB}, {capacity.DiskGiB, c.DiskGiB}} {
		if d[1] > 0 {
			n = min(n, d[0]/d[1])
		}
	}
	return n
}
