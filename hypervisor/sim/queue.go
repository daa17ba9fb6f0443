package sim

import "context"

// queue lets one guest's calls in one after another. It exists while there are
// such calls.
type queue struct {
	turn  chan struct{} // holds a token while nobody is in
	users int
}

// enter waits for the guest's turn; the caller gives it back by leave.
func (d *Driver) enter(ctx context.Context, id string) (leave func(), err error) {
	d.mu.Lock()
	q := d.queues[id]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		q.turn <- struct{}{}
		if d.queues == nil {
			d.queues = map[string]*queue{}
		}
		d.queues[id] = q
	}
	q.users++
	d.mu.Unlock()

	select {
	case <-q.turn:
		return func() {
			q.turn <- struct{}{}
			d.drop(id, q)
		}, nil
	case <-ctx.Done():
		d.drop(id, q)
		return nil, ctx.Err()
	}
}

func (d *Driver) drop(id string, q *queue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(d.queues, id)
	}
}
