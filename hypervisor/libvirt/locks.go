package libvirt

import (
	"context"
	"sync"
)

// locks has calls for one guest run one after another.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	free    chan struct{} // holds one token while nobody has the lock
	waiting int           // that have it or want it
}

func (l *locks) get(id string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[id]
	if k == nil {
		k = &lock{free: make(chan struct{}, 1)}
		k.free <- struct{}{}
		l.held[id] = k
	}
	k.waiting++
	return k
}

func (l *locks) put(id string, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.waiting--; k.waiting == 0 {
		delete(l.held, id)
	}
}

// lock waits for the guest's lock until ctx ends.
func (l *locks) lock(ctx context.Context, id string) (unlock func(), err error) {
	k := l.get(id)
	select {
	case <-k.free:
		return func() { k.free <- struct{}{}; l.put(id, k) }, nil
	case <-ctx.Done():
		l.put(id, k)
		return nil, ctx.Err()
	}
}

// tryLock takes the lock only if nobody has it.
func (l *locks) tryLock(id string) (unlock func(), ok bool) {
	k := l.get(id)
	select {
	case <-k.free:
		return func() { k.free <- struct{}{}; l.put(id, k) }, true
	default:
		l.put(id, k)
		return nil, false
	}
}
