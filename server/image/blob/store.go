package blob

import (
	"context"
	"io"
	"iter"
)

// Store keeps blobs under names that are letters and digits. Every call blocks on
// a disk or a network and respects its context. Error kinds: Unavailable for what
// may pass, TooLarge if there is no room; what else is wrong is in the error for
// the log.
type Store interface {
	// Put makes the bytes of a local file, which are durable, a blob. What is there
	// already is replaced at once by its equal. The file is the store's: it is gone
	// when Put returns, whatever happened. The blob is durable if there is no error.
	Put(ctx context.Context, name, file string) error

	// Open opens a blob and tells its size in bytes. The context holds for all that
	// is read. A read from wherever ends with io.EOF at the size, and with another
	// error if the bytes before it cannot be had. Error kinds: NotFound.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error)

	// Remove removes a blob, with what Puts of it have left that did not end. There
	// may be none.
	Remove(ctx context.Context, name string) error

	// Names yields the names of all blobs, until an error.
	Names(ctx context.Context) iter.Seq2[string, error]

	// Tidy removes what Puts have left that did not end and are not under way in
	// this process.
	Tidy(ctx context.Context) error
}
