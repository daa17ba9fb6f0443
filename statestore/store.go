package statestore

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-memdb"
)

// Options say what a store holds and what it is handed from outside.
type Options struct {
	Tables []AnyTable
	Logs   []AnyLog

	Now   func() time.Time // the clock of Txn.Now; default time.Now
	NewID func() string    // the source of Txn.NewID; default random UUIDs

	// OnFatal is called once, from a goroutine of the store, when the engine can
	// no longer commit or leadership is lost. The default logs and ends the
	// process. If it returns, every later Write fails.
	OnFatal func(error)

	// Check makes every Write verify that its rows survive being stored: that
	// decoding and encoding them again gives the same. For tests; it triples the
	// cost of a write.
	Check bool
}

// Store holds the state. All methods are safe for concurrent use.
type Store struct {
	eng    Engine // nil in a fork
	opt    Options
	tables map[string]AnyTable
	logs   map[string]bool
	base   *Snapshot // of a fork, else nil

	published atomic.Pointer[Snapshot]      // the newest durable state
	applied   atomic.Uint64                 // revision of the newest state of db, durable or not
	changed   atomic.Pointer[chan struct{}] // closed and replaced when published changes

	mu       sync.Mutex // one transaction at a time; guards all below
	db       *memdb.MemDB
	batch    *batch // gathering
	inFlight *batch // being made durable
	warnings []string
	fatal    error // the engine failed
	closed   bool

	closing   chan struct{} // closed by Close and on failure: waiters go
	wake      chan struct{} // tells the committer that something gathers; capacity 1
	committer sync.WaitGroup
}

// Open loads everything from the engine, migrating older rows, and returns a
// store over it. It blocks until the engine leads. The engine belongs to the
// store from the call on, also if Open fails.
//
// Errors: *SchemaError for rows this program does not understand, in
// particular newer ones; the engine's errors as they are.
func Open(ctx context.Context, eng Engine, o Options) (*Store, error) {
	s, err := open(ctx, eng, o)
	if err != nil {
		eng.Close()
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, eng Engine, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	if o.OnFatal == nil {
		o.OnFatal = func(err error) {
			slog.Error("the state store can no longer keep what it is told; stopping", "error", err)
			os.Exit(1)
		}
	}
	s := &Store{eng: eng, opt: o, tables: map[string]AnyTable{}, logs: map[string]bool{},
		closing: make(chan struct{}), wake: make(chan struct{}, 1)}
	schema := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{}}
	for _, t := range o.Tables {
		if s.tables[t.Name()] != nil {
			return nil, fmt.Errorf("statestore: two tables are called %q", t.Name())
		}
		s.tables[t.Name()] = t
		schema.Tables[t.Name()] = t.memdbSchema()
	}
	for _, l := range o.Logs {
		if s.logs[l.Name()] {
			return nil, fmt.Errorf("statestore: two logs are called %q", l.Name())
		}
		s.logs[l.Name()] = true
	}
	var err error
	if s.db, err = memdb.NewMemDB(schema); err != nil {
		return nil, fmt.Errorf("statestore: %w", err)
	}
	lost, err := eng.Lead(ctx)
	if err != nil {
		return nil, err
	}
	revision, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.applied.Store(revision)
	s.publish(s.snapshotOf(s.db.Snapshot(), revision))
	s.committer.Go(func() { s.commitLoop(lost) })
	return s, nil
}

// Snapshot returns the newest durable state. It costs next to nothing.
func (s *Store) Snapshot() *Snapshot { return s.published.Load() }

func (s *Store) snapshotOf(db *memdb.MemDB, revision uint64) *Snapshot {
	return &Snapshot{view{store: s, db: db, txn: db.Txn(false), revision: revision}}
}

// publish makes a state the one that readers see, and wakes who waits for it.
func (s *Store) publish(snap *Snapshot) {
	next := make(chan struct{})
	s.published.Store(snap)
	if prev := s.changed.Swap(&next); prev != nil {
		close(*prev)
	}
}

// Close lets running writes finish, then closes the engine. Writes that come
// later fail with ErrClosed; snapshots taken before stay readable, logs do not.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.committer.Wait()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	if s.base != nil {
		close(s.closing)
		return nil
	}
	s.poke()
	s.committer.Wait()
	return s.eng.Close()
}

// newID returns a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
