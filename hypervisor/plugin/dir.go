package plugin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// dirPattern is what directories of sockets are called, beside each other where
// temporary files are.
const dirPattern = "cloudlet-driver-*"

// makeDir makes a directory that is locked (flock(2)) for as long as the file that it
// returns is open, at most as long as this process lives.
func makeDir() (*os.File, error) {
	for {
		path, err := os.MkdirTemp("", dirPattern)
		if err != nil {
			return nil, err
		}
		dir, err := os.Open(path)
		if err == nil {
			err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
		}
		if err == nil {
			_, err = os.Stat(path)
		}
		if err == nil {
			return dir, nil
		}
		dir.Close()
		os.Remove(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		} // else sweepDirs was faster
	}
}

// sweepDirs removes the directories that processes of this user left when they were
// killed: those that nobody has locked.
func sweepDirs() {
	paths, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Getuid() {
			continue
		}
		dir, err := os.Open(path)
		if err != nil {
			continue
		}
		if syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(path)
		}
		dir.Close()
	}
}
