package testbed

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects from outside of the hosts, as 172.24.4.1 on the public network.
// The address must be an IP address and a port. The connection stays outside,
// whoever uses it.
func (t *Testbed) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	space, err := os.Open(t.outside())
	if err != nil {
		return nil, err
	}
	defer space.Close()
	type outcome struct {
		conn net.Conn
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		// Never unlocked: the thread, which is elsewhere now, ends with the goroutine.
		runtime.LockOSThread()
		if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- outcome{nil, fmt.Errorf("go outside: %w", err)}
			return
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		done <- outcome{conn, err}
	}()
	o := <-done
	return o.conn, o.err
}
