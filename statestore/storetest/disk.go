package storetest

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
)

// Disk is a disk in memory with a pebble engine's data on it. It outlives the
// engines opened on it and knows what was synced.
type Disk struct {
	mu sync.Mutex
	fs *vfs.MemFS
}

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{fs: vfs.NewCrashableMem()} }

// FS returns the disk's file system, as it is now.
func (d *Disk) FS() *vfs.MemFS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fs
}

// Open opens the engine on the disk.
func (d *Disk) Open() (statestore.Engine, error) {
	return pebble.Open("/state", pebble.Options{FS: d.FS()})
}

// MustOpen is Open for a test.
func (d *Disk) MustOpen(t testing.TB) statestore.Engine {
	t.Helper()
	eng, err := d.Open()
	if err != nil {
		t.Fatalf("opening the engine: %v", err)
	}
	return eng
}

// PowerCycle makes the disk what it would be after a power cut now: all that
// was synced and nothing else. Engines that are still open write to a disk that
// is no more; close them for their goroutines' sake.
func (d *Disk) PowerCycle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fs = d.fs.CrashClone(vfs.CrashCloneCfg{})
}

// PowerCycleTorn is PowerCycle where each block that was not synced has the
// given chance, in percent, to be there all the same.
func (d *Disk) PowerCycleTorn(percent int, rng *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fs = d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
}

// OpenStore opens a store on an engine for a test that expects no failure, and
// closes it when the test ends. Rows are checked to survive being stored.
func OpenStore(t testing.TB, eng statestore.Engine, o statestore.Options) *statestore.Store {
	t.Helper()
	if o.OnFatal == nil {
		o.OnFatal = func(err error) { t.Errorf("the engine failed: %v", err) }
	}
	o.Check = true
	s, err := statestore.Open(t.Context(), eng, o)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return s
}

// NewStore returns a store of its own for a test, in memory, with the tables
// and logs.
func NewStore(t testing.TB, tables []statestore.AnyTable, logs ...statestore.AnyLog) *statestore.Store {
	t.Helper()
	return OpenStore(t, NewDisk().MustOpen(t), statestore.Options{Tables: tables, Logs: logs})
}
