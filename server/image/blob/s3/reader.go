package s3

import (
	"context"
	"errors"
	"io"

	"github.com/minio/minio-go/v7"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// reader reads an object from wherever, in one request as long as nothing cuts it
// off: then it asks for what is left.
type reader struct {
	ctx      context.Context
	s        *Store
	name     string
	size, at int64
	body     io.ReadCloser // from at on; nil if there is none
}

// Read implements io.Reader. It gives up when two requests in a row brought nothing.
func (r *reader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if r.at >= r.size {
		return 0, io.EOF
	}
	for last := false; ; last = true {
		if r.body == nil {
			if err := r.open(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(b[:min(int64(len(b)), r.size-r.at)])
		if r.at += int64(n); n > 0 {
			return n, nil // an error comes again
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		r.stop()
		if last || r.ctx.Err() != nil {
			return 0, r.s.fault(err)
		}
	}
}

func (r *reader) open() error {
	var o minio.GetObjectOptions
	if err := o.SetRange(r.at, r.size-1); err != nil {
		return err
	}
	return r.s.call(r.ctx, 0, func(ctx context.Context) (err error) {
		r.body, _, _, err = r.s.s3.GetObject(ctx, r.s.cfg.Bucket, r.s.key(r.name), o)
		return err
	})
}

// stop ends the request under way.
func (r *reader) stop() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
}

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return r.at, cloud.Errorf(cloud.Invalid, "content", "There is nothing before the start.")
	}
	if offset != r.at {
		r.stop()
		r.at = offset
	}
	return r.at, nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.stop()
	return nil
}
