package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// errImage is wrapped by errors about an image's bytes.
var errImage = errors.New("image")

// imageCache keeps images by their content, DIR/images/SHA256, each fetched once.
// A fetch that was cut short goes on where it ended; bytes are in place only when
// their sum is right. Guests' disks are overlays of these files: nobody writes
// to them.
type imageCache struct {
	dir    string // empty: nothing is kept
	server hostapi.HostsClient
	write  func(*os.File, []byte) (int, error)

	mu       sync.Mutex
	fetching map[string]*fetch
}

type fetch struct {
	done chan struct{}
	err  error
}

func openImages(dir string, server hostapi.HostsClient) (*imageCache, error) {
	c := &imageCache{server: server, write: (*os.File).Write, fetching: map[string]*fetch{}}
	if dir == "" {
		return c, nil
	}
	c.dir = filepath.Join(dir, "images")
	return c, os.MkdirAll(c.dir, 0o711)
}

// path is where the image is, once it is fetched.
func (c *imageCache) path(sha string) string { return filepath.Join(c.dir, filepath.Base(sha)) }

// fetch returns when the image is in place. It blocks for the transfer; callers
// for one image share one.
func (c *imageCache) fetch(ctx context.Context, sha string) error {
	if len(sha) != sha256.Size*2 {
		return fmt.Errorf("%w: %q is not the content address of an image", errImage, sha)
	}
	if fileExists(c.path(sha)) {
		return nil
	}
	c.mu.Lock()
	f := c.fetching[sha]
	if f == nil {
		f = &fetch{done: make(chan struct{})}
		c.fetching[sha] = f
		c.mu.Unlock()
		f.err = c.get(ctx, sha)
		c.mu.Lock()
		delete(c.fetching, sha)
		close(f.done)
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *imageCache) get(ctx context.Context, sha string) error {
	part := c.path(sha) + ".part"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("%w: %w", errImage, err)
	}
	defer f.Close()
	sum := sha256.New()
	have, err := io.Copy(sum, f)
	if err != nil {
		return fmt.Errorf("%w: %w", errImage, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.server.FetchImage(ctx, &hostapi.FetchImageRequest{Sha256: sha, Offset: have})
	for err == nil {
		var m *hostapi.ImageChunk
		if m, err = stream.Recv(); err != nil {
			break
		}
		sum.Write(m.Data)
		if _, werr := c.write(f, m.Data); werr != nil {
			if errors.Is(werr, syscall.ENOSPC) {
				os.Remove(part) // others need the room more
			}
			return fmt.Errorf("%w: %w", errImage, werr)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
	case status.Code(err) == codes.Unavailable || status.Code(err) == codes.Canceled:
		return fmt.Errorf("%w: %w", errServerAway, err)
	case status.Code(err) == codes.OutOfRange:
		os.Remove(part) // not the beginning of this image
		return fmt.Errorf("%w: %w", errImage, err)
	default:
		return fmt.Errorf("%w: %w", errImage, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != sha {
		os.Remove(part)
		return fmt.Errorf("%w: what the server sent for %s has another content", errImage, sha)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("%w: %w", errImage, err)
	}
	return os.Rename(part, c.path(sha))
}

// sweep removes images that no guest needs.
func (c *imageCache) sweep(wanted map[string]bool) {
	if c.dir == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		sha := e.Name()[:min(len(e.Name()), sha256.Size*2)]
		if !wanted[sha] && c.fetching[sha] == nil {
			os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
}
