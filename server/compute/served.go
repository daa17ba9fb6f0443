package compute

import (
	"context"
	"iter"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// Served is an instance as a usage report tells of it: what it had, and from when to
// when.
type Served struct {
	InstanceID, Name, ProjectID string
	Flavor                      string // its name
	VCPUs, MemoryMiB, DiskGiB   int    // DiskGiB as the flavor says, 0 if that leaves it to the image
	State                       string // Nova's vm_state, "terminated" if it has ended
	LaunchedAt                  time.Time
	EndedAt                     time.Time // zero while it is there
}

// Past is what instances were that are gone: a stream for each month in which they
// ended.
var Past = statestore.NewLog[Served]("instance_past", 1)

// firstMonth is before any cloud of this kind.
var firstMonth = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

func monthOf(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

func streamOf(t time.Time) string { return t.UTC().Format("2006-01") }

// served tells of an instance.
func served(i Instance) Served {
	s := Served{InstanceID: i.ID, Name: i.Name, ProjectID: i.ProjectID, Flavor: i.Flavor.Name, VCPUs: i.Flavor.VCPUs, MemoryMiB: i.Flavor.MemoryMiB,
		DiskGiB: i.Flavor.DiskGiB + i.Flavor.Ephemeral, State: i.VMState(), LaunchedAt: i.LaunchedAt, EndedAt: i.TerminatedAt}
	if !s.EndedAt.IsZero() {
		s.State = "terminated"
	}
	return s
}

// passed keeps what an instance was that is about to go. What never ran used nothing.
func passed(tx *statestore.Txn, i Instance) {
	if i.LaunchedAt.IsZero() {
		return
	}
	if i.TerminatedAt.IsZero() {
		i.TerminatedAt = tx.Now()
	}
	Past.Append(tx, streamOf(i.TerminatedAt), served(i))
}

// Within is how long the instance was there between two times.
func (s Served) Within(from, to time.Time) time.Duration {
	if s.LaunchedAt.After(from) {
		from = s.LaunchedAt
	}
	if !s.EndedAt.IsZero() && s.EndedAt.Before(to) {
		to = s.EndedAt
	}
	return max(to.Sub(from), 0)
}

// ServedIn yields the instances that were there between two times, those that are
// gone included, in no order. It reads from disk, once for each month since from.
func ServedIn(ctx context.Context, r statestore.Reader, from, to, now time.Time) iter.Seq2[Served, error] {
	return func(yield func(Served, error) bool) {
		was := func(s Served) bool {
			return !s.LaunchedAt.IsZero() && s.LaunchedAt.Before(to) && (s.EndedAt.IsZero() || s.EndedAt.After(from))
		}
		for i := range Instances.All(r) {
			if s := served(i); was(s) && !yield(s, nil) {
				return
			}
		}
		first := firstMonth
		if from.After(first) {
			first = monthOf(from)
		}
		for m := first; !m.After(now); m = m.AddDate(0, 1, 0) {
			for s, err := range Past.Range(ctx, r, streamOf(m)) {
				if err != nil || was(s) {
					if !yield(s, err) || err != nil {
						return
					}
				}
			}
		}
	}
}
