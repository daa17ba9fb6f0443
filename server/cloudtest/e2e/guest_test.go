package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"golang.org/x/crypto/ssh"

	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// A guest is one that lets us in by SSH: from outside, or from another guest.
type guest struct {
	w       *world
	c       cloudtest.Clients
	id      string
	address string // where SSH is answered
	via     *guest // who reaches it; nil: who is outside

	client *ssh.Client
}

// connect logs in, unless that is done.
func (g *guest) connect(ctx context.Context) (*ssh.Client, error) {
	if g.client != nil {
		return g.client, nil
	}
	conn, err := g.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c, chans, reqs, err := ssh.NewClientConn(conn, g.address, &ssh.ClientConfig{User: "root",
		Auth: []ssh.AuthMethod{ssh.PublicKeys(g.w.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}) // made when the guest booted
	if err != nil {
		conn.Close()
		return nil, err
	}
	g.client = ssh.NewClient(c, chans, reqs)
	return g.client, nil
}

func (g *guest) dial(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(g.address, "22")
	if g.via == nil {
		return g.w.bed.Dial(ctx, "tcp", address)
	}
	via, err := g.via.connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := via.DialContext(ctx, "tcp", address)
	if err != nil && ctx.Err() != nil {
		g.via.drop() // it may be the way that is broken
	}
	return conn, err
}

func (g *guest) drop() {
	if g.client != nil {
		g.client.Close()
		g.client = nil
	}
}

// try runs a command in the guest, once. What it printed comes back also if it fails.
func (g *guest) try(command string) (string, error) {
	ctx, cancel := context.WithTimeout(g.w.ctx, 15*time.Second)
	defer cancel()
	client, err := g.connect(ctx)
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { client.Close() })()
	s, err := client.NewSession()
	if err != nil {
		g.drop()
		return "", err
	}
	defer s.Close()
	out, err := s.Output(command)
	if _, exited := errors.AsType[*ssh.ExitError](err); err != nil && !exited {
		g.drop()
	}
	return strings.TrimSpace(string(out)), err
}

// run runs a command in the guest, which may be booting still.
func (g *guest) run(command string) string {
	g.w.t.Helper()
	out := ""
	g.w.until("command in "+g.address+": "+command, patience, func() (err error) {
		if out, err = g.try(command); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return out
}

// boot is a name of the guest's present boot.
func (g *guest) boot() string { return g.run("cat /proc/sys/kernel/random/boot_id") }

// bootsAnew waits until the guest has booted since it had the name.
func (g *guest) bootsAnew(old string) {
	g.w.t.Helper()
	g.w.until("a new boot of "+g.address, patience, func() error {
		now, err := g.try("cat /proc/sys/kernel/random/boot_id && test -s /www/index.html")
		if err == nil && now == old {
			g.drop()
			return errors.New("it has not booted since")
		}
		return err
	})
}

// fetch has the guest get a page, once; "none" if nobody answers.
func (g *guest) fetch(host string, port int) string {
	g.w.t.Helper()
	return g.run(fmt.Sprintf("timeout 2 wget -q -O - http://%s:%d/ || echo none", host, port))
}

// fromOutside gets a page of the guest as who is outside does, once.
func (g *guest) fromOutside(port int) (string, error) {
	c := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DialContext: g.w.bed.Dial, DisableKeepAlives: true}}
	resp, err := c.Get(fmt.Sprintf("http://%s:%d/", g.address, port))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(b)), err
}

func (g *guest) console() (string, error) {
	return servers.ShowConsoleOutput(g.w.ctx, g.c.Compute, g.id, servers.ShowConsoleOutputOpts{}).Extract()
}

// says waits until the console shows the words, and returns the last line that has
// them, from there on: a prompt may come before.
func (g *guest) says(words string) string {
	g.w.t.Helper()
	line := ""
	g.w.until("console of "+g.id+" says "+words, patience, func() error {
		text, err := g.console()
		if err != nil {
			return err
		}
		for l := range strings.Lines(text) {
			if at := strings.Index(l, words); at >= 0 {
				line = strings.TrimSpace(l[at:])
			}
		}
		if line == "" {
			return errors.New("it says other things:\n" + tail([]byte(text), 2000))
		}
		return nil
	})
	return line
}
