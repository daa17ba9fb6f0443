package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Store implements blob.Store.
type Store struct {
	cfg Config
	s3  minio.Core

	mu      sync.Mutex
	putting map[string]int // names whose Put is under way
	silent  time.Time      // until when calls fail at once
}

// What a file is sent in.
const (
	PartSize = 16 << 20 // bytes; more for files that would have more than 10,000 parts
	Threads  = 4        // parts at once
)

const (
	// Idle is how long a peer may do nothing while it is waited for.
	Idle = 2 * time.Minute
	// brief bounds a call that moves no bytes of a blob.
	brief = 30 * time.Second
	// tries is how often a request is made before its error counts.
	tries = 3
	// abortTime is how long a Put that was ended waits for its upload to be aborted.
	abortTime = time.Second
	// quiet is how long calls fail at once after a peer that did not answer.
	quiet = 10 * time.Second
)

// Open returns the store that a configuration names, with the keys that are there
// now. It asks nobody: a store that is away can be opened.
func Open(c Config) (*Store, error) {
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	tr, err := minio.DefaultTransport(c.TLS)
	if err != nil {
		return nil, err
	}
	tr.DialContext = dial
	tr.ResponseHeaderTimeout = 0 // Idle bounds it: a large object may take long to complete
	if c.CACert != "" {
		if tr.TLSClientConfig.RootCAs, err = authorities(c.CACert); err != nil {
			return nil, err
		}
	}
	lookup := minio.BucketLookupDNS
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	m, err := minio.NewCore(c.Host, &minio.Options{Creds: keys, Secure: c.TLS, Region: c.Region, BucketLookup: lookup, Transport: tr, MaxRetries: tries})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return &Store{cfg: c, s3: *m, putting: map[string]int{}}, nil
}

// Config is what the store was opened with.
func (s *Store) Config() Config { return s.cfg }

func (s *Store) key(name string) string { return s.cfg.Prefix + name }

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, name, file string) error {
	defer os.Remove(file)
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	s.count(name, 1)
	go func() {
		defer s.count(name, -1)
		defer f.Close()
		sent <- s.call(ctx, 0, func(ctx context.Context) error { return s.send(ctx, name, f) })
	}()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
	}
	// The client aborts the upload, and gives a silent peer a minute for it. Who stops
	// the server does not.
	select {
	case err := <-sent:
		return err
	case <-time.After(abortTime):
		return ctx.Err()
	}
}

// send makes a file an object.
func (s *Store) send(ctx context.Context, name string, f *os.File) error {
	info, err := f.Stat()
	if err == nil {
		_, err = s.s3.Client.PutObject(ctx, s.cfg.Bucket, s.key(name), f, info.Size(), minio.PutObjectOptions{NumThreads: Threads})
	}
	return err
}

// count notes that a Put begins or ends.
func (s *Store) count(name string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.putting[name] += n; s.putting[name] == 0 {
		delete(s.putting, name)
	}
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	var info minio.ObjectInfo
	err := s.call(ctx, brief, func(ctx context.Context) (err error) {
		info, err = s.s3.StatObject(ctx, s.cfg.Bucket, s.key(name), minio.StatObjectOptions{})
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return &reader{ctx: ctx, s: s, name: name, size: info.Size}, info.Size, nil
}

// Remove implements blob.Store.
func (s *Store) Remove(ctx context.Context, name string) error {
	return errors.Join(s.abort(ctx, s.key(name), func(of string) bool { return of == name }),
		s.call(ctx, brief, func(ctx context.Context) error {
			return s.s3.RemoveObject(ctx, s.cfg.Bucket, s.key(name), minio.RemoveObjectOptions{})
		}))
}

// Names implements blob.Store.
func (s *Store) Names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.waiting(); err != nil {
			yield("", err)
			return
		}
		for o := range s.s3.ListObjectsIter(ctx, s.cfg.Bucket, minio.ListObjectsOptions{Prefix: s.cfg.Prefix, FetchOwner: new(bool)}) {
			if o.Err != nil {
				yield("", s.fault(o.Err))
				return
			}
			name := strings.TrimPrefix(o.Key, s.cfg.Prefix)
			if name != "" && !strings.Contains(name, "/") && !yield(name, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield("", err)
		}
	}
}

// Tidy implements blob.Store. What is not below the prefix itself is left alone.
func (s *Store) Tidy(ctx context.Context) error {
	return s.abort(ctx, s.cfg.Prefix, func(name string) bool {
		if strings.Contains(name, "/") {
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.putting[name] == 0
	})
}

// abort aborts the uploads below a prefix whose names ok says yes to. One that a
// page names and that is under way now, or has ended, was under way when the page
// was made.
func (s *Store) abort(ctx context.Context, prefix string, ok func(name string) bool) error {
	key, id := "", ""
	for {
		var page minio.ListMultipartUploadsResult
		err := s.call(ctx, brief, func(ctx context.Context) (err error) {
			page, err = s.s3.ListMultipartUploads(ctx, s.cfg.Bucket, prefix, key, id, "", 1000)
			return err
		})
		if err != nil {
			return err
		}
		for _, u := range page.Uploads {
			if !ok(strings.TrimPrefix(u.Key, s.cfg.Prefix)) {
				continue
			}
			err := s.call(ctx, brief, func(ctx context.Context) error {
				return s.s3.AbortMultipartUpload(ctx, s.cfg.Bucket, u.Key, u.UploadID)
			})
			if err != nil && !cloud.Is(err, cloud.NotFound) {
				return err
			}
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
		if !page.IsTruncated || key == "" {
			return nil
		}
	}
}
