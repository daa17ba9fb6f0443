package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	pdb "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cloudlet/cloudlet/statestore"
)

// revisionKey holds the revision of the last batch, 8 bytes big-endian.
var revisionKey = []byte("\x00revision")

// bornKey is set by the first batch of all and never again: where there are
// commits but it is not, the beginning is missing.
var bornKey = []byte("\x00born")

// Options adjust an engine. The zero value is right outside of tests.
type Options struct {
	FS       vfs.FS       // default: the machine's
	Log      *slog.Logger // errors of the engine's background work; default slog.Default
	ReadOnly bool         // to look at a backup without changing it
}

// Engine implements statestore.Engine on a directory.
type Engine struct {
	db   *pdb.DB
	dir  string
	fs   vfs.FS
	lock *pdb.Lock // nil if read-only
	lost chan struct{}
	born bool // bornKey is there; for Commit, which runs one at a time

	reading atomic.Int32 // calls that read: damage is their error

	mu     sync.RWMutex // held for reading while an iterator or a copy is open
	closed bool
	failed bool // Pebble's commit pipeline is stuck and cannot be closed
}

var _ statestore.Engine = (*Engine)(nil)

// Open opens the data directory, making it if need be (mode 0700). The error
// wraps statestore.ErrInUse if another process, or this one, has it open.
func Open(dir string, o Options) (*Engine, error) {
	if o.FS == nil {
		o.FS = vfs.Default
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("data directory %s: %w", dir, err)
		}
		dir = abs // the lock is known to this process by its path
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	e := &Engine{dir: dir, fs: o.FS, lost: make(chan struct{})}
	if !o.ReadOnly {
		if err := o.FS.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("data directory %s: %w", dir, err)
		}
		var err error
		if e.lock, err = lockDir(dir, o.FS); err != nil {
			return nil, err
		}
	}
	tables := hasTables(dir, o.FS)
	db, err := openDB(dir, o, e.lock, &e.reading)
	if err == nil {
		e.born = e.has(db, bornKey)
	}
	if err == nil && !e.born && (tables || e.has(db, revisionKey)) {
		err = errors.Join(errors.New("the files of a state are there, but the list of them (MANIFEST) is damaged; restore a backup"), db.Close())
	}
	if err != nil {
		if e.lock != nil {
			e.lock.Close()
		}
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	e.db = db
	return e, nil
}

// hasTables reports whether the directory holds tables: every one is of a
// database that has had a commit.
func hasTables(dir string, fs vfs.FS) bool {
	names, _ := fs.List(dir)
	return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".sst") })
}

// has reports whether there is a record with the key. Pebble takes what follows a
// damaged record of its MANIFEST for never written.
func (e *Engine) has(db *pdb.DB, key []byte) bool {
	e.reading.Add(1)
	defer e.reading.Add(-1)
	_, closer, err := db.Get(key)
	if err == nil {
		closer.Close()
	}
	return !errors.Is(err, pdb.ErrNotFound)
}

func lockDir(dir string, fs vfs.FS) (*pdb.Lock, error) {
	lock, err := pdb.LockDirectory(dir, fs)
	if err == nil {
		return lock, nil
	}
	// A lock that is held is a bare errno; a file that may not be opened is a
	// PathError around one.
	if err == syscall.EAGAIN || err == syscall.EACCES || err.Error() == "lock held by current process" {
		err = statestore.ErrInUse
	}
	return nil, fmt.Errorf("data directory %s: %w", dir, err)
}

// openDB opens the database. While somebody is reading, who gets an error of
// what is damaged, Pebble need not end the process because of it.
func openDB(dir string, o Options, lock *pdb.Lock, reading *atomic.Int32) (*pdb.DB, error) {
	opts := &pdb.Options{
		FS:                          o.FS,
		Lock:                        lock,
		ReadOnly:                    o.ReadOnly,
		ErrorIfNotExists:            o.ReadOnly,
		CacheSize:                   8 << 20,
		MemTableSize:                4 << 20,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                128,
		MaxManifestFileSize:         4 << 20,
		FormatMajorVersion:          pdb.FormatNewest,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		Logger:                      logger{o.Log.With("engine", "pebble", "dir", dir)},
	}
	opts.EventListener = &pdb.EventListener{DataCorruption: func(i pdb.DataCorruptionInfo) {
		if reading.Load() == 0 {
			opts.Logger.Fatalf("%s", i)
		}
		opts.Logger.Errorf("%s", i)
	}}
	if o.ReadOnly {
		opts.FormatMajorVersion = pdb.FormatMinSupported
	}
	return pdb.Open(dir, opts)
}

