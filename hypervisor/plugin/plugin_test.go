package plugin_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin"
)

const patience = 20 * time.Second

func pid(t *testing.T, d hypervisor.Driver) int {
	t.Helper()
	n, err := strconv.Atoi(tell(t, d, "pid", ""))
	if err != nil || n == os.Getpid() {
		t.Fatalf("pid %d, %v", n, err)
	}
	return n
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// gone waits until a process has ended; one that nobody has reaped has.
func gone(t *testing.T, pid int) {
	t.Helper()
	until(t, fmt.Sprintf("process %d to end", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, after, _ := bytes.Cut(stat, []byte(") "))
		return err != nil || bytes.HasPrefix(after, []byte("Z"))
	})
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	for tick := time.NewTicker(5 * time.Millisecond); !so(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func opened(t *testing.T, o plugin.Options) hypervisor.Driver {
	t.Helper()
	d, err := plugin.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func guest(id string) hypervisor.Guest {
	return hypervisor.Guest{ID: id, VCPUs: 1, MemoryMiB: 64, Digest: "d"}
}

func ensured(t *testing.T, d hypervisor.Driver, id string) {
	t.Helper()
	if err := errors.Join(d.Ensure(t.Context(), guest(id)), d.Start(t.Context(), id)); err != nil {
		t.Fatal(err)
	}
}

func TestKilledProgramCostsOnlyTheCallsUnderWay(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	ensured(t, d, "a")
	flowing, ended := make(chan bool, 1), make(chan error, 1)
	go func() {
		ended <- d.Events(context.Background(), func(hypervisor.Event) { flowing <- true })
	}()
	<-flowing
	tell(t, d, "hang", "Stop")
	hung := make(chan error)
	go func() { hung <- d.Stop(context.Background(), "a", 0) }()
	first := pid(t, d)
	kill(t, first)
	for what, ch := range map[string]chan error{"stop": hung, "events": ended} {
		if err := <-ch; !errors.Is(err, hypervisor.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	all, err := d.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Power != hypervisor.Running {
		t.Errorf("list after the program was killed: %+v, %v", all, err)
	}
	if second := pid(t, d); second == first {
		t.Errorf("the program is still %d", second)
	}
}

func TestKillsAtAnyMomentAreSurvivedByTryingAgain(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	insist := func(what string, call func() error) {
		for {
			err := call()
			if err == nil {
				return
			}
			if !errors.Is(err, hypervisor.ErrUnavailable) {
				t.Errorf("%s: %v, want ErrUnavailable", what, err)
				return
			}
		}
	}
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for range 25 {
			var text []byte
			insist("pid", func() (err error) {
				text, err = d.Console(t.Context(), "!pid", 0)
				return err
			})
			if n, err := strconv.Atoi(string(text)); err == nil && n != os.Getpid() {
				_ = syscall.Kill(n, syscall.SIGKILL) // it may have died since
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range 4 {
		id := fmt.Sprint("g", i)
		wg.Go(func() {
			serial := uint64(0)
			for done := false; !done; {
				select {
				case <-killed:
					done = true
				default:
				}
				serial++
				insist("ensure", func() error { return d.Ensure(t.Context(), guest(id)) })
				insist("start", func() error { return d.Start(t.Context(), id) })
				insist("reset", func() error { return d.Reset(t.Context(), id, serial) })
				insist("stop", func() error { return d.Stop(t.Context(), id, 0) })
				insist("list", func() error {
					all, err := d.List(t.Context())
					if err == nil && !slices.ContainsFunc(all, func(g hypervisor.GuestState) bool {
						return g.ID == id && g.Power == hypervisor.Off && g.RebootSerial == serial
					}) {
						t.Errorf("after reset %d and stop: %+v", serial, all)
					}
					return err
				})
			}
			insist("destroy", func() error { return d.Destroy(t.Context(), id) })
		})
	}
	wg.Wait()
	if all, err := d.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}

func TestProgramThatPanicsIsStartedAnew(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	for range 3 {
		if _, err := d.Console(t.Context(), "!panic", 0); !errors.Is(err, hypervisor.ErrUnavailable) {
			t.Errorf("a call that kills the program: %v, want ErrUnavailable", err)
		}
		if _, err := d.List(t.Context()); err != nil {
			t.Errorf("the next call: %v", err)
		}
	}
}

func TestManyCallersMeetOneNewProgram(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	first := pid(t, d)
	kill(t, first)
	until(t, "the death to be noticed", func() bool {
		_, err := d.List(t.Context())
		return err == nil
	})
	second := pid(t, d)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			text, err := d.Console(t.Context(), "!pid", 0)
			if err != nil || string(text) != strconv.Itoa(second) {
				t.Errorf("asked %q, %v; want %d", text, err, second)
			}
		})
	}
	wg.Wait()
}

func TestErrorsKeepClassAndText(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	tell(t, d, "unsupported", "Fingerprint")
	_, unsupported := d.Fingerprint(t.Context())
	tell(t, d, "down", "List")
	_, down := d.List(t.Context())
	before := pid(t, d)
	for _, c := range []struct {
		err, class error
		text       string
	}{
		{d.Start(t.Context(), "none"), hypervisor.ErrNotFound, "guest none: no such guest"},
		{d.Ensure(t.Context(), hypervisor.Guest{ID: "x"}), hypervisor.ErrInvalid, "0 vCPUs"},
		{unsupported, hypervisor.ErrUnsupported, "no Fingerprint here"},
		{down, hypervisor.ErrUnavailable, "injected"},
	} {
		if !errors.Is(c.err, c.class) || !strings.Contains(c.err.Error(), c.text) || strings.Contains(c.err.Error(), "rpc error") {
			t.Errorf("error %v, want one that is %q and says %q", c.err, c.class, c.text)
		}
	}
	tell(t, d, "odd", "List")
	_, odd := d.List(t.Context())
	for _, class := range []error{hypervisor.ErrNotFound, hypervisor.ErrInvalid, hypervisor.ErrUnsupported, hypervisor.ErrUnavailable} {
		if odd == nil || errors.Is(odd, class) {
			t.Errorf("an error of no class came as %v", odd)
		}
	}
	if after := pid(t, d); after != before {
		t.Error("an error of the driver's own cost the program its life")
	}
}

func TestContextsCrossTheWire(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	ensured(t, d, "a")
	before := pid(t, d)
	for want, with := range map[error]func() (context.Context, context.CancelFunc){
		context.DeadlineExceeded: func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 30*time.Millisecond)
		},
		context.Canceled: func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(30*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		tell(t, d, "hang", "Stop")
		ctx, cancel := with()
		if err := d.Stop(ctx, "a", 0); !errors.Is(err, want) {
			t.Errorf("stop: %v, want %v", err, want)
		}
		cancel()
		// The driver lets one call at a time to a guest: it must have given up too.
		ctx, cancel = context.WithTimeout(t.Context(), patience)
		if err := d.Start(ctx, "a"); err != nil {
			t.Errorf("the next call: %v", err)
		}
		cancel()
	}
	if after := pid(t, d); after != before {
		t.Error("a context cost the program its life")
	}
}

func TestCloseEndsProgramAndFiles(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	o := options(t.TempDir())
	d := opened(t, o)
	ensured(t, d, "a")
	p := pid(t, d)
	tell(t, d, "hang", "Stop")
	hung := make(chan error)
	go func() { hung <- d.Stop(context.Background(), "a", 0) }()
	for range 2 {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := <-hung; !errors.Is(err, hypervisor.ErrUnavailable) {
		t.Errorf("a call under way: %v, want ErrUnavailable", err)
	}
	if _, err := d.List(t.Context()); !errors.Is(err, hypervisor.ErrUnavailable) {
		t.Errorf("list after close: %v, want ErrUnavailable", err)
	}
	if err := syscall.Kill(p, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is there after Close (%v)", p, err)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	all, err := opened(t, o).List(t.Context())
	if err != nil || len(all) != 1 || all[0].Power != hypervisor.Running {
		t.Errorf("the guest after Close: %+v, %v", all, err)
	}
}

func TestCloseEndsProgramThatDoesNotAnswer(t *testing.T) {
	d := opened(t, options(t.TempDir()))
	p := pid(t, d)
	if err := syscall.Kill(p, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(p, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is there after Close (%v)", p, err)
	}
}

func TestProgramDoesNotOutliveItsClient(t *testing.T) {
	tmp := t.TempDir()
	opener, child := opens(t, tmp)
	opener.Process.Kill()
	gone(t, child)
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What a client and its program leave when both are killed, the next Open removes,
// and nothing of a client that lives.
func TestOpenRemovesWhatTheDeadLeft(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dirs := func() []string {
		all, _ := filepath.Glob(filepath.Join(tmp, "*"))
		return all
	}
	opened(t, options(t.TempDir()))
	living := dirs()
	opener, child := opens(t, tmp)
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, child)
	opener.Process.Kill()
	opener.Wait()
	dead := slices.DeleteFunc(dirs(), func(dir string) bool { return slices.Contains(living, dir) })
	opened(t, options(t.TempDir()))
	if now := dirs(); len(living) != 1 || len(dead) != 1 || len(now) != 2 || !slices.Contains(now, living[0]) || slices.Contains(now, dead[0]) {
		t.Errorf("%v of the living, %v of the dead; now %v", living, dead, now)
	}
}

// opens starts a process that opens a driver, and returns it with the id of the
// driver's process.
func opens(t *testing.T, tmp string) (opener *exec.Cmd, child int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=opener", dirEnv+"="+t.TempDir(), "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &child); err != nil {
		t.Fatalf("opener says %q", line)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatalf("process %d: %v", child, err)
	}
	return cmd, child
}

func TestOpenStartsAgainWhatIsKilled(t *testing.T) {
	o := options(t.TempDir())
	o.Env = append(o.Env, roleEnv+"=victim")
	d, err := plugin.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.List(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "no such file",
		"/bin/true":                        "/bin/true",
	} {
		d, err := plugin.Open(t.Context(), plugin.Options{Path: path})
		if !errors.Is(err, hypervisor.ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("open %s: %v, %v; want ErrUnavailable that says %q", path, d, err, want)
		}
	}
}

func TestProgramAloneSaysWhatItIs(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=program", dirEnv+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "plugin") {
		t.Errorf("the program run by hand: %v, %s", err, out)
	}
}

func TestLogsArrive(t *testing.T) {
	var out syncBuffer
	o := options(t.TempDir())
	o.Log = slog.New(slog.NewTextHandler(&out, nil))
	opened(t, o)
	until(t, "the driver's word", func() bool {
		return strings.Contains(out.String(), `level=WARN msg="a driver's word"`) && strings.Contains(out.String(), "count=3")
	})
}

// syncBuffer is a buffer that several goroutines use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func BenchmarkCall(b *testing.B) {
	d, err := plugin.Open(b.Context(), options(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	for b.Loop() {
		if err := d.Stop(b.Context(), "none", 0); err != nil {
			b.Fatal(err)
		}
	}
}
