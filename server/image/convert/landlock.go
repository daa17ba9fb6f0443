package convert

import (
	"errors"
	"os/exec"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// programs are where programs, their libraries and what those read lie. All users may
// read it anyway.
var programs = []string{"/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/nix/store", "/gnu/store"}

// The rights that Landlock knows (landlock(7)), by the version that brought them.
var (
	rights = []struct {
		version int
		fs, net uint64
		scoped  uint64
	}{
		{1, 1<<13 - 1, 0, 0}, // to execute, write, read, list, remove and make
		{2, unix.LANDLOCK_ACCESS_FS_REFER, 0, 0},
		{3, unix.LANDLOCK_ACCESS_FS_TRUNCATE, 0, 0},
		{4, 0, unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, 0},
		{5, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV, 0, 0},
		{6, 0, 0, unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL},
	}
	toRun   uint64 = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	toRead  uint64 = unix.LANDLOCK_ACCESS_FS_READ_FILE
	toWrite uint64 = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// restrict takes all rights from this thread, and from what it starts, but to read one
// file, to write another, and to run the system's programs. It returns the version of
// Landlock, 0 if the kernel has none. Privileges cannot be gained already.
func restrict(read, write string) (version int, err error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, nil
	}
	version = int(v)
	var attr unix.LandlockRulesetAttr
	for _, r := range rights {
		if r.version <= version {
			attr.Handled_access_fs |= r.fs
			attr.Handled_access_net |= r.net
			attr.Scoped |= r.scoped
		}
	}
	size := unsafe.Sizeof(attr.Handled_access_fs) // what older kernels know of it
	if version >= 4 {
		size = unsafe.Offsetof(attr.Scoped)
	}
	if version >= 6 {
		size = unsafe.Offsetof(attr.Scoped) + unsafe.Sizeof(attr.Scoped)
	}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return version, errno
	}
	defer unix.Close(int(rules))
	err = errors.Join(allow(int(rules), read, toRead), allow(int(rules), write, toWrite&attr.Handled_access_fs))
	for _, path := range append(programs, own()...) {
		if e := allow(int(rules), path, toRun); !errors.Is(e, unix.ENOENT) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return version, err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); errno != 0 {
		return version, errno
	}
	return version, nil
}

// own are the programs themselves, wherever they lie.
func own() (paths []string) {
	for _, name := range needed {
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// allow adds to a set of rules what may be done with a file, or with what is in a
// directory.
func allow(rules int, path string, what uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		what &^= unix.LANDLOCK_ACCESS_FS_READ_DIR
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: what, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
