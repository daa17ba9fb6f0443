package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

const (
	holdSeconds  = 60              // how long one GET asks to be held
	pollInterval = 2 * time.Second // on a cloud that does not hold
)

// Wait reads url until done says so, and returns nil then. On a cloud that
// knows the wait extension each GET is held until the resource changes; else it
// polls. It ends with done's error, a call's error (NotFound among them), or
// ctx's with what was last seen. body is decoded afresh for each call of done.
func (c *Client) Wait(ctx context.Context, s *gophercloud.ServiceClient, url string, done func(body []byte) (bool, error)) error {
	holds := c.extension(ctx, s, "wait")
	tag := ""
	for {
		headers := map[string]string{}
		if tag != "" && holds {
			headers["If-None-Match"] = tag
			headers["Prefer"] = fmt.Sprintf("wait=%d", holdSeconds)
		}
		resp, err := s.Get(ctx, url, nil, &gophercloud.RequestOpts{MoreHeaders: headers, OkCodes: []int{http.StatusOK, http.StatusNotModified}, KeepResponseBody: true})
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusOK {
			if ok, err := done(body); ok || err != nil {
				return err
			}
		}
		refused := resp.StatusCode == http.StatusNotModified && resp.Header.Get("Preference-Applied") == "" // it holds too many
		tag = resp.Header.Get("ETag")
		if holds && tag != "" && !refused {
			continue
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitGone waits until url answers 404. done may end the wait early with an
// error, such as a fault on the resource; it may be nil.
func (c *Client) WaitGone(ctx context.Context, s *gophercloud.ServiceClient, url string, done func(body []byte) error) error {
	err := c.Wait(ctx, s, url, func(body []byte) (bool, error) {
		if done == nil {
			return false, nil
		}
		return false, done(body)
	})
	if NotFound(err) {
		return nil
	}
	return err
}

// Into decodes one member of a JSON object: the envelope {"server": {…}}.
func Into[T any](body []byte, member string) (T, error) {
	var zero T
	if member == "" {
		err := json.Unmarshal(body, &zero)
		return zero, err
	}
	var m map[string]T
	if err := json.Unmarshal(body, &m); err != nil {
		return zero, fmt.Errorf("the cloud's answer is not the JSON that was expected: %w", err)
	}
	return m[member], nil
}
