package convert

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// confinement is what keeps a program to itself, besides bounds on what it uses.
type confinement struct {
	// namespaces are sets of flags of clone(2), the strictest first: what the kernel
	// refuses is tried with the next one.
	namespaces []uintptr
	landlock   bool
}

// A user namespace without a mapping: the program keeps the user that it is, so that
// it may open its files, but has no privilege, nor ever gets one. Network and process
// namespaces are its own and empty.
const (
	apart = unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	alone = unix.CLONE_NEWUSER | apart
)

// strict is the confinement that is used. Root needs no user namespace to get the
// others, where a kernel or a container refuses those to ordinary users.
var strict = confinement{namespaces: []uintptr{alone, apart, 0}, landlock: true}

// run runs the program that fresh returns a command for, until it ends. It may read and
// write the files, read those of the system's programs, and nothing else, as far as the
// kernel can confine it so; it tells what it was confined by. fresh may be called
// several times, and sets no SysProcAttr.
func (c confinement) run(read, write string, fresh func() *exec.Cmd) (by confined, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// What is confined is this thread, which ends with the goroutine, and what it
		// starts. Pdeathsig is about the thread too: it waits here.
		runtime.LockOSThread()
		by, err = c.runHere(read, write, fresh)
	}()
	<-done
	return by, err
}

// confined tells what confines a program.
type confined struct {
	namespaces uintptr
	landlock   int // the version of the kernel's interface; 0: none
}

func (c confinement) runHere(read, write string, fresh func() *exec.Cmd) (by confined, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return by, err
	}
	defer null.Close()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return by, err
	}
	if c.landlock {
		if by.landlock, err = restrict(read, write); err != nil {
			return by, err
		}
	}
	for _, flags := range c.namespaces {
		cmd := fresh()
		cmd.Stdin, cmd.Dir = null, "/"
		if cmd.Stdout == nil {
			cmd.Stdout = null
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: flags}
		if cmd.Cancel != nil {
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		}
		by.namespaces = flags
		if err = cmd.Start(); err == nil {
			return by, cmd.Wait()
		}
		if flags == 0 || !refused(err) {
			break
		}
	}
	return by, err
}

// refused reports whether a kernel does not make namespaces, for this user or at all.
func refused(err error) bool {
	for _, e := range []error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSPC, unix.EUSERS, unix.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