// Lead returns at once: whoever holds the directory leads.
func (e *Engine) Lead(ctx context.Context) (<-chan struct{}, error) { return e.lost, ctx.Err() }

// Load implements statestore.Engine.
func (e *Engine) Load(ctx context.Context, prefix []byte, fn func(key, value []byte) error) (uint64, error) {
	from := prefix
	if len(from) == 0 {
		from = []byte{1}
	}
	for rec, err := range e.Range(ctx, from, statestore.PrefixEnd(prefix)) {
		if err != nil {
			return 0, fmt.Errorf("data directory %s: %w", e.dir, err)
		}
		if err := fn(rec.Key, rec.Value); err != nil {
			return 0, err
		}
	}
	return e.revision()
}

func (e *Engine) revision() (uint64, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return 0, statestore.ErrClosed
	}
	b, closer, err := e.db.Get(revisionKey)
	if errors.Is(err, pdb.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(b) != 8 {
		return 0, fmt.Errorf("data directory %s: the stored revision is damaged", e.dir)
	}
	return binary.BigEndian.Uint64(b), nil
}

// Commit implements statestore.Engine.
func (e *Engine) Commit(ctx context.Context, b statestore.Batch) (err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || e.failed {
		return statestore.ErrClosed
	}
	batch := e.db.NewBatch()
	defer batch.Close()
	for _, op := range b.Ops {
		if len(op.Key) == 0 || op.Key[0] == 0 {
			return fmt.Errorf("key %q is not for users of the engine", op.Key)
		}
		switch op.Kind {
		case statestore.OpSet:
			err = batch.Set(op.Key, op.Value, nil)
		case statestore.OpDelete:
			err = batch.Delete(op.Key, nil)
		case statestore.OpDeletePrefix:
			err = e.deletePrefix(batch, op.Key)
		default:
			err = fmt.Errorf("unknown op %d", op.Kind)
		}
		if err != nil {
			return err
		}
	}
	if !e.born {
		if err := batch.Set(bornKey, nil, nil); err != nil {
			return err
		}
	}
	if err := batch.Set(revisionKey, binary.BigEndian.AppendUint64(nil, b.Revision), nil); err != nil {
		return err
	}
	// Pebble reports a log it cannot write through Logger.Fatalf.
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fatal)
			if !ok {
				panic(r)
			}
			e.failed = true
			err = fmt.Errorf("data directory %s: %s", e.dir, string(f))
		}
	}()
	if err := batch.Commit(pdb.Sync); err != nil {
		return err
	}
	e.born = true
	return nil
}

func (e *Engine) deletePrefix(batch *pdb.Batch, prefix []byte) error {
	end := statestore.PrefixEnd(prefix)
	if end == nil {
		return fmt.Errorf("prefix %q has no end", prefix)
	}
	return batch.DeleteRange(prefix, end, nil)
}

// Range implements statestore.Engine.
func (e *Engine) Range(ctx context.Context, from, to []byte) iter.Seq2[statestore.Record, error] {
	return func(yield func(statestore.Record, error) bool) {
		e.mu.RLock()
		defer e.mu.RUnlock()
		if e.closed {
			yield(statestore.Record{}, statestore.ErrClosed)
			return
		}
		e.reading.Add(1)
		defer e.reading.Add(-1)
		it, err := e.db.NewIterWithContext(ctx, &pdb.IterOptions{LowerBound: bytes.Clone(from), UpperBound: bytes.Clone(to)})
		if err != nil {
			yield(statestore.Record{}, err)
			return
		}
		defer it.Close()
		n := 0
		for ok := it.First(); ok; ok = it.Next() {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				yield(statestore.Record{}, ctx.Err())
				return
			}
			value, err := it.ValueAndErr()
			if err != nil {
				yield(statestore.Record{}, err)
				return
			}
			if !yield(statestore.Record{Key: it.Key(), Value: value}, nil) {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(statestore.Record{}, err)
		}
	}
}

// Follow waits for ctx: nobody else can commit.
func (e *Engine) Follow(ctx context.Context, after uint64, fn func(statestore.Batch) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// Close implements statestore.Engine. It waits for iterators and copies.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var err error
	if !e.failed {
		err = e.db.Close()
	}
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	return err
}

// fatal is what logger.Fatalf panics with: Pebble does not expect it to return.
// In Commit it becomes an error; elsewhere it ends the process.
type fatal string

// logger passes Pebble's complaints on and drops its chatter.
type logger struct{ log *slog.Logger }

func (l logger) Infof(format string, args ...any) {}

func (l logger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

func (l logger) Fatalf(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	l.log.Error(msg)
	panic(fatal(msg))
}
