package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the binary under test.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cloudlet-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "cloudlet")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	status := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
	} else {
		status = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(status)
}

// patience bounds every wait: only a failing test gets there.
const patience = 30 * time.Second

// output collects what a process writes, and wakes who waits for some of it.
type output struct {
	mu      sync.Mutex
	b       bytes.Buffer
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Len()
}

// process is a running cloudlet.
type process struct {
	t        *testing.T
	args     []string
	cmd      *exec.Cmd
	out, log *output
	exited   chan struct{}
	err      error // of Wait, once exited
}

// launch starts a cloudlet with variables added to a bare environment. What still
// runs at the end of the test is killed.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, args: args, cmd: exec.Command(program, args...), out: newOutput(), log: newOutput(), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("cloudlet %s\nout: %s\nlog: %s", strings.Join(args, " "), p.out, p.log)
		}
	})
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// await waits until the pattern is found in o after the first from bytes, and returns
// its groups. A process that ends before is a failure.
func (p *process) await(o *output, from int, pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		o.mu.Lock()
		text, changed := o.b.String(), o.changed
		o.mu.Unlock()
		if m := re.FindStringSubmatch(text[min(from, len(text)):]); m != nil {
			return m
		}
		select {
		case <-changed:
		case <-p.exited:
			if m := re.FindStringSubmatch(o.String()[min(from, o.Len()):]); m != nil {
				return m
			}
			p.t.Fatalf("cloudlet %s ended (%v) before it said %q\n%s%s", p.args[0], p.err, pattern, p.out, p.log)
		case <-deadline:
			p.t.Fatalf("cloudlet %s did not say %q\n%s%s", p.args[0], pattern, p.out, p.log)
		}
	}
}

// base waits until the server is ready and returns where its APIs are.
func (p *process) base() string {
	p.t.Helper()
	return p.await(p.out, 0, `cloudlet is ready at (\S+)\n`)[1]
}

// status waits for the end of the process and returns its exit status.
func (p *process) status() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("cloudlet %s does not end\n%s%s", p.args[0], p.out, p.log)
	}
	var exit *exec.ExitError
	if p.err == nil {
		return 0
	} else if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	p.t.Fatal(p.err)
	return -1
}

// stop has the process stop cleanly and soon.
func (p *process) stop() {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if got := p.status(); got != 0 {
		p.t.Errorf("cloudlet %s: status %d after SIGTERM\n%s", p.args[0], got, p.log)
	}
	if d := time.Since(began); d > 3*time.Second { // a loaded machine is slow; the limit of a hanging stop is 5 s and more
		p.t.Errorf("cloudlet %s took %s to stop", p.args[0], d)
	}
}

// dev starts a cloud of one process with the directory and waits until it is ready.
func dev(t *testing.T, dir string, args ...string) (p *process, base string) {
	t.Helper()
	p = launch(t, []string{"CLOUDLET_ADMIN_PASSWORD=" + password},
		append([]string{"dev", "-driver", "sim", "-data-dir", dir, "-listen", "127.0.0.1:0"}, args...)...)
	return p, p.base()
}

// once runs a command to its end.
func once(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	p := launch(t, nil, args...)
	return p.status(), p.out.String(), p.log.String()
}

// call runs a command in this process.
func call(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what would run, ends at once
	status = run(ctx, args, &o, &e)
	return status, o.String(), e.String()
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in:\n%s", p, text)
		}
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		out    string
		errOut string
	}{
		{"", 2, "", "Usage: cloudlet COMMAND"},
		{"help", 0, "restore", ""},
		{"--help", 0, "Usage: cloudlet COMMAND", ""},
		{"version", 0, "cloudlet ", ""},
		{"sever", 2, "", `there is no command "sever"; did you mean "server"?`},
		{"frobnicate", 2, "", `there is no command "frobnicate"; 'cloudlet help' lists them`},
		{"dev -h", 0, "", "-admin-password"},
		{"agent --help", 0, "", "-join-token-file"},
		{"dev -dirver sim", 2, "", "flag provided but not defined: -dirver; did you mean -driver?"},
		{"dev -driver xen", 2, "", `invalid value "xen" for flag -driver: must be one of sim, libvirt`},
		{"dev sim", 2, "", `unexpected argument "sim"`},
		{"token -valid 10ms", 2, "", "-valid 10ms: must be at least 1s"},
		{"token -valid soon", 2, "", `invalid value "soon" for flag -valid`},
		{"backup", 2, "", "-to is needed"},
		{"restore", 2, "", "-from is needed"},
		{"agent -driver sim", 2, "", "-server is needed"},
		{"agent -driver sim -server nowhere", 2, "", `"nowhere" must be host:port, or the path of a server's agent.sock`},
		{"agent -driver libvirt -server h:1 -driver-plugin /nonexistent/plugin", 2, "", "-driver-plugin"},
		{"agent -driver sim -server h:1 -join-token a -join-token-file b", 2, "", "give one of them"},
		{"agent -driver sim -server h:1 -data-dir /nonexistent/d -join-token-file /nonexistent/f", 2, "", "-join-token-file: open /nonexistent/f"},
		{"dev -listen 5000", 2, "", "must be host:port"},
		{"dev -listen 0.0.0.0:0", 2, "", "beyond loopback"},
		{"dev -listen :0", 2, "", "beyond loopback"},
		{"server -listen [2001:db8::1]:0", 2, "", "give -tls-cert and -tls-key"},
		{"server -agent-listen 5001", 2, "", `-agent-listen "5001": must be host:port`},
		{"dev -tls-cert x", 2, "", "belong together"},
		{"dev -tls-cert /nonexistent/x -tls-key /nonexistent/y", 2, "", "-tls-cert, -tls-key: open /nonexistent/x"},
		{"dev -ca-cert /nonexistent/x", 2, "", "-ca-cert: "},
		{"dev -data-dir=", 2, "", "-data-dir is empty"},
		{"dev -sim-hosts 0", 2, "", "-sim-hosts must be at least 1"},
		{"dev -host-name a/b", 2, "", "must be a name without spaces"},
		{"dev -physnet public", 2, "", `"public" must be of the form name:value`},
		{"dev -tunnel-address here", 2, "", "not an IP address"},
	} {
		t.Run(c.args, func(t *testing.T) {
			status, out, errOut := call(t, strings.Fields(c.args)...)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			mustContain(t, out, c.out)
			mustContain(t, errOut, c.errOut)
		})
	}
}
