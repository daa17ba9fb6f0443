package front

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// MaxWait is the longest that a GET is held; a client that wants more asks again.
const MaxWait = 10 * time.Minute

// waitsPerUser is how many GETs of one user are held at once. Each keeps a
// connection and its answer in memory. A further one is answered at once,
// without Preference-Applied, as RFC 7240 allows.
const waitsPerUser = 512

// waits counts the GETs that are held, by user.
type waits struct {
	mu   sync.Mutex
	held map[string]int
}

// enter reports whether one more GET of the user may be held; leave ends it.
func (w *waits) enter(user string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[user] >= waitsPerUser {
		return false
	}
	w.held[user]++
	return true
}

func (w *waits) leave(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[user]--; w.held[user] == 0 {
		delete(w.held, user)
	}
}

// waiting is what a client asked for with If-None-Match and Prefer.
type waiting struct {
	etags string // If-None-Match, as sent; "" if not
	limit time.Duration
}

// wantsWait returns what a GET asks for; nil if the route is no plain GET.
func (f *Front) wantsWait(rq *Request) *waiting {
	m := rq.HTTP.Method
	if m != http.MethodGet && m != http.MethodHead || rq.route.Rule == Public || rq.route.MaxBody < 0 {
		return nil
	}
	return &waiting{etags: rq.HTTP.Header.Get("If-None-Match"), limit: preferWait(rq.HTTP.Header)}
}

// preferWait returns the seconds of Prefer: wait=N (RFC 7240, section 4.3).
func preferWait(h http.Header) time.Duration {
	for _, line := range h.Values("Prefer") {
		for p := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ';' }) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(p), "wait="); ok {
				if n, err := strconv.Atoi(strings.Trim(v, `"`)); err == nil && n > 0 {
					return min(time.Duration(n)*time.Second, MaxWait)
				}
			}
		}
	}
	return 0
}

// hold answers a GET: at once, unless the client has this very answer already
// and asks to wait for the next. It takes no worker while it waits: it sleeps
// on the rows that the handler read.
func (f *Front) hold(w http.ResponseWriter, rq *Request, want *waiting) (*Response, error) {
	ctx := rq.Context()
	if want.etags == "" {
		want.limit = 0 // nothing to compare with
	}
	if user := rq.Caller.UserID; want.limit > 0 && f.waits.enter(user) {
		defer f.waits.leave(user)
	} else {
		want.limit = 0
	}
	if want.limit > 0 {
		w.Header().Set("Preference-Applied", fmt.Sprintf("wait=%d", int(want.limit/time.Second)))
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-f.clock.After(want.limit):
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	for {
		snap, watch := rq.store.Watch()
		rq.snap = snap
		resp, err := f.attempt(rq)
		if err != nil || resp.Body == nil || resp.Status != http.StatusOK {
			return resp, err
		}
		tag, err := etag(resp)
		if err != nil {
			return nil, err
		}
		resp.With("ETag", tag)
		if !matches(want.etags, tag) {
			return resp, nil
		}
		if want.limit > 0 {
			err := watch.Wait(ctx)
			if err == nil {
				if err := f.reauthenticate(rq); err != nil {
					return nil, err
				}
				continue
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				return nil, cloud.AsError(err)
			}
		}
		return (&Response{Status: http.StatusNotModified}).With("ETag", tag), nil
	}
}

// reauthenticate makes sure that a token revoked while its owner waited sees nothing more.
func (f *Front) reauthenticate(rq *Request) error {
	if rq.Caller.UserID == "" {
		return nil
	}
	return f.authenticate(rq)
}

// etag is a strong validator of the rendered body.
func etag(resp *Response) (string, error) {
	b, err := json.Marshal(resp.Body, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	resp.Body, resp.Raw = nil, b
	resp.With("Content-Type", "application/json")
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:16]) + `"`, nil
}

// matches compares an If-None-Match list with a tag, weakly (RFC 9110, section 13.1.2).
func matches(list, tag string) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for t := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(t), "W/") == tag {
			return true
		}
	}
	return false
}
