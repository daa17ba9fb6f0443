package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// A guest's process is nobody's child: when it ends, it is for process 1 to take
// note. Where that is no real init it does so seconds later, and for so long
// libvirt waits for each guest to go. Therefore libvirtd runs below a process that
// takes in orphans: this very program, started with reaperEnv.
const reaperEnv = "CLOUDLET_TESTBED_REAPER"

func init() {
	if os.Getenv(reaperEnv) != "" {
		reap(os.Args[1:])
		os.Exit(0)
	}
}

// started is what a reaper says when its program went into the background.
const started = "started"

// reap runs a program that goes into the background, tells standard output how
// that went, and stays until all that it started has ended.
func reap(args []string) {
	os.Unsetenv(reaperEnv)
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if err == nil {
		var out []byte
		if out, err = exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, lastLine(out))
		}
	}
	if err != nil {
		fmt.Print(err)
	} else {
		fmt.Print(started)
	}
	os.Stdout.Close()
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return // no children are left
		}
	}
}

// background starts a program that goes into the background below a reaper in the
// host, and returns when it has.
func (h *Host) background(ctx context.Context, name string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command("nsenter", append(append(h.enter(), self, name), args...)...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), reaperEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	said, err := io.ReadAll(out)
	stop()
	go func() { _ = cmd.Wait() }()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err == nil && len(said) == 0:
		err = errors.New("it can't be started")
	case err == nil && string(said) != started:
		err = errors.New(string(said))
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", h.Name, name, err)
	}
	return nil
}
