package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaries is the directory of the programs, built once for all tests.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "e2e-bin-")
	if err != nil {
		return "", err
	}
	for name, cgo := range map[string]string{"server/cmd/cloudlet": "0", "hypervisor/cmd/cloudlet-libvirt": "1"} {
		cmd := exec.Command("go", "build", "-o", dir+"/", "github.com/cloudlet/cloudlet/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
		if out, err := cmd.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return dir, nil
})

var built bool // binaries was called

func TestMain(m *testing.M) {
	code := m.Run()
	if built {
		dir, _ := binaries()
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func program(t *testing.T, name string) string {
	t.Helper()
	built = true
	dir, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// A process is a program of the cloud that can be ended and started again.
type process struct {
	name    string
	log     string                              // file that its runs append to
	command func(ctx context.Context) *exec.Cmd // of one run
	greets  string                              // what it says on its standard output when it is ready; "": nothing

	cmd  *exec.Cmd
	out  *greeting
	done chan struct{} // closed when the run has ended
}

// greeting takes what a program writes, and tells when a line of it begins with want.
type greeting struct {
	want string

	mu   sync.Mutex
	buf  bytes.Buffer
	seen chan string // capacity 1: the rest of that line
	told bool
}

func (g *greeting) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buf.Write(b)
	for line := range strings.Lines(g.buf.String()) {
		if rest, ok := strings.CutPrefix(line, g.want); ok && strings.HasSuffix(line, "\n") && !g.told {
			g.told = true
			g.seen <- strings.TrimSpace(rest)
		}
	}
	return len(b), nil
}

// start starts a run and returns what the program greets with.
func (p *process) start(t *testing.T) string {
	t.Helper()
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = p.command(context.Background())
	p.out = &greeting{want: p.greets, seen: make(chan string, 1)}
	p.cmd.Stderr, p.cmd.Stdout = log, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for the test
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	p.done = done
	go func(cmd *exec.Cmd) {
		defer close(done)
		_ = cmd.Wait()
	}(p.cmd)
	if p.greets == "" {
		return ""
	}
	select {
	case rest := <-p.out.seen:
		return rest
	case <-done:
		t.Fatalf("%s ended before it was ready", p.name)
	case <-time.After(patience):
		t.Fatalf("%s is not ready", p.name)
	}
	return ""
}

// running reports whether the run has not ended.
func (p *process) running() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends the run a signal, if it has not ended, and waits until it has. One
// that does not obey is killed, and reported.
func (p *process) signal(s syscall.Signal) error {
	if !p.running() {
		return nil
	}
	_ = p.cmd.Process.Signal(s)
	select {
	case <-p.done:
		return nil
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s does not end on %s", p.name, s)
	}
}

func (p *process) kill(t *testing.T) { p.end(t, syscall.SIGKILL) }
func (p *process) stop(t *testing.T) { p.end(t, syscall.SIGTERM) }

func (p *process) end(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.signal(s); err != nil {
		t.Error(err)
	}
}

// children returns the processes that the run has started and that have not ended.
func (p *process) children() []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	for _, file := range tasks {
		b, _ := os.ReadFile(file)
		for f := range strings.FieldsSeq(string(b)) {
			var pid int
			if _, err := fmt.Sscan(f, &pid); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}
