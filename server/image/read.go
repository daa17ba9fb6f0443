package image

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"sync"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Open opens the content with a SHA-256, in hex, from the first store that has it,
// local ones first, and tells its size in bytes. The context holds for all that is
// read. It can be read to its end even if it is removed meanwhile; Close it soon.
// Error kinds: NotFound; Unavailable if a store that may have it is away.
func (c *Content) Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, int64, error) {
	missing := cloud.Errorf(cloud.NotFound, "content", "There are no bytes with the SHA-256 %.64q.", sha256)
	if !isSHA256(sha256) {
		return nil, 0, missing
	}
	var failed error
	for _, remote := range []bool{false, true} {
		for _, s := range c.shelves {
			if s.Remote() != remote {
				continue
			}
			f, size, err := c.openAt(ctx, s, sha256)
			if err == nil {
				return f, size, nil
			}
			if !cloud.Is(err, cloud.NotFound) {
				failed = errors.Join(failed, s.fault(err))
			}
		}
	}
	if failed != nil {
		return nil, 0, failed
	}
	return nil, 0, missing
}

// openAt opens a content in a store. Of a remote one, nobody removes it before it is
// closed.
func (c *Content) openAt(ctx context.Context, s *shelf, sha256 string) (io.ReadSeekCloser, int64, error) {
	if !s.Remote() {
		return s.Blobs.Open(ctx, sha256)
	}
	c.needed(sha256, func(u *use) { u.reading++ })
	f, size, err := s.Blobs.Open(ctx, sha256)
	done := func() { c.needed(sha256, func(u *use) { u.reading-- }) }
	if err != nil {
		done()
		return nil, 0, err
	}
	return &lent{ReadSeekCloser: f, done: done}, size, nil
}

// lent is a content that is being read.
type lent struct {
	io.ReadSeekCloser
	once sync.Once
	done func()
}

// Close implements io.Closer.
func (l *lent) Close() error {
	defer l.once.Do(l.done)
	return l.ReadSeekCloser.Close()
}

// isSHA256 reports whether s is a content's name.
func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && hex.EncodeToString(b) == s
}
