package scheduler

// Resources is an amount of what a host has and an instance claims.
type Resources struct {
	VCPUs     int
	MemoryMiB int
	DiskGiB   int
}

// Plus returns the sum.
func (r Resources) Plus(s Resources) Resources {
	return Resources{r.VCPUs + s.VCPUs, r.MemoryMiB + s.MemoryMiB, r.DiskGiB + s.DiskGiB}
}

// Minus returns the difference; an amount may become negative.
func (r Resources) Minus(s Resources) Resources {
	return Resources{r.VCPUs - s.VCPUs, r.MemoryMiB - s.MemoryMiB, r.DiskGiB - s.DiskGiB}
}

// Times returns n times r.
func (r Resources) Times(n int) Resources {
	return Resources{r.VCPUs * n, r.MemoryMiB * n, r.DiskGiB * n}
}

// Covers reports whether r has at least s of everything.
func (r Resources) Covers(s Resources) bool {
	return r.VCPUs >= s.VCPUs && r.MemoryMiB >= s.MemoryMiB && r.DiskGiB >= s.DiskGiB
}
