package testbed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// An inode names a namespace: all of its processes show the same.
type inode struct{ dev, ino uint64 }

func inodeOf(file string) (inode, bool) {
	var s syscall.Stat_t
	if syscall.Stat(file, &s) != nil {
		return inode{}, false
	}
	return inode{s.Dev, s.Ino}, true
}

// inSpace tells whether the process is in one of the namespaces that files hold.
func inSpace(pid int, files []string) bool {
	wanted := map[inode]bool{}
	for _, f := range files {
		if i, ok := inodeOf(f); ok {
			wanted[i] = true
		}
	}
	return in(pid, wanted)
}

func in(pid int, wanted map[inode]bool) bool {
	for _, kind := range []string{"uts", "mnt", "net"} {
		if i, ok := inodeOf(fmt.Sprintf("/proc/%d/ns/%s", pid, kind)); ok && wanted[i] {
			return true
		}
	}
	return false
}

// killAll kills every process in the namespaces that files hold, and waits until
// none is left. A file that holds no namespace has no processes.
func killAll(ctx context.Context, files []string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	wanted := map[inode]bool{}
	for _, f := range files {
		if i, ok := inodeOf(f); ok && isMount(f) {
			wanted[i] = true
		}
	}
	for len(wanted) > 0 {
		left := 0
		procs, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, p := range procs {
			pid, err := strconv.Atoi(p.Name())
			if err != nil || pid == os.Getpid() || !in(pid, wanted) {
				continue
			}
			_ = syscall.Kill(pid, syscall.SIGKILL) // looked for again
			left++
		}
		if left == 0 {
			return nil
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("%d processes do not end: %w", left, err)
		}
	}
	return nil
}

// killPID kills a process and waits until it is gone.
func killPID(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	for alive(pid) {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("process %d does not end: %w", pid, err)
		}
	}
	return nil
}

// pause passes a moment: a process that is not a child can't be waited for.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Millisecond):
		return nil
	}
}

// isMount tells whether something is mounted at path.
func isMount(path string) bool {
	var at, above syscall.Stat_t
	if syscall.Lstat(path, &at) != nil || syscall.Lstat(filepath.Dir(path), &above) != nil {
		return false
	}
	return at.Dev != above.Dev
}

// release gives up the namespace that a file holds, and the file.
func release(file string) error {
	for isMount(file) {
		if err := syscall.Unmount(file, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", file, err)
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// hostUUID is a UUID for libvirt's sake: always the same of a host, and no other
// host's.
func hostUUID(h *Host) string {
	s := sha256.Sum256([]byte(h.Dir))
	s[6] = s[6]&0x0f | 0x40
	s[8] = s[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[0:4], s[4:6], s[6:8], s[8:10], s[10:16])
}
