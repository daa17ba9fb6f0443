package front

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// An answer is kept in memory until the client has taken it: not for ever.
func TestClientsThatTakeNothingAreCutOff(t *testing.T) {
	answer := bytes.Repeat([]byte("x"), 32<<20) // more than sockets hold
	s := &Service{Name: "big", Fault: func(_ *Request, status int, _ *cloud.Error) *Response { return &Response{Status: status} }, Routes: []Route{
		{Method: "GET", Path: "/whole", Rule: Public, Handle: func(*Request) (*Response, error) { return &Response{Status: http.StatusOK, Raw: answer}, nil }},
		{Method: "GET", Path: "/stream", Rule: Public, MaxBody: -1, Handle: func(*Request) (*Response, error) {
			return &Response{Status: http.StatusOK, Stream: io.NopCloser(bytes.NewReader(answer)), Length: int64(len(answer))}, nil
		}},
		{Method: "GET", Path: "/small", Rule: Public, Handle: func(*Request) (*Response, error) { return &Response{Status: http.StatusOK, Raw: []byte("x")}, nil }},
	}}
	store := storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Tables: []statestore.AnyTable{things}})
	f := New(Options{Store: store, Services: []*Service{s}, Clock: cloud.RealClock{}, Log: slog.New(slog.DiscardHandler), StreamIdle: 100 * time.Millisecond})
	ended := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { ended <- r.URL.Path }()
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	for _, path := range []string{"/whole", "/stream"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		if got := <-ended; got != path {
			t.Fatal(got)
		}
		if n, _ := io.Copy(io.Discard, conn); n >= int64(len(answer)) {
			t.Errorf("%s: a client that took nothing has all", path)
		}
		conn.Close()
		// Who reads has all of it, and may rest between two calls.
		for _, next := range []string{path, "/small"} {
			resp, err := http.Get(server.URL + next)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err != nil || n != resp.ContentLength {
				t.Errorf("%s: %d bytes of %d, %v", next, n, resp.ContentLength, err)
			}
			<-ended
		}
	}
}
