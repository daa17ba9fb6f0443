package hosts

import (
	"bytes"
	"context"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

var _ compute.ConsoleReader = (*Server)(nil)

const (
	consoleWait = 10 * time.Second // for one exchange with a host
	maxConsole  = 1 << 20          // bytes of a console's end that are read
)

// ConsoleOutput implements compute.ConsoleReader.
func (s *Server) ConsoleOutput(ctx context.Context, hostID, instanceID string, lines int) ([]byte, error) {
	n := s.session(hostID)
	if n == nil {
		return nil, cloud.Errorf(cloud.Unavailable, "instance", "The console of instance %s cannot be read: its host does not answer.", instanceID)
	}
	reply := make(chan *hostapi.ConsoleReply, 1)
	n.mu.Lock()
	n.lastCall++
	id := n.lastCall
	n.calls[id] = reply
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.calls, id)
		n.mu.Unlock()
	}()
	request := &hostapi.ConsoleRequest{Id: id, InstanceId: instanceID, MaxBytes: maxConsole}
	silent := cloud.Errorf(cloud.Unavailable, "instance", "The host of instance %s did not answer for its console; try again.", instanceID)
	if err := n.send(&hostapi.ToHost{Message: &hostapi.ToHost_Console{Console: request}}); err != nil {
		return nil, silent.Because(err)
	}
	select {
	case r := <-reply:
		switch {
		case r.NotFound:
			return nil, cloud.Errorf(cloud.NotFound, "instance", "Instance %s has no console log yet.", instanceID)
		case r.Fault != "":
			return nil, cloud.Errorf(cloud.Unavailable, "instance", "The console of instance %s cannot be read: %s", instanceID, r.Fault)
		}
		return lastLines(r.Data, lines), nil
	case <-s.Clock.After(consoleWait):
	case <-n.ctx.Done():
	case <-ctx.Done():
	}
	return nil, silent
}

func (n *session) answer(r *hostapi.ConsoleReply) {
	n.mu.Lock()
	reply := n.calls[r.Id]
	n.mu.Unlock()
	if reply != nil {
		select {
		case reply <- r:
		default: // a second answer to one question
		}
	}
}

// lastLines returns the end of b that has n lines; all of it if n < 0.
func lastLines(b []byte, n int) []byte {
	if n < 0 {
		return b
	}
	end := len(b)
	if end > 0 && b[end-1] == '\n' {
		end--
	}
	at := end
	for range n {
		i := bytes.LastIndexByte(b[:at], '\n')
		if i < 0 {
			return b
		}
		at = i
	}
	if n == 0 {
		return nil
	}
	return b[at+1:]
}
