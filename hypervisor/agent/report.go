package agent

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// outbox gathers what is to be reported: the newest of each thing, once.
type outbox struct {
	mu        sync.Mutex
	instances map[string]reports[*hostapi.ObservedInstance] // not sent yet
	ports     map[string]reports[*hostapi.ObservedPort]
	sentI     map[string]reports[*hostapi.ObservedInstance] // over the stream that is open
	sentP     map[string]reports[*hostapi.ObservedPort]
	last      reports[*hostapi.ObservedInstance] // of instances that are forgotten since
	ready     chan struct{}                      // capacity 1: there is something to send
}

// reports are what is to be said of one thing, in order.
type reports[M proto.Message] []M

func newOutbox() *outbox {
	return &outbox{instances: map[string]reports[*hostapi.ObservedInstance]{}, ports: map[string]reports[*hostapi.ObservedPort]{},
		sentI: map[string]reports[*hostapi.ObservedInstance]{}, sentP: map[string]reports[*hostapi.ObservedPort]{}, ready: make(chan struct{}, 1)}
}

// instance has what was seen of an instance said, in place of what waits to be.
func (b *outbox) instance(o ...*hostapi.ObservedInstance) { put(b, b.instances, b.sentI, o[0].Id, o) }

func (b *outbox) port(o *hostapi.ObservedPort) {
	put(b, b.ports, b.sentP, o.Id, reports[*hostapi.ObservedPort]{o})
}

func put[M proto.Message](b *outbox, waiting, sent map[string]reports[M], id string, m reports[M]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := sent[id]; ok && slices.EqualFunc(old, m, func(a, b M) bool { return proto.Equal(a, b) }) {
		delete(waiting, id) // what was to be sent meanwhile is no longer so
		return
	}
	waiting[id] = m
	b.poke()
}

// poke wakes the sender. b.mu is held.
func (b *outbox) poke() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// forget drops what was said of an instance that the server no longer knows, once
// it is told that it is gone.
func (b *outbox) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = append(b.last, b.instances[id]...)
	delete(b.instances, id)
	delete(b.sentI, id)
}

func (b *outbox) forgetPort(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ports, id)
	delete(b.sentP, id)
}

// take returns what is to be sent and counts it as sent; nil if there is nothing.
func (b *outbox) take() *hostapi.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.instances)+len(b.ports)+len(b.last) == 0 {
		return nil
	}
	r := &hostapi.Report{Instances: b.last}
	b.last = nil
	for id, o := range b.instances {
		r.Instances = append(r.Instances, o...)
		b.sentI[id] = o
	}
	for id, o := range b.ports {
		r.Ports = append(r.Ports, o...)
		b.sentP[id] = o
	}
	clear(b.instances)
	clear(b.ports)
	return r
}

// restart has everything said again: a new stream may be to a server that did
// not keep what the last one was told.
func (b *outbox) restart() {
	b.mu.Lock()
	defer b.mu.Unlock()
	again(b.instances, b.sentI)
	again(b.ports, b.sentP)
	b.poke()
}

func again[M any](waiting, sent map[string]M) {
	for id, m := range sent {
		if _, newer := waiting[id]; !newer {
			waiting[id] = m
		}
	}
	clear(sent)
}
