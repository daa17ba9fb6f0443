package convert

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cell is a directory with the file that may be read, the one that may be written, and
// others, and a listener on loopback.
type cell struct {
	t                    *testing.T
	dir, from, to, other string
	port                 int
	heard                chan struct{}
}

func newCell(t *testing.T) *cell {
	t.Helper()
	dir := t.TempDir()
	c := &cell{t: t, dir: dir, from: filepath.Join(dir, "from"), to: filepath.Join(dir, "to"), other: filepath.Join(dir, "other"), heard: make(chan struct{}, 100)}
	c.fill()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
			c.heard <- struct{}{}
		}
	}()
	return c
}

// fill makes the files be as they were.
func (c *cell) fill() {
	c.t.Helper()
	for _, file := range []string{c.from, c.to, c.other} {
		if err := os.WriteFile(file, []byte("content\n"), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

// clear removes what scripts have made, and tells what that was.
func (c *cell) clear() (made []string) {
	for _, name := range []string{"new", "newdir", "linked"} {
		if os.Remove(filepath.Join(c.dir, name)) == nil {
			made = append(made, name)
		}
	}
	return made
}

// run runs a script of bash's, and returns what it says.
func (c *cell) run(in confinement, script string) (said string, by confined, err error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	by, err = in.run(c.from, c.to, func() *exec.Cmd {
		var told bytes.Buffer
		cmd := Converter{}.command(ctx, &told, "bash", "-c", script)
		cmd.Stdout, cmd.Stderr = io.Writer(&out), io.Writer(&out)
		return cmd
	})
	return out.String(), by, err
}

// mechanisms are the ways to be confined that this machine has; each must do by itself
// what is asked of it.
func mechanisms(t *testing.T) map[string]confinement {
	all := map[string]confinement{
		"as it is used":            strict,
		"by namespaces only":       {namespaces: strict.namespaces},
		"by Landlock only":         {namespaces: []uintptr{0}, landlock: true},
		"by root's own namespaces": {namespaces: []uintptr{apart}, landlock: true},
	}
	if os.Getuid() != 0 {
		delete(all, "by root's own namespaces")
	}
	for name, in := range all {
		_, by, err := newCell(t).run(in, "true")
		if err == nil && (by.namespaces != 0 || in.landlock && by.landlock > 0) {
			continue
		}
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" && name == "as it is used" {
			t.Fatalf("nothing confines here: %v, %+v", err, by)
		}
		t.Logf("not tried: this system does not confine %s: %v", name, err)
		delete(all, name)
	}
	if len(all) == 0 {
		t.Skip("this system confines no program")
	}
	return all
}

func TestConfined(t *testing.T) {
	need(t)
	for name, in := range mechanisms(t) {
		c := newCell(t)
		free := confinement{namespaces: []uintptr{0}}
		_, by, _ := c.run(in, "true")
		files, net, signals := by.landlock > 0, by.namespaces != 0 || by.landlock >= 4, by.namespaces != 0 || by.landlock >= 6
		scripts := []struct {
			what, script string
			kept         bool // by this mechanism
		}{
			{"a connection to loopback", fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d", c.port), net},
			{"reading another file", "read x < " + c.other, files},
			{"writing another file", "echo x >> " + c.other, files},
			{"writing what it may read", "echo x >> " + c.from, files},
			{"making a file", "echo x > " + c.dir + "/new", files},
			{"making a directory", "mkdir " + c.dir + "/newdir", files},
			{"linking", "ln " + c.to + " " + c.dir + "/linked", files},
			{"removing what it may write", "rm " + c.to, files},
			{"reading what is the system's", "read x < /etc/hostname || read x < /etc/passwd", files},
			{"listing", "ls " + c.dir, files},
			{"a signal to who started it", fmt.Sprintf("kill -0 %d", os.Getpid()), signals},
		}
		for _, x := range scripts {
			c.fill()
			if out, _, err := c.run(in, x.script); err == nil && x.kept {
				t.Errorf("%s: %s is possible: %s", name, x.what, out)
			}
			if made := c.clear(); len(made) > 0 && x.kept {
				t.Errorf("%s: %s has made %s", name, x.what, made)
			}
		}
		if len(c.heard) > 0 && net {
			t.Errorf("%s: somebody has connected", name)
		}
		for what, script := range map[string]string{
			"reading": "read x < " + c.from + "; test \"$x\" = content", "writing": "echo x > " + c.to,
			"an empty environment": `test -z "$HOME$PATHS$USER$CLOUDLET_ADMIN_PASSWORD"; ! /usr/bin/env | grep -v -e ^PWD= -e ^SHLVL= -e ^_=`,
			"few open files":       "test $(ulimit -n) = 64", "no core": "test $(ulimit -c) = 0",
		} {
			c.fill()
			if out, _, err := c.run(in, script); err != nil {
				t.Errorf("%s: %s: %v: %s", name, what, err, out)
			}
		}
		for _, x := range scripts { // they prove something: outside they work
			c.fill()
			if out, _, err := c.run(free, x.script); err != nil {
				t.Errorf("outside, %s: %v: %s", x.what, err, out)
			}
			c.clear()
		}
		<-c.heard
	}
}

// A program without privileges gains none from one that would give them.
func TestNoNewPrivileges(t *testing.T) {
	c := newCell(t)
	out, by, err := c.run(confinement{namespaces: strict.namespaces}, "grep -e NoNewPrivs -e CapEff -e CapPrm /proc/self/status")
	if err != nil {
		t.Fatal(err, out)
	}
	if !strings.Contains(out, "NoNewPrivs:\t1") {
		t.Errorf("it may gain privileges: %s", out)
	}
	if by.namespaces == alone && strings.Count(out, "\t0000000000000000") != 2 {
		t.Errorf("it has privileges: %s", out)
	}
}

// Nothing that was restricted is the test's own process, or comes back to be used.
func TestOnlyTheProgramIsConfined(t *testing.T) {
	for range 20 {
		c := newCell(t)
		if _, _, err := c.run(strict, "true"); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		for range 10 {
			go func() {
				_, err := os.ReadFile(c.other)
				done <- err
			}()
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
}

// helper is set in the environment of a test that only serves another one.
const helper = "CLOUDLET_TEST_HELPER"

// A confined program ends with the process that started it, also if that is killed.
func TestDiesWithItsProcess(t *testing.T) {
	if os.Getenv(helper) != "" {
		_, _ = strict.run(os.DevNull, os.DevNull, func() *exec.Cmd {
			cmd := Converter{}.command(context.Background(), &bytes.Buffer{}, "bash", "-c", "echo started; exec sleep 1000")
			cmd.Stdout = os.Stdout
			return cmd
		})
		return
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestDiesWithItsProcess$")
	cmd.Env = append(os.Environ(), helper+"=1")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("started"))
	if _, err := io.ReadFull(r, line); err != nil || string(line) != "started" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := r.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err != nil { // its end of the pipe is closed when it is gone
		t.Errorf("the confined program lives on: %v", err)
	}
}

// TestAsOrdinaryUser runs these tests, and a conversion, as a user without privileges.
func TestAsOrdinaryUser(t *testing.T) {
	need(t)
	if os.Getuid() != 0 {
		t.Skip("it is an ordinary user who runs the tests")
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "convert") // t.TempDir is below a directory of root's
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const nobody = 65534
	program := filepath.Join(dir, "test")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, program} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.run", "^(TestConfined|TestConvert|TestRefused|TestNoNewPrivileges|TestDiesWithItsProcess|TestOnlyTheProgramIsConfined)$")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "--- PASS") != 6 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestMissing(t *testing.T) {
	need(t)
	lacks, err := Missing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, by, err := newCell(t).run(strict, "true")
	if err != nil || slices.Contains(lacks, "namespaces") != (by.namespaces == 0) || slices.Contains(lacks, "Landlock") != (by.landlock == 0) {
		t.Errorf("it lacks %q, but is confined by %+v, %v", lacks, by, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Missing(ctx); err == nil {
		t.Error("a program that does not run is not missed")
	}
}
