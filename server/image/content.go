package image

import (
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

	"github.com/cloudlet/cloudlet/server/image/blob"
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

// DefaultStore is the id of the store in a Content's own directory.
const DefaultStore = "files"

// DefaultMaxSize is the largest image that is taken in, in bytes.
const DefaultMaxSize = 1 << 40

// Content keeps images' bytes in one or several stores, each content under its
// SHA-256, where it appears whole and durable. What is not whole or not looked at
// yet lies in a local file: for a store of files in its own sub-directory incoming,
// for others in that of the Content's directory. What is staged for an import lies
// in the sub-directory staging of the latter, named by the image.
//
// All methods are safe for concurrent use.
type Content struct {
	shelves  []*shelf // the default one first
	incoming string
	staging  string
	max      int64
	limits   func(r statestore.Reader, projectID string) Limits
	delay    time.Duration
	owner    string // of remote stores; known from Sweep on
	signing  SigningOptions
	create   func(dir string) (file, error) // replaced by tests of full disks

	mu      sync.Mutex
	removed *sync.Cond      // on mu: a content was removed
	uses    map[string]*use // of contents that somebody needs just now
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
// Directories are made if need be; remote stores are not asked. Only one process at
// a time may do so. Call Sweep before anything else.
func OpenContent(dir string, o ContentOptions) (*Content, error) {
	c := &Content{incoming: filepath.Join(dir, "incoming"), staging: filepath.Join(dir, "staging"), max: o.MaxSize, limits: o.Limits, delay: o.DeleteDelay, signing: o.Signing, uses: map[string]*use{}}
	c.removed = sync.NewCond(&c.mu)
	if c.max <= 0 {
		c.max = DefaultMaxSize
	}
	c.create = func(dir string) (file, error) { return spare(os.CreateTemp(dir, "upload-")) }
	for _, s := range append([]Store{{ID: DefaultStore, Description: "Files named by the SHA-256 of what is in them", Dir: dir}}, o.More...) {
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
	return c, blob.SyncDir(dir)
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
