package convert

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// errFull stops a conversion that would fill the disk.
var errFull = errors.New("the disk is full but for what is spared")

// look is how often a conversion is looked at: what a disk can take meanwhile is less
// than what is spared.
const look = 20 * time.Millisecond

// watch stops what fills the disk of a directory. The function that it returns ends the
// watch.
func (c Converter) watch(dir string, stop context.CancelCauseFunc) (end func()) {
	done := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			if c.full(dir) {
				stop(errFull)
				return
			}
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return func() { close(done); work.Wait(); stop(nil) }
}

// full reports whether less of a disk is free than is to be spared.
func (c Converter) full(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	return int64(st.Bavail)*st.Bsize < or(c.Spare, min(256<<20, int64(st.Blocks)*st.Bsize/16))
}
