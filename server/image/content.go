package image

import (
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Write runs a function as one durable transaction: the Write of a front's
// request, or of a store with a context.
type Write func(fn func(tx *statestore.Txn) error) error

// ContentOptions bound a Content.
type ContentOptions struct {
	MaxSize int64 // of one upload, in bytes; 0 means DefaultMaxSize
}

// DefaultMaxSize is the largest image that is taken in, in bytes.
const DefaultMaxSize = 1 << 40

// Content is the store of images' bytes: one file per content, named by its
// SHA-256, in one directory. A file appears there by a rename, whole and
// durable; what is not whole yet lies in the sub-directory incoming.
//
// All methods are safe for concurrent use.
type Content struct {
	dir, incoming string
	max           int64
	create        func(dir string) (file, error) // replaced by tests of full disks

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

// OpenContent opens the store in a directory, which it makes if there is none.
// Only one process at a time may do so. Call Sweep before anything else.
func OpenContent(dir string, o ContentOptions) (*Content, error) {
	c := &Content{dir: dir, incoming: filepath.Join(dir, "incoming"), max: o.MaxSize, held: map[string]int{}}
	if c.max <= 0 {
		c.max = DefaultMaxSize
	}
	c.create = func(dir string) (file, error) { return os.CreateTemp(dir, "upload-") }
	if err := os.MkdirAll(c.incoming, 0o700); err != nil {
		return nil, err
	}
	return c, syncDir(dir)
}

// Open opens the content with a SHA-256, in hex, and tells its size in bytes. It
// can be read to its end even if it is removed meanwhile. Error kinds: NotFound.
func (c *Content) Open(sha256 string) (io.ReadSeekCloser, int64, error) {
	missing := cloud.Errorf(cloud.NotFound, "content", "There are no bytes with the SHA-256 %.64q.", sha256)
	if !isSHA256(sha256) {
		return nil, 0, missing
	}
	f, err := os.Open(c.path(sha256))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, missing.Because(err)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (c *Content) path(sha256 string) string { return filepath.Join(c.dir, sha256) }

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
	named := false
	err := w(func(tx *statestore.Txn) error {
		_, named = Images.First(tx, "content", sha256)
		return nil
	})
	if err != nil || named {
		return err
	}
	if err := os.Remove(c.path(sha256)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
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

// full reports whether an error says that there is no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
