package front

import (
	"io"
	"net/http"
	"time"
)

// What is still read of a body after its request was answered: in bytes, and for how long.
const (
	drainMost = 64 << 20
	drainTime = 5 * time.Second
)

// drain reads what the client still sends of a body that the answer did not need. A
// connection that is closed while the other end writes is reset, and the answer may be lost with
// it. Nobody is read who waits to be told to send (Expect), and HTTP/2 needs none of it.
func drain(w http.ResponseWriter, r *http.Request, body io.Reader) {
	if body == nil || r.ContentLength == 0 || r.ProtoMajor != 1 || r.Header.Get("Expect") != "" {
		return
	}
	if n, err := body.Read(make([]byte, 1)); n == 0 && err != nil {
		return // it was read, or is broken
	}
	conn := http.NewResponseController(w)
	_ = conn.Flush()
	_ = conn.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, body, drainMost)
}
