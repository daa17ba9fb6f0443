package image

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// Cached is an image that an administrator wants at hand. Hosts keep copies of their
// own, so there is nothing to copy: caching reads all of the bytes from the store
// that downloads would take them from and checks them against their SHA-256. Those
// of a local file are left in the memory of this machine as far as it goes.
type Cached struct {
	ImageID    string
	Queued     bool // not read yet
	Size, Hits int64
	CachedAt   time.Time
	UsedAt     time.Time // of the last download
}

// Cache is the table of cached images.
var Cache = statestore.NewTable(statestore.TableDef[Cached]{
	Name:    "image_cache",
	Version: 1,
	Key:     func(c *Cached) string { return c.ImageID },
})

// CacheTask is the kind of the tasks that read images.
const CacheTask = "image_cache"

// queueTime is how long an image stays queued at least: who queues one finds it in
// the queue, and may think better of it.
const queueTime = 500 * time.Millisecond

// CacheQueue has an image cached. Error kinds: NotFound, Invalid if it is not active.
func CacheQueue(tx *statestore.Txn, c cloud.Caller, id string) error {
	i, err := ImageGet(tx, c, id)
	if err != nil {
		return err
	}
	if i.Status != Active || !i.HasData() {
		return invalid("CacheQueue", "", "Only images with status active and bytes in a store can be targeted for queueing; image %s is %s.", id, i.Status)
	}
	if _, ok := Cache.Get(tx, id); ok {
		return nil
	}
	Cache.Put(tx, Cached{ImageID: id, Queued: true, Size: i.Size})
	_, err = task.Create(tx, c, task.Spec{Kind: CacheTask, Subject: id, Owner: i.ProjectID, Input: leftover{SHA256: i.SHA256}, Step: "read", After: queueTime})
	return err
}

// CacheDelete takes an image from the cache or its queue. Error kinds: NotFound if
// it is in neither.
func CacheDelete(tx *statestore.Txn, id string) error {
	if !Cache.Delete(tx, id) {
		return fault(cloud.NotFound, "CacheDelete", id, "", "Image %s is neither cached nor queued for it.", id)
	}
	return nil
}

// CacheClear empties the cache, the queue, or both.
func CacheClear(tx *statestore.Txn, cached, queued bool) {
	for _, c := range slices.Collect(Cache.All(tx)) {
		if c.Queued && queued || !c.Queued && cached {
			Cache.Delete(tx, c.ImageID)
		}
	}
}

// CacheHit counts a download of a cached image.
func CacheHit(tx *statestore.Txn, id string) {
	if c, ok := Cache.Get(tx, id); ok && !c.Queued {
		c.Hits, c.UsedAt = c.Hits+1, tx.Now()
		Cache.Put(tx, c)
	}
}

// read is the step of a CacheTask.
func (m importer) read(ctx context.Context, r *task.Run) (task.Outcome, error) {
	var l leftover
	if err := r.Decode(&l, nil); err != nil {
		return task.Fail(err), nil
	}
	f, size, err := m.Open(ctx, l.SHA256)
	if err != nil {
		return task.Fail(err), nil
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, &meter{Verified(f, l.SHA256, size), ctx, r, size, 0}); err != nil {
		return task.Fail(cloud.Errorf(cloud.Unavailable, "image", "The bytes of image %s are damaged or cannot be read.", r.Subject).Because(err)), nil
	}
	return task.Done().Commit(func(tx *statestore.Txn) error {
		if c, ok := Cache.Get(tx, r.Subject); ok && c.Queued {
			c.Queued, c.CachedAt, c.UsedAt = false, tx.Now(), tx.Now()
			Cache.Put(tx, c)
		}
		return nil
	}), nil
}

// uncached takes an image that could not be read from the queue.
func uncached(tx *statestore.Txn, t task.Task, _ string) { Cache.Delete(tx, t.Subject) }

// Verified reads the size bytes of r, which are to be the content with the SHA-256,
// in hex. If they are not, it ends with an error, and the last of them do not come.
func Verified(r io.Reader, sha256 string, size int64) io.Reader {
	return &verified{r: r, sums: newSums().sha256, want: sha256, left: size}
}

type verified struct {
	r    io.Reader
	sums hash.Hash
	want string
	left int64
}

func (v *verified) Read(b []byte) (int, error) {
	n, err := v.r.Read(b)
	v.sums.Write(b[:n])
	v.left -= int64(n)
	if v.left > 0 && err != io.EOF {
		return n, err
	}
	if got := hex.EncodeToString(v.sums.Sum(nil)); got != v.want {
		return 0, fmt.Errorf("the stored content %s has become %s", v.want, got)
	}
	return n, err
}
