package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// call makes a request, at most for so long; 0 sets no bound.
func (s *Store) call(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	if err := s.waiting(); err != nil {
		return err
	}
	if limit > 0 {
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return s.outcome(ctx, f(bounded))
	}
	return s.outcome(ctx, f(ctx))
}

// outcome is the fault of a request, unless the caller himself ended it.
func (s *Store) outcome(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return s.fault(err)
}

// waiting is an error for a while after a peer that did not answer.
func (s *Store) waiting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.silent) {
		return s.unavailable(errors.New("it did not answer a moment ago"))
	}
	return nil
}

// said are the codes of S3 that an operator can do something about.
var said = map[string]string{
	"NoSuchBucket":                 "there is no such bucket",
	"InvalidAccessKeyId":           "the access key is not known there",
	"XAdminUserNotFound":           "the access key is not known there", // Versity's
	"SignatureDoesNotMatch":        "the secret key is wrong",
	"AccessDenied":                 "the access key may not do this",
	"AllAccessDisabled":            "the access key may not do this",
	"ExpiredToken":                 "the session token has expired",
	"InvalidToken":                 "the session token is wrong",
	"RequestTimeTooSkewed":         "the clocks of both ends differ too much",
	"AuthorizationHeaderMalformed": "the region is wrong",
	"InvalidRegion":                "the region is wrong",
	"PermanentRedirect":            "the bucket is in another region",
	"MethodNotAllowed":             "the endpoint does not do this: is it object storage?",
}

// noRoom are the codes of storage that is full. QuotaExceeded is Ceph's and
// Versity's, the one with X is MinIO's.
var noRoom = map[string]bool{"QuotaExceeded": true, "XMinioStorageFull": true, "InsufficientStorage": true, "EntityTooLarge": true}

// fault makes an error of the store of one of the client. It notes a peer that did
// not answer.
func (s *Store) fault(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*cloud.Error](err); ok {
		return err
	}
	if r, ok := errors.AsType[minio.ErrorResponse](err); ok {
		switch {
		case r.Code == minio.NoSuchKey || r.Code == minio.NoSuchUpload:
			return cloud.Errorf(cloud.NotFound, "content", "There is nothing of that name in the store.").Because(err)
		case noRoom[r.Code] || r.StatusCode == 507: // RFC 4918, section 11.5
			return cloud.Errorf(cloud.TooLarge, "content", "There is no room for it.").Because(fmt.Errorf("%s: %w", s.cfg, err))
		}
		why := fmt.Errorf("%s (%s: %s)", r.Code, r.Message, r.RequestID)
		if hint := said[r.Code]; hint != "" {
			why = fmt.Errorf("%s: %w", hint, why)
		}
		return s.unavailable(why)
	}
	var e net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.Timeout() {
		s.mu.Lock()
		s.silent = time.Now().Add(quiet)
		s.mu.Unlock()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL has a signature in it
	}
	return s.unavailable(err)
}

func (s *Store) unavailable(why error) error {
	return cloud.Errorf(cloud.Unavailable, "content", "The object storage does not do what it is asked; try again later.").Because(fmt.Errorf("%s: %w", s.cfg, why))
}
