package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// keeper keeps the last desired state on disk, a file per instance and network,
// and guests' own directories:
//
//	DIR/desired/instances/ID   DIR/desired/networks/ID   DIR/instances/ID/
//
// Files are replaced whole. The state is written behind: what is lost in a power
// cut the server tells again. A keeper without a directory keeps nothing.
type keeper struct {
	dir string
	log *slog.Logger

	writing sync.Mutex // files of the desired state are being written
	mu      sync.Mutex
	waiting map[string]proto.Message // path → what is to be there; nil: nothing
	ready   chan struct{}            // capacity 1
}

const (
	keptInstances = "desired/instances"
	keptNetworks  = "desired/networks"
	guestDirs     = "instances"
	unfinished    = ".new-" // begins the name of a file that is being written
)

func openKeeper(dir string, log *slog.Logger) (*keeper, error) {
	k := &keeper{dir: dir, log: log, waiting: map[string]proto.Message{}, ready: make(chan struct{}, 1)}
	if dir == "" {
		return k, nil
	}
	for _, d := range []string{keptInstances, keptNetworks} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("agent's directory: %w", err)
		}
	}
	return k, os.MkdirAll(filepath.Join(dir, guestDirs), 0o711)
}

// load returns what was desired last. A file that is not whole is as one that is not there.
func (k *keeper) load() (map[string]*hostapi.Instance, map[string]*hostapi.Network) {
	instances, networks := map[string]*hostapi.Instance{}, map[string]*hostapi.Network{}
	loadDir(k, keptInstances, func() *hostapi.Instance { return &hostapi.Instance{} }, instances)
	loadDir(k, keptNetworks, func() *hostapi.Network { return &hostapi.Network{} }, networks)
	return instances, networks
}

func loadDir[M interface {
	proto.Message
	GetId() string
}](k *keeper, sub string, empty func() M, into map[string]M) {
	if k.dir == "" {
		return
	}
	entries, _ := os.ReadDir(filepath.Join(k.dir, sub))
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(k.dir, sub, e.Name()))
		m := empty()
		if strings.HasPrefix(e.Name(), unfinished) {
			continue
		}
		if err != nil || proto.Unmarshal(b, m) != nil || m.GetId() != e.Name() {
			k.log.Warn("kept desired state is not readable; the server will tell it", "file", e.Name())
			continue
		}
		into[m.GetId()] = m
	}
}

// put has a change of the desired state kept.
func (k *keeper) put(d *hostapi.Desired) {
	if k.dir == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, i := range d.Instances {
		k.waiting[filepath.Join(keptInstances, i.Id)] = i
	}
	for _, n := range d.Networks {
		k.waiting[filepath.Join(keptNetworks, n.Id)] = n
	}
	for _, id := range d.RemovedInstances {
		k.waiting[filepath.Join(keptInstances, id)] = nil
	}
	for _, id := range d.RemovedNetworks {
		k.waiting[filepath.Join(keptNetworks, id)] = nil
	}
	select {
	case k.ready <- struct{}{}:
	default:
	}
}

// run writes behind until ctx ends, and then what is left.
func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case <-k.ready:
			k.flush()
		case <-ctx.Done():
			k.flush()
			return
		}
	}
}

func (k *keeper) flush() {
	k.writing.Lock()
	defer k.writing.Unlock()
	k.mu.Lock()
	batch := k.waiting
	k.waiting = map[string]proto.Message{}
	k.mu.Unlock()
	for path, m := range batch {
		path = filepath.Join(k.dir, path)
		var err error
		if m == nil {
			if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		} else {
			var b []byte
			if b, err = proto.Marshal(m); err == nil {
				err = writeFile(path, b)
			}
		}
		if err != nil {
			k.log.Error("desired state could not be kept", "error", err)
		}
	}
}

// writeFile replaces a file in one step, mode 0600.
func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// guestDir is where a guest's files are.
func (k *keeper) guestDir(id string) string {
	return filepath.Join(k.dir, guestDirs, filepath.Base(id))
}

// removeGuest removes a guest's files.
func (k *keeper) removeGuest(id string) error {
	if k.dir == "" || id == "" {
		return nil
	}
	return os.RemoveAll(k.guestDir(id))
}

// sweepGuests removes the directories of guests that are not wanted.
func (k *keeper) sweepGuests(wanted map[string]bool) {
	if k.dir == "" {
		return
	}
	entries, _ := os.ReadDir(filepath.Join(k.dir, guestDirs))
	for _, e := range entries {
		if !wanted[e.Name()] {
			if err := os.RemoveAll(filepath.Join(k.dir, guestDirs, e.Name())); err != nil {
				k.log.Warn("files of a guest that is gone could not be removed", "instance", e.Name(), "error", err)
			}
		}
	}
}

// sweepDesired removes kept state of what is not desired: files that could not be
// read, and what writes that were cut short left.
func (k *keeper) sweepDesired(instances, networks map[string]bool) {
	if k.dir == "" {
		return
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	for sub, wanted := range map[string]map[string]bool{keptInstances: instances, keptNetworks: networks} {
		entries, _ := os.ReadDir(filepath.Join(k.dir, sub))
		for _, e := range entries {
			if !wanted[e.Name()] {
				os.Remove(filepath.Join(k.dir, sub, e.Name()))
			}
		}
	}
}
