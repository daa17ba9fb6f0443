package storetest

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/cloudlet/cloudlet/statestore"
)

// ErrCut is what a Crashy engine answers once it was cut off.
var ErrCut = errors.New("storetest: the engine was cut off")

// Side says on which side of becoming durable a commit is cut.
type Side int

// The sides.
const (
	BeforeDurable Side = iota // the commit is lost, and its writer told nothing
	AfterDurable              // the commit is kept, but its writer not told
)

func (s Side) String() string {
	if s == BeforeDurable {
		return "before"
	}
	return "after"
}

// Crashy is an engine that stops at a commit, as if the process had died there.
type Crashy struct {
	statestore.Engine
	at   int
	side Side
	down chan struct{}

	mu      sync.Mutex
	commits int
	isDown  bool
}

// NewCrashy wraps an engine. It is cut off at the at-th commit from now, the
// first being 1; never if at is 0 (it then only counts).
func NewCrashy(eng statestore.Engine, at int, side Side) *Crashy {
	return &Crashy{Engine: eng, at: at, side: side, down: make(chan struct{})}
}

// Commits returns how many commits were asked for.
func (c *Crashy) Commits() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commits
}

// Down is closed when the engine is cut off.
func (c *Crashy) Down() <-chan struct{} { return c.down }

// Cut cuts the engine off now.
func (c *Crashy) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut()
}

func (c *Crashy) cut() {
	if !c.isDown {
		c.isDown = true
		close(c.down)
	}
}

func (c *Crashy) dead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isDown
}

// Commit implements statestore.Engine.
func (c *Crashy) Commit(ctx context.Context, b statestore.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDown {
		return ErrCut
	}
	c.commits++
	if c.commits != c.at {
		return c.Engine.Commit(ctx, b)
	}
	defer c.cut()
	if c.side == AfterDurable {
		if err := c.Engine.Commit(ctx, b); err != nil {
			return err
		}
	}
	return ErrCut
}

// Load implements statestore.Engine.
func (c *Crashy) Load(ctx context.Context, prefix []byte, fn func(key, value []byte) error) (uint64, error) {
	if c.dead() {
		return 0, ErrCut
	}
	return c.Engine.Load(ctx, prefix, fn)
}

// Range implements statestore.Engine.
func (c *Crashy) Range(ctx context.Context, from, to []byte) iter.Seq2[statestore.Record, error] {
	if c.dead() {
		return func(yield func(statestore.Record, error) bool) { yield(statestore.Record{}, ErrCut) }
	}
	return c.Engine.Range(ctx, from, to)
}

// Checkpoint implements statestore.Engine.
func (c *Crashy) Checkpoint(ctx context.Context, dir string) error {
	if c.dead() {
		return ErrCut
	}
	return c.Engine.Checkpoint(ctx, dir)
}
