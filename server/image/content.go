package image

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Write runs a function as one durable transaction: the Write of a front's
// request, or of a store with a context.
type Write func(fn func(tx *statestore.Txn) error) error

// ContentOptions bound a Content.
type ContentOptions struct {
	MaxSize int64   // of one upload, in bytes; 0 means DefaultMaxSize
	More    []Store // stores besides the default one
	Default string  // the id of the store that takes what names none; "" is DefaultStore
	// Limits tells the bounds of a project; nil: there are none.
	Limits func(r statestore.Reader, projectID string) Limits
	// DeleteDelay is how long a deleted image's bytes stay.
	DeleteDelay time.Duration
	Signing     SigningOptions
}

// Store is a place for bytes: a directory with one file per content.
type Store struct {
	ID, Description string
	Dir             string // made if there is none
}

// DefaultStore is the id of the store in a Content's own directory.
const DefaultStore = "files"

// DefaultMaxSize is the largest image that is taken in, in bytes.
const DefaultMaxSize = 1 << 40

// Content keeps images' bytes in one or several stores: directories with one file
// per content, named by its SHA-256. A file appears there by a rename, whole and
// durable; what is not whole yet lies in the sub-directory incoming. What is
// staged for an import lies in the first store's sub-directory staging, named by
// the image.
//
// All methods are safe for concurrent use.
type Content struct {
	shelves []*shelf // the default one first
	staging string
	max     int64
	limits  func(r statestore.Reader, projectID string) Limits
	delay   time.Duration
	signing SigningOptions
	create  func(dir string) (file, error) // replaced by tests of full disks

	mu   sync.Mutex
	held map[string]int // contents that a transaction is about to name, by how many
}

// file is what an upload is written to.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
	Truncate(size int64) error
	Sync() error
}

// OpenContent opens the stores: that in a directory, and those of the options.
// Directories are made if need be. Only one process at a time may do so. Call
// Sweep before anything else.
func OpenContent(dir string, o ContentOptions) (*Content, error) {
	c := &Content{staging: filepath.Join(dir, "staging"), max: o.MaxSize, limits: o.Limits, delay: o.DeleteDelay, signing: o.Signing, held: map[string]int{}}
	if c.max <= 0 {
		c.max = DefaultMaxSize
	}
	c.create = func(dir string) (file, error) { return os.CreateTemp(dir, "upload-") }
	for _, s := range append([]Store{{DefaultStore, "Files named by the SHA-256 of what is in them", dir}}, o.More...) {
		if err := c.add(s); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(c.staging, 0o700); err != nil {
		return nil, err
	}
	if o.Default != "" {
		at := slices.IndexFunc(c.shelves, func(s *shelf) bool { return s.ID == o.Default })
		if at < 0 {
			return nil, fmt.Errorf("there is no image store %q to be the default", o.Default)
		}
		c.shelves[0], c.shelves[at] = c.shelves[at], c.shelves[0]
	}
	return c, syncDir(dir)
}

// Open opens the content with a SHA-256, in hex, from the first store that has
// it, and tells its size in bytes. It can be read to its end even if it is
// removed meanwhile. Error kinds: NotFound.
func (c *Content) Open(sha256 string) (io.ReadSeekCloser, int64, error) {
	missing := cloud.Errorf(cloud.NotFound, "content", "There are no bytes with the SHA-256 %.64q.", sha256)
	if !isSHA256(sha256) {
		return nil, 0, missing
	}
	var f *os.File
	var failed error
	for _, s := range c.shelves {
		opened, err := os.Open(s.path(sha256))
		if err == nil {
			f = opened
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	if f == nil {
		if failed != nil {
			return nil, 0, failed
		}
		return nil, 0, missing
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// isSHA256 reports whether s is a content's name.
func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && hex.EncodeToString(b) == s
}

// Drop removes a content unless an image names it. It is called after the
// transaction that took the content's name from a row.
func (c *Content) Drop(w Write, sha256 string) error {
	if !isSHA256(sha256) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drop(w, sha256)
}

// drop is Drop under c.mu, so that no upload begins to name the content
// meanwhile. It asks in a transaction, since a snapshot may be older than the
// row of an upload that let go of the content a moment ago.
func (c *Content) drop(w Write, sha256 string) error {
	if c.held[sha256] > 0 {
		return nil // release will look again
	}
	var named []string
	err := w(func(tx *statestore.Txn) error {
		named = c.namedBy(tx, sha256)
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range c.shelves {
		if slices.Contains(named, s.ID) {
			continue
		}
		if e := os.Remove(s.path(sha256)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// namedBy returns the stores in which a row says that a content is.
func (c *Content) namedBy(r statestore.Reader, sha256 string) (stores []string) {
	for i := range Images.By(r, "content", sha256) {
		stores = append(stores, i.InStores()...)
	}
	return stores
}

// hold keeps a content from being dropped before a row names it.
func (c *Content) hold(sha256 string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[sha256]++
}

// release undoes a hold, and drops the content if no row came to name it.
func (c *Content) release(w Write, sha256 string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[sha256]--; c.held[sha256] > 0 {
		return nil
	}
	delete(c.held, sha256)
	return c.drop(w, sha256)
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// broken reports whether an error is one of the files or directories of a store.
func broken(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*os.LinkError](err)
	_, errno := errors.AsType[syscall.Errno](err)
	return path || link || errno
}

// full reports whether an error says that there is no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
