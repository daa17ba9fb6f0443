package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Who is refused while it sends a large body sees the answer, and no connection that is reset.
func TestRefusalWhileSending(t *testing.T) {
	h := start(t)
	const size = 48 << 20 // more than sockets hold
	for _, c := range []struct {
		request string
		status  int
	}{
		{"PATCH /things/v1/things", http.StatusMethodNotAllowed}, {"POST /nothing", http.StatusNotFound}, {"POST /things/v1/things", http.StatusUnauthorized},
	} {
		t.Run(c.request, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			part := make([]byte, size/96)
			_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", c.request, size, part)
			if err != nil {
				t.Fatal(err)
			}
			from := bufio.NewReader(conn)
			resp, err := http.ReadResponse(from, nil)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("%v, %v", resp, err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Error(err)
			}
			for range 95 { // it goes on: it has not looked yet
				if _, err := conn.Write(part); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := from.ReadByte(); err != io.EOF {
				t.Errorf("after the answer: %v, %v", n, err)
			}
		})
	}
}
