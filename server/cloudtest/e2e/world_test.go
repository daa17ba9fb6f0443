package e2e_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudlet/cloudlet/hypervisor/testbed"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const (
	password = "e2e-secret"
	// patience is how long anything may take on a busy machine without KVM.
	patience = 90 * time.Second
)

// A world is a cloud of real processes: a server, and an agent in each host of a
// testbed.
type world struct {
	t      *testing.T
	ctx    context.Context
	bed    *testbed.Testbed
	dir    string
	server *process
	agents []*process // in the order of bed.Hosts

	admin, demo cloudtest.Clients
	signer      ssh.Signer // the key that guests let in
	bare        []string   // what was in each host before there were guests
}

// newWorld starts a cloud with so many hosts. All of it ends with the test.
func newWorld(t *testing.T, hosts int) *world {
	t.Helper()
	testbed.Require(t)
	dir, err := os.MkdirTemp("", "e2e-") // short: the agents' socket is in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the testbed, whose guests have files in it
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, dir: dir, bed: testbed.Start(t, testbed.Options{Hosts: hosts})}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	w.ctx = ctx
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(w.path("tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.processes()
	t.Cleanup(w.end)
	w.startServer()
	for _, a := range w.agents {
		a.start(t)
	}
	w.hostsAre("up", hosts)
	for _, h := range w.bed.Hosts {
		w.bare = append(w.bare, w.inventory(h))
	}
	return w
}

// part runs a part of a test, which ends it all if it fails.
func (w *world) part(name string, do func()) {
	whole := w.t
	defer func() { w.t = whole }()
	if !whole.Run(name, func(t *testing.T) { w.t = t; do() }) {
		whole.FailNow()
	}
}

func (w *world) path(elem ...string) string {
	return filepath.Join(append([]string{w.dir}, elem...)...)
}

// hostDir is where a host's agent keeps what is the host's.
func (w *world) hostDir(h *testbed.Host) string { return w.path(h.Name, "host") }

// processes says what the cloud's processes are.
func (w *world) processes() {
	cloudlet := program(w.t, "cloudlet")
	env := append(os.Environ(), "TMPDIR="+w.path("tmp"))
	w.server = &process{name: "server", log: w.path("server.log"), greets: "cloudlet is ready at ", command: func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, cloudlet, "server", "-listen", "127.0.0.1:0", "-data-dir", w.path("server"))
		cmd.Env = append(env, "CLOUDLET_ADMIN_PASSWORD="+password)
		return cmd
	}}
	for _, h := range w.bed.Hosts {
		w.agents = append(w.agents, &process{name: "agent of " + h.Name, log: w.path(h.Name + ".log"), command: func(ctx context.Context) *exec.Cmd {
			cmd := h.Command(ctx, cloudlet, "agent", "-driver", "libvirt", "-server", w.path("server", "agent.sock"), "-data-dir", w.path(h.Name),
				"-tunnel-address", h.Addr.String(), "-physnet", "public:"+testbed.PublicBridge)
			cmd.Env = env
			return cmd
		}})
	}
}

// startServer starts the server and connects anew: it may be elsewhere now.
func (w *world) startServer() {
	w.t.Helper()
	authURL := w.server.start(w.t) + "/identity/v3"
	for user, to := range map[string]*cloudtest.Clients{"admin": &w.admin, "demo": &w.demo} {
		var err error
		if *to, err = cloudtest.Connect(w.ctx, authURL, user, password); err != nil {
			w.t.Fatalf("user %s: %v", user, err)
		}
	}
}

// hostsAre waits until so many hosts are up, or down, as the API has it.
func (w *world) hostsAre(state string, n int) {
	w.t.Helper()
	err := await(w.ctx, w.admin.Compute, w.admin.Compute.ServiceURL("os-services")+"?binary=nova-compute", func(a answer) (bool, error) {
		var body struct{ Services []struct{ State string } }
		if err := a.decode(&body); err != nil {
			return false, err
		}
		have := 0
		for _, s := range body.Services {
			if s.State == state {
				have++
			}
		}
		return have == n, nil
	})
	if err != nil {
		w.t.Fatalf("%d hosts are not %s: %v", n, state, err)
	}
}

// end ends the cloud's processes; guests end with the testbed.
func (w *world) end() {
	if w.t.Failed() {
		w.showLogs()
	}
	for _, p := range append([]*process{w.server}, w.agents...) {
		p.stop(w.t)
	}
}

func (w *world) showLogs() {
	files, _ := filepath.Glob(w.path("*.log"))
	consoles, _ := filepath.Glob(w.path("host*", "host", "instances", "*", "console.log"))
	for _, file := range append(files, consoles...) {
		b, _ := os.ReadFile(file)
		w.t.Logf("end of %s:\n%s", strings.TrimPrefix(file, w.dir+"/"), tail(b, 5000))
	}
}

func tail(b []byte, n int) string { return strings.ToValidUTF8(string(b[max(0, len(b)-n):]), "?") }

// until looks again and again at what is outside of the cloud's state, until it is so.
func (w *world) until(what string, limit time.Duration, ok func() error) {
	w.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: did not come in %s: %v", what, limit, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// inventory is what there is of guests and networks in a host, as text.
func (w *world) inventory(h *testbed.Host) string {
	var b strings.Builder
	for _, cmd := range []string{
		"virsh list --all --name", "ip netns list", "ip -o link | cut -d: -f2 | cut -d@ -f1 | sort", "nft list ruleset",
		// The image cache is kept a while.
		"cd " + w.hostDir(h) + " && find . -path ./images -prune -o -print | sort",
	} {
		out, err := h.Command(w.ctx, "sh", "-c", cmd).CombinedOutput()
		fmt.Fprintf(&b, "%s:\n%s\n", cmd, out)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
		}
	}
	return b.String() + "qemu: " + strings.Join(w.emulators(), " ") + "\n"
}

// emulators returns the ids of this world's QEMU processes.
func (w *world) emulators() []string {
	var pids []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		b, _ := os.ReadFile(file)
		if s := string(b); strings.Contains(s, "qemu-system") && strings.Contains(s, w.dir+"/") {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// nothingLeft waits until every host is as it was before there were guests.
func (w *world) nothingLeft() {
	w.t.Helper()
	for n, h := range w.bed.Hosts {
		w.until("nothing is left on "+h.Name, 30*time.Second, func() error {
			if now := w.inventory(h); now != w.bare[n] {
				return fmt.Errorf("what there was:\n%s\nwhat there is:\n%s", w.bare[n], now)
			}
			return nil
		})
	}
	w.until("no temporary files are left but those in use", 10*time.Second, func() error {
		if left, _ := filepath.Glob(w.path("tmp", "*")); len(left) > len(w.agents) {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
}

// killPlugin kills the driver's program of an agent.
func (w *world) killPlugin(n int) error {
	children := w.agents[n].children()
	if len(children) == 0 {
		return errors.New("the agent has no plugin now")
	}
	for _, pid := range children {
		if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(b), "cloudlet-libvirt") {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return errors.New("the agent has no plugin now")
}
