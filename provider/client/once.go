package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
)

// Once makes a call that creates something, so that it is created once whatever
// becomes of the connection and of the server. call gets a service client that
// tells the cloud what to call the thing; there reads the thing by that id. On a
// cloud that chooses its ids itself the call is simply made.
//
// If the answer is lost, there tells whether the call was done; if not, it is
// made again. If the cloud cannot be asked either, lost is the id: it belongs in
// the state, so that the next apply finds out.
func (c *Client) Once(ctx context.Context, s *gophercloud.ServiceClient, there func(ctx context.Context, id string) error, call func(ctx context.Context, s *gophercloud.ServiceClient) error) (lost string, err error) {
	if !c.extension(ctx, s, "id") {
		return "", call(ctx, s)
	}
	id := uuid.NewString()
	s = with(s, "Cloudlet-Id", id)
	if s.Type == "identity" {
		id = strings.ReplaceAll(id, "-", "") // as Keystone's ids are
	}
	return OnceAs(ctx, id, there, func(ctx context.Context) error { return call(ctx, s) })
}

// OnceAs is Once for a call that itself says what its thing is to be called.
func OnceAs(ctx context.Context, id string, there func(ctx context.Context, id string) error, call func(ctx context.Context) error) (lost string, err error) {
	for {
		err := call(ctx)
		if err == nil || Answered(err) {
			return "", err
		}
		found := there(ctx, id)
		switch {
		case found == nil:
			return "", nil
		case !NotFound(found):
			return id, fmt.Errorf("the cloud does not answer; whether it did this is not known, the next apply finds out: %w", err)
		case failed(err):
			return "", err // it said that it could not, and it did not
		}
	}
}

// Answered reports whether an error says what became of a call.
func Answered(err error) bool {
	var e gophercloud.ErrUnexpectedResponseCode
	return errors.As(err, &e) && e.Actual < http.StatusInternalServerError
}

// Lost reports whether an error is that no answer came.
func Lost(err error) bool {
	var e gophercloud.ErrUnexpectedResponseCode
	return err != nil && !errors.As(err, &e)
}

// failed reports whether an error is the cloud's own failure.
func failed(err error) bool {
	var e gophercloud.ErrUnexpectedResponseCode
	return errors.As(err, &e) && e.Actual >= http.StatusInternalServerError
}
