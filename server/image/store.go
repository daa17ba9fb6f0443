package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob"
)

// Store is a place for bytes: a directory with one file per content, or what else
// keeps blobs, such as object storage.
type Store struct {
	ID, Description string
	Dir             string     // made if there is none; empty for a store that is not of files
	Blobs           blob.Store // of a store that is not of files
	// Type and Properties are what an operator is told of it, with Glance's words.
	Type       string
	Properties map[string]any
}

// Remote reports whether the store is beyond this machine: it may be away while all
// else works.
func (s Store) Remote() bool { return s.Dir == "" }

// shelf is a store that is open.
type shelf struct {
	Store
	incoming string      // where uploads lie until they are whole
	ours     atomic.Bool // a remote one is known to be this cloud's
}

// add opens a store.
func (c *Content) add(s Store) error {
	if s.ID == "" || strings.ContainsAny(s.ID, ", /") {
		return fmt.Errorf("%q cannot be the id of an image store: it must be a word without commas and slashes", s.ID)
	}
	for _, other := range c.shelves {
		if other.ID == s.ID || !s.Remote() && !other.Remote() && filepath.Clean(other.Dir) == filepath.Clean(s.Dir) {
			return fmt.Errorf("two image stores are called %q or lie in %s", s.ID, s.Dir)
		}
	}
	sh := &shelf{Store: s, incoming: c.incoming}
	c.shelves = append(c.shelves, sh)
	if s.Remote() {
		return nil
	}
	sh.incoming, sh.Blobs = filepath.Join(s.Dir, "incoming"), blob.Files(s.Dir)
	sh.Type, sh.Properties = "file", map[string]any{"data_dir": s.Dir}
	if err := os.MkdirAll(sh.incoming, 0o700); err != nil {
		return err
	}
	return blob.SyncDir(s.Dir)
}

// Stores are the stores there are, the default one first.
func (c *Content) Stores() []Store {
	all := make([]Store, len(c.shelves))
	for n, s := range c.shelves {
		all[n] = s.Store
	}
	return all
}

// storeIDs are the ids of all stores, the default one first.
func (c *Content) storeIDs() []string {
	ids := make([]string, len(c.shelves))
	for n, s := range c.shelves {
		ids[n] = s.ID
	}
	return ids
}

// shelf returns the store with an id; "" means the default one. Error kinds:
// Invalid if there is none.
func (c *Content) shelf(id string) (*shelf, error) {
	if id == "" {
		return c.shelves[0], nil
	}
	at := slices.IndexFunc(c.shelves, func(s *shelf) bool { return s.ID == id })
	if at < 0 {
		return nil, cloud.Errorf(cloud.Invalid, "store", "There is no store %.100q; there are %s.", id, strings.Join(c.storeIDs(), ", "))
	}
	return c.shelves[at], nil
}

// readyTime is how long a remote store is given to say that it is there.
const readyTime = 10 * time.Second

// ready asks a remote store whether it can be used, before somebody sends it much.
// Error kinds: Unavailable.
func (c *Content) ready(ctx context.Context, s *shelf) error {
	if !s.Remote() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for _, err := range s.Blobs.Names(ctx) {
		if err != nil {
			return s.fault(err)
		}
		break
	}
	return c.claim(ctx, s)
}

// put gives a whole and durable file its address in the store. What is there
// already is replaced by its equal. On failure it leaves either nothing or what
// release removes. Error kinds: Unavailable, TooLarge.
func (s *shelf) put(ctx context.Context, sha256, file string) error {
	return s.fault(s.Blobs.Put(ctx, sha256, file))
}

// fault says which store an error is of.
func (s *shelf) fault(err error) error {
	switch {
	case cloud.Is(err, cloud.Unavailable):
		return cloud.Errorf(cloud.Unavailable, "image", "The image store %s cannot be used now; try again later, or another store.", s.ID).Because(cause(err))
	case cloud.Is(err, cloud.TooLarge):
		return cloud.Errorf(cloud.TooLarge, "image", "Image storage media is full: there is not enough room in the store %s.", s.ID).Because(cause(err))
	case err != nil:
		return fmt.Errorf("image store %s: %w", s.ID, err)
	}
	return nil
}

// cause is what is behind an error whose words for users are said better.
func cause(err error) error {
	if e := cloud.AsError(err); e.Err != nil {
		return e.Err
	}
	return err
}

// Check asks the remote stores whether they can be used, all at once, and tells what
// keeps one from it.
func (c *Content) Check(ctx context.Context, tell func(store string, err error)) {
	var asked sync.WaitGroup
	var mu sync.Mutex
	for _, s := range c.shelves {
		asked.Go(func() {
			if err := c.ready(ctx, s); err != nil {
				mu.Lock()
				defer mu.Unlock()
				tell(s.ID, err)
			}
		})
	}
	asked.Wait()
}
